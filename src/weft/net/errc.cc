#include "weft/net/errc.h"

#include <cerrno>
#include <cstring>

namespace weft::net {

const char* describe(errc code) {
  switch (code) {
    case errc::address:
      return "the address cannot be used";
    case errc::system:
      return "the operating system refused a resource";
    case errc::origin:
      return "not an origin";
    case errc::certificate:
      return "a certificate or key file cannot be used";
  }
  return "unknown error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("net");
  return {static_cast<int>(code), category};
}

std::unexpected<base::error> fail_errno(errc code, std::string_view what) {
  const int number = errno;
  return base::fail(code, std::string(what) + ": " + std::generic_category().message(number));
}

}  // namespace weft::net
