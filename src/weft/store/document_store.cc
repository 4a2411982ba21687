#include "weft/store/document_store.h"

#include "weft/base/errc_category.h"

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
    case errc::exists:
      return "there is a blob at this location already";
    case errc::too_large:
      return "the blob is larger than the store takes";
    case errc::invalid:
      return "this is no location of a blob";
  }
  return "unknown store error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category{"store"};
  return {static_cast<int>(code), category};
}

base::result<void> may_replace(const Snapshot& present, const Snapshot& next) {
  if (present.log != next.log || present.covered_end <= next.covered_end) return {};
  return base::fail(errc::stale, "snapshot store: holds a snapshot up to " +
                                     std::to_string(present.covered_end.value) +
                                     ", this one ends at " +
                                     std::to_string(next.covered_end.value));
}

}  // namespace weft::store
