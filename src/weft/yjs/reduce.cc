#include <optional>

#include "weft/yjs/sweep.h"
#include "weft/yjs/update.h"

namespace weft::yjs {

result<byte_vector> reduce(byte_view update, const Knowledge& held) {
  Sweep sweep;
  const errc code = sweep.load(update);
  if (code != errc{}) return decode_failure(code);
  SectionWriter sections;
  Sweep::Part part;
  while (sweep.next(part)) {
    std::optional<ContentCursor> cursor;
    if (part.item != nullptr) cursor.emplace(*part.item);
    const auto put = [&](clock_range range) {
      Writer& out = sections.next_after_gap(part.client, range.start);
      if (cursor) {
        const clock_value start = part.item->clock;
        write_part(*part.item, range.start - start, range.end - start, *cursor, out);
      } else {
        out.byte(gc_ref);
        out.uint(range.end - range.start);
      }
      sections.ends_at(range.end);
    };
    for (const clock_range range : held.structs.missing(part.client, part.range)) put(range);
  }
  // The list is given back while the other grows, for both together would be the peak.
  deletion_list news;
  for (deletion_list& all = sweep.deletions(); !all.empty(); all.pop_front()) {
    const Deletion& d = all.front();
    for (const clock_range range : held.deletions.missing(d.client, d.range)) {
      news.push_back({d.client, range});
    }
  }
  sort_and_join(news);
  Writer out;
  sections.finish(out);
  write_deletions(news, out);
  return out.take();
}

}  // namespace weft::yjs
