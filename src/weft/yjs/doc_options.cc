#include "weft/yjs/value.h"

namespace weft::yjs {

void skip_doc_options(Reader& in, bool& plain) {
  if (in.left() > 0 && *in.pos() >= null_tag) return in.fail(errc::corrupt);
  // Of an object Yjs keeps only what it knows: anything but an empty one is rewritten.
  if (in.left() > 1 && (in.pos()[0] != object_tag || in.pos()[1] != 0)) plain = false;
  skip_any(in, plain);
}

void rewrite_doc_options(Reader& in, Writer& out) {
  bool collect = true;
  bool load = false;
  Writer meta;
  if (in.left() > 0 && *in.pos() == object_tag) {
    Writer canonical;
    rewrite_any(in, canonical);
    Reader options(canonical.view().subspan(1));
    const std::uint64_t count = options.uint();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view key = base::as_text(options.bytes());
      const std::uint8_t* const begin = options.pos();
      bool plain = true;
      skip_any(options, plain);
      const bool falsy = *begin == false_tag || *begin == null_tag ||
                         (*begin == integer_tag && (begin[1] & 0xbf) == 0) ||
                         (*begin == string_tag && begin[1] == 0);
      if (key == "gc") collect = *begin == undefined_tag || !falsy;
      if (key == "autoLoad") load = *begin != undefined_tag && !falsy;
      if (key == "meta") {
        meta.clear();
        if (*begin != null_tag && *begin != undefined_tag) meta.raw(begin, options.pos());
      }
    }
  }
  out.byte(object_tag);
  out.uint((collect ? 0u : 1u) + (load ? 1u : 0u) + (meta.size() != 0 ? 1u : 0u));
  const auto put = [&](std::string_view key) { out.bytes(base::as_bytes(key)); };
  if (!collect) put("gc"), out.byte(false_tag);
  if (load) put("autoLoad"), out.byte(true_tag);
  if (meta.size() != 0) put("meta"), out.raw(meta.view());
}

}  // namespace weft::yjs
