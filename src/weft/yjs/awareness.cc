#include "weft/yjs/lib0.h"
#include "weft/yjs/sync_protocol.h"
#include "weft/yjs/utf.h"
#include "weft/yjs/value.h"

namespace weft::yjs {

base::result<std::vector<AwarenessEntry>> decode_awareness(base::byte_view bytes) {
  Reader in(bytes);
  const std::uint64_t count = in.uint();
  std::vector<AwarenessEntry> entries;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    AwarenessEntry entry;
    entry.client = in.uint();
    entry.clock = in.uint();
    const base::byte_view state = in.bytes();
    if (!in.ok()) break;
    bool plain = true;
    if (utf16_length(state) == invalid_text || !check_json(state, plain)) {
      return base::fail(errc::corrupt, "an awareness state is not JSON");
    }
    entry.state = base::as_text(state);
    entries.push_back(entry);
  }
  if (!in.ok()) return base::fail(in.code(), "the awareness update is incomplete");
  return entries;
}

base::byte_vector encode_awareness_update(std::span<const AwarenessEntry> entries) {
  Writer out;
  out.uint(entries.size());
  for (const AwarenessEntry& entry : entries) {
    out.uint(entry.client);
    out.uint(entry.clock);
    out.bytes(base::as_bytes(entry.state));
  }
  return out.take();
}

}  // namespace weft::yjs
