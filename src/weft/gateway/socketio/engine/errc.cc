#include "weft/gateway/socketio/engine/errc.h"

namespace weft::gateway::socketio::engine {

const char* describe(errc code) {
  switch (code) {
    case errc::malformed:
      return "not a packet of this protocol";
    case errc::too_many:
      return "more than the bound allows";
  }
  return "unknown error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("engine.io");
  return {static_cast<int>(code), category};
}

}  // namespace weft::gateway::socketio::engine
