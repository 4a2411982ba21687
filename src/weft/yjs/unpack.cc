#include "weft/yjs/delete_set.h"
#include "weft/yjs/packing.h"
#include "weft/yjs/update_v2_reader.h"

namespace weft::yjs {

using base::byte_vector;
using base::byte_view;
using base::result;

result<byte_vector> unpack(byte_view update_v2, Values values, Sections sections,
                           std::size_t bytes_max) {
  UpdateV2Reader reader(update_v2, values);
  SectionWriter written;
  while (reader.advance()) {
    if (sections == Sections::kept && reader.section_begins()) written.break_section();
    reader.read(written.next(reader.client(), reader.clock()));
    if (written.bytes() > bytes_max) return decode_failure(errc::over_limit);
  }
  deletion_list deletions;
  reader.read_deletions(
      [&](client_id client, clock_range range) { deletions.push_back({client, range}); });
  if (!reader.ok()) return decode_failure(reader.code());
  Writer out;
  written.finish(out);
  write_deletions(deletions, out);
  if (out.size() > bytes_max) return decode_failure(errc::over_limit);
  return out.take();
}

}  // namespace weft::yjs
