#pragma once

#include <string_view>

#include "weft/base/errc_category.h"
#include "weft/base/result.h"

namespace weft::net {

/// What a caller of this module can act on. Faults of peers never appear here: they end in a
/// close code or an HTTP status.
enum class errc {
  address = 1,  ///< an address cannot be understood, resolved or bound: choose another
  system,       ///< the operating system refused a resource: descriptors, memory
  origin,       ///< an entry of a list of origins cannot be understood
  certificate,  ///< a certificate or key file cannot be used: mend or replace it
};

const char* describe(errc code);
std::error_code make_error_code(errc code);

/// The error arm for a failed system call: "what: strerror(errno)".
[[nodiscard]] std::unexpected<base::error> fail_errno(errc code, std::string_view what);

}  // namespace weft::net

template <>
struct std::is_error_code_enum<weft::net::errc> : std::true_type {};
