#include "weft/yjs/delete_set.h"
#include "weft/yjs/packing.h"
#include "weft/yjs/state_map.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

result<byte_vector> diff_as(Values values, byte_view update, byte_view state_vector) {
  state_map state;
  errc code{};
  if (!read_state_vector(state_vector, state, code)) return decode_failure(code);

  StructReader reader(update, values);
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
  Writer out;
  sections.finish(out);
  write_deletions(deletions, out);
  return out.take();
}

}  // namespace

result<byte_vector> diff(byte_view update, byte_view state_vector) {
  return diff_as(Values::json, update, state_vector);
}

result<byte_vector> diff_unpacked(byte_view update, byte_view state_vector) {
  return diff_as(Values::any, update, state_vector);
}

}  // namespace weft::yjs
