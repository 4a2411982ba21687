#include "weft/hub/run.h"

namespace weft::hub {

namespace {

base::result<void> add_part(base::shared_bytes update, Run& to) {
  auto indexed = yjs::IndexedUpdate::build(std::move(update));
  if (!indexed) return base::fail(std::move(indexed.error()));
  to.bytes += indexed->size();
  to.parts.push_back(std::move(*indexed));
  return {};
}

}  // namespace

base::result<CompactedRun> index_run(base::shared_bytes update, std::size_t part_bytes_max) {
  auto run = std::make_shared<Run>();
  if (update.size() <= part_bytes_max) {
    if (auto added = add_part(std::move(update), *run); !added) {
      return base::fail(std::move(added.error()));
    }
    return CompactedRun{run, run->parts.front().update()};
  }
  auto parts = yjs::split(update, part_bytes_max);
  if (!parts) return base::fail(std::move(parts.error()));
  for (auto& part : *parts) {
    if (auto added = add_part(base::shared_bytes::adopt(std::move(part)), *run); !added) {
      return base::fail(std::move(added.error()));
    }
  }
  return CompactedRun{std::move(run), std::move(update)};
}

base::result<CompactedRun> compact_run(std::span<const base::byte_view> updates,
                                       std::size_t part_bytes_max) {
  auto compacted = yjs::compact(updates);
  if (!compacted) return base::fail(std::move(compacted.error()));
  return index_run(base::shared_bytes::adopt(std::move(*compacted)), part_bytes_max);
}

}  // namespace weft::hub
