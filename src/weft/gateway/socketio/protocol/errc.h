#pragma once

#include "weft/base/errc_category.h"
#include "weft/base/result.h"

namespace weft::gateway::socketio::protocol {

enum class errc {
  malformed = 1,  ///< a client sent what is no packet, or one out of place
  too_large,      ///< a packet beyond a bound
  overloaded,     ///< nothing was sent: the client does not read, try later
  timed_out,      ///< an acknowledgement did not come in time
  disconnected,   ///< the client is gone, or has left the namespace
};

const char* describe(errc code);
std::error_code make_error_code(errc code);

}  // namespace weft::gateway::socketio::protocol

template <>
struct std::is_error_code_enum<weft::gateway::socketio::protocol::errc> : std::true_type {};
