#include "weft/hub/errc.h"

#include "weft/base/errc_category.h"

namespace weft::hub {

const char* describe(errc code) {
  switch (code) {
    case errc::invalid_update:
      return "invalid update";
    case errc::conflicting_ids:
      return "client id reused with other content";
    case errc::too_large:
      return "too large";
    case errc::unavailable:
      return "temporarily unavailable";
    case errc::broken:
      return "document unreadable";
    case errc::draining:
      return "server is shutting down";
    case errc::timed_out:
      return "timed out";
    case errc::changed:
      return "document has changed";
    case errc::unauthenticated:
      return "not authenticated";
    case errc::forbidden:
      return "not allowed";
    case errc::expired:
      return "permission expired";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("hub");
  return {static_cast<int>(code), category};
}

}  // namespace weft::hub
