#include "weft/store/document_store.h"

namespace weft::store {

const char* describe(errc code) {
  switch (code) {
    case errc::unavailable:
      return "the store cannot be used at the moment";
    case errc::corrupt:
      return "stored bytes are not what was written";
    case errc::stale:
      return "the store holds a newer snapshot; nothing was written";
    case errc::closed:
      return "the store is shutting down";
  }
  return "unknown store error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category{"store"};
  return {static_cast<int>(code), category};
}

}  // namespace weft::store
