#include "weft/gateway/ywebsocket/framing.h"

#include <cstring>

#include "weft/net/deflate.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::ywebsocket {

std::size_t YWebSocketFraming::write_header(const hub::FrameInfo& info, std::uint8_t* out) const {
  std::uint8_t sync[yjs::sync_header_bytes_max];
  const std::size_t sync_bytes = yjs::write_sync_header(info.type, info.update_bytes, sync);
  const std::size_t frame_bytes =
      net::frame_header(net::opcode::binary, sync_bytes + info.update_bytes, out);
  std::memcpy(out + frame_bytes, sync, sync_bytes);
  return frame_bytes + sync_bytes;
}

std::size_t CompressedFraming::write_header(const hub::FrameInfo& info, std::uint8_t* out) const {
  return plain_.write_header(info, out);
}

std::optional<std::size_t> CompressedFraming::rewrite(yjs::sync_type type, base::byte_view update,
                                                      std::uint8_t* out) const {
  std::uint8_t sync[yjs::sync_header_bytes_max];
  const std::size_t sync_bytes = yjs::write_sync_header(type, update.size(), sync);
  return net::write_deflated_frame(net::opcode::binary, {base::byte_view(sync, sync_bytes), update},
                                   {out, update.size()});
}

base::shared_bytes CompressedFraming::frame_awareness(base::byte_view awareness_update) const {
  if (rewrites(awareness_update.size())) {
    const auto message = yjs::encode_awareness(awareness_update);
    base::byte_vector frame(message.size());
    const auto size = net::write_deflated_frame(net::opcode::binary, {message}, frame);
    if (size) return base::shared_bytes::copy_of(base::byte_view(frame).first(*size));
  }
  return plain_.frame_awareness(awareness_update);
}

base::shared_bytes YWebSocketFraming::frame_awareness(base::byte_view awareness_update) const {
  return net::make_frame(net::opcode::binary, yjs::encode_awareness(awareness_update));
}

}  // namespace weft::gateway::ywebsocket
