#include "weft/gateway/socketio/engine/packet.h"

#include <cstring>

#include "weft/gateway/socketio/engine/errc.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {

namespace {
constexpr std::uint8_t first_digit = '0';
}

base::result<Packet> decode_packet(base::byte_view text) {
  if (text.empty() || text[0] < first_digit ||
      text[0] > first_digit + static_cast<std::uint8_t>(packet_type::noop)) {
    return base::fail(errc::malformed, "a packet begins with a digit from 0 to 6");
  }
  return Packet{static_cast<packet_type>(text[0] - first_digit), false, text.subspan(1)};
}

base::shared_bytes packet_frame(packet_type type, std::string_view data) {
  std::uint8_t header[net::frame_header_bytes_max];
  const std::size_t header_bytes = net::frame_header(net::opcode::text, data.size() + 1, header);
  return base::shared_bytes::build(header_bytes + 1 + data.size(), [&](std::uint8_t* out) {
    std::memcpy(out, header, header_bytes);
    out[header_bytes] = static_cast<std::uint8_t>(first_digit + static_cast<std::uint8_t>(type));
    if (!data.empty()) std::memcpy(out + header_bytes + 1, data.data(), data.size());
  });
}

}  // namespace weft::gateway::socketio::engine
