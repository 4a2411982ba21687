#pragma once

#include "weft/hub/framing.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::ywebsocket {

/// y-protocols messages in binary WebSocket frames, as y-websocket speaks them.
class YWebSocketFraming final : public hub::Framing {
 public:
  std::size_t header_bytes_max() const override {
    return net::frame_header_bytes_max + yjs::sync_header_bytes_max;
  }
  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;
};

/// The same in compressed frames, where that is shorter, for connections that negotiated
/// permessage-deflate. No frame needs what came before it, so they share them all the same.
class CompressedFraming final : public hub::Framing {
 public:
  /// Updates below `bytes_min` are framed as they are.
  explicit CompressedFraming(std::size_t bytes_min) : bytes_min_(bytes_min) {}

  std::size_t header_bytes_max() const override { return plain_.header_bytes_max(); }
  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override;
  bool rewrites(std::size_t update_bytes) const override { return update_bytes >= bytes_min_; }
  std::optional<std::size_t> rewrite(yjs::sync_type type, base::byte_view update,
                                     std::uint8_t* out) const override;
  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override;

 private:
  const YWebSocketFraming plain_;
  const std::size_t bytes_min_;
};

/// One of the two for each connection.
struct Framings {
  YWebSocketFraming plain;
  CompressedFraming compressed;
};

}  // namespace weft::gateway::ywebsocket
