#include "weft/base/errc_category.h"
#include "weft/crdt/reader.h"

namespace weft::crdt {

const char* describe(errc code) {
  switch (code) {
    case errc::unsupported:
      return "this build cannot read document content";
    case errc::corrupt:
      return "the bytes are not a Yjs update";
    case errc::not_found:
      return "the document has no root of that name";
    case errc::too_large:
      return "the document is larger than the reader may take on";
    case errc::failed:
      return "the reader broke down on these bytes";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("weft.crdt");
  return {static_cast<int>(code), category};
}

}  // namespace weft::crdt
