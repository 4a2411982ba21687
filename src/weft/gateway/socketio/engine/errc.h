#pragma once

#include "weft/base/errc_category.h"
#include "weft/base/result.h"

namespace weft::gateway::socketio::engine {

/// What is wrong with the bytes of a client.
enum class errc {
  malformed = 1,  ///< no packet of this protocol
  too_many,       ///< beyond a bound on their number
};

const char* describe(errc code);
std::error_code make_error_code(errc code);

}  // namespace weft::gateway::socketio::engine

template <>
struct std::is_error_code_enum<weft::gateway::socketio::engine::errc> : std::true_type {};
