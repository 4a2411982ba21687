#pragma once

#include "weft/hub/framing.h"

namespace weft::gateway::ywebsocket {

/// y-protocols messages in binary WebSocket frames, as y-websocket speaks them.
class YWebSocketFraming final : public hub::Framing {
 public:
  std::size_t write_header(yjs::sync_type type, std::size_t update_bytes,
                           std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;
};

}  // namespace weft::gateway::ywebsocket
