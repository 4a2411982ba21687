#pragma once

#include <functional>
#include <system_error>

#include "weft/base/result.h"

namespace weft::store {

enum class errc {
  unavailable = 1,  ///< the store cannot be reached or is full; try again later
  corrupt,          ///< stored bytes fail their checksum; the evidence stays in place
  stale,            ///< a newer snapshot is already there; nothing was written
  closed,
  exists,     ///< there is a blob at this location already; nothing was written
  too_large,  ///< more bytes than the store takes in one blob
  invalid,    ///< no location of a blob: empty or too long
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

template <typename T>
using callback = std::move_only_function<void(base::result<T>)>;

}  // namespace weft::store

template <>
struct std::is_error_code_enum<weft::store::errc> : std::true_type {};
