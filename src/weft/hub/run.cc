#include "weft/hub/run.h"

#include "weft/yjs/update.h"

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

base::result<base::byte_vector> diff_of(std::span<const shared_run> runs, base::byte_view tail,
                                        base::byte_view state_vector) {
  std::vector<base::byte_vector> news;
  const auto keep = [&news](base::result<base::byte_vector> part) -> base::result<void> {
    if (!part) return base::fail(std::move(part.error()));
    if (!base::equal(*part, yjs::empty_update())) news.push_back(std::move(*part));
    return {};
  };
  for (const auto& run : runs) {
    for (const auto& part : run->parts) {
      if (auto kept = keep(part.diff(state_vector)); !kept) {
        return base::fail(std::move(kept.error()));
      }
    }
  }
  if (auto kept = keep(yjs::diff(tail, state_vector)); !kept) {
    return base::fail(std::move(kept.error()));
  }
  if (news.empty()) {
    const auto nothing = yjs::empty_update();
    return base::byte_vector(nothing.begin(), nothing.end());
  }
  if (news.size() == 1) return std::move(news.front());
  return yjs::merge(std::vector<base::byte_view>(news.begin(), news.end()));
}

}  // namespace weft::hub
