#pragma once

#include <system_error>

namespace weft::yjs {

enum class errc {
  truncated = 1,  ///< the bytes end in the middle of a value
  corrupt,        ///< the bytes cannot be what they claim to be
  too_large,      ///< a length or count beyond what Yjs itself can represent
  over_limit,     ///< an update in format v2 says more than the caller allows
  no_v1_form,     ///< format v1 cannot say a value of this update in format v2
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

}  // namespace weft::yjs

template <>
struct std::is_error_code_enum<weft::yjs::errc> : std::true_type {};
