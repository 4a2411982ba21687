#include <algorithm>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/state_map.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

/// Clients descending; each client's entries stay as they came, as Yjs leaves them.
void order_clients(deletion_list& deletions) {
  const auto before = [](const Deletion& a, const Deletion& b) { return a.client > b.client; };
  if (std::is_sorted(deletions.begin(), deletions.end(), before)) return;
  std::vector<std::size_t> order(deletions.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (deletions[a].client != deletions[b].client) return before(deletions[a], deletions[b]);
    return a < b;
  });
  deletion_list ordered;
  for (const std::size_t i : order) ordered.push_back(deletions[i]);
  deletions = std::move(ordered);
}

}  // namespace

result<byte_vector> diff(byte_view update, byte_view state_vector) {
  state_map state;
  errc code{};
  if (!read_state_vector(state_vector, state, code)) return decode_failure(code);

  StructReader reader(update);
  SectionWriter sections;
  Struct s;
  bool writing = false;  // everything up to the end of this client's section goes out
  client_id client = 0;
  clock_value held = 0;
  bool first = true;
  while (reader.next(s)) {
    if (first || s.client != client) {
      first = false;
      writing = false;
      client = s.client;
      const auto found = state.find(client);
      held = found == state.end() ? 0 : found->second;
    }
    if (writing) {
      write_struct(s, 0, sections.next(client, s.clock));
    } else if (!s.is_skip() && s.clock_end() > held) {
      const std::uint64_t from = held > s.clock ? held - s.clock : 0;
      write_struct(s, from, sections.next(client, s.clock + from));
      writing = true;
    }
  }
  deletion_list deletions;
  Reader& in = reader.in();
  if (!in.ok() || !read_deletions(in, [&](client_id c, clock_range range) {
        deletions.push_back({c, range});
      })) {
    return decode_failure(in.code());
  }
  order_clients(deletions);
  Writer out;
  sections.finish(out);
  write_deletions(deletions, out);
  return out.take();
}

result<byte_vector> state_vector_of(byte_view update) {
  StructReader reader(update);
  Writer entries;
  std::uint64_t size = 0;
  Struct s;
  client_id client = 0;
  clock_value clock = 0;
  bool stopped = false;
  bool first = true;
  const auto put = [&] {
    if (clock == 0) return;
    ++size;
    entries.uint(client);
    entries.uint(clock);
  };
  while (reader.next(s)) {
    if (first || s.client != client) {
      if (!first) put();
      // Only the very first struct counts before the check for a Skip.
      clock = first && s.clock == 0 ? s.length : 0;
      first = false;
      client = s.client;
      stopped = s.clock != 0;
    }
    if (s.is_skip()) stopped = true;
    if (!stopped) clock = s.clock_end();
  }
  if (!reader.in().ok()) return decode_failure(reader.in().code());
  put();
  Writer out;
  out.uint(size);
  out.raw(entries.view());
  return out.take();
}

byte_vector encode_state_vector(const IdSet& known) {
  std::vector<std::pair<client_id, clock_value>> entries;
  for (const auto& [client, ranges] : known.clients()) {
    const clock_value end = known.contiguous_end(client);
    if (end != 0) entries.emplace_back(client, end);
  }
  std::sort(entries.begin(), entries.end(), std::greater<>());
  Writer out;
  out.uint(entries.size());
  for (const auto& [client, clock] : entries) {
    out.uint(client);
    out.uint(clock);
  }
  return out.take();
}

}  // namespace weft::yjs
