#include "weft/yjs/packing.h"
#include "weft/yjs/update_v2_writer.h"

namespace weft::yjs {

base::result<base::byte_vector> pack(base::byte_view update, Values values) {
  StructReader reader(update, values);
  UpdateV2Writer writer(values);
  Struct s;
  while (reader.next(s)) writer.add(s);
  deletion_list deletions;
  Reader& in = reader.in();
  if (!in.ok() || !read_deletions(in, [&](client_id client, clock_range range) {
        deletions.push_back({client, range});
      })) {
    return decode_failure(in.code());
  }
  base::byte_vector packed = writer.finish(deletions);
  if (!writer.good()) return decode_failure(errc::too_large);
  return packed;
}

}  // namespace weft::yjs
