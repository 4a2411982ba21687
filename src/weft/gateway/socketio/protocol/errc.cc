#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {

const char* describe(errc code) {
  switch (code) {
    case errc::malformed:
      return "not a packet of this protocol";
    case errc::too_large:
      return "a packet beyond a bound";
    case errc::overloaded:
      return "the client does not read what it is sent";
    case errc::timed_out:
      return "no acknowledgement came in time";
    case errc::disconnected:
      return "the client is disconnected";
  }
  return "unknown error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("socket.io");
  return {static_cast<int>(code), category};
}

}  // namespace weft::gateway::socketio::protocol
