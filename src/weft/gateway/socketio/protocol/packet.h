#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// Socket.IO, protocol revision 5: the text form of packets, without a look into their JSON.
/// Source: https://github.com/socketio/socket.io-protocol. Pure, any thread.
namespace weft::gateway::socketio::protocol {

/// A packet's first character is its type's digit.
enum class packet_type : std::uint8_t {
  connect,
  disconnect,
  event,
  ack,
  connect_error,
  binary_event,
  binary_ack,
};

/// `type[attachments-][name_space,][id][data]`
struct PacketText {
  packet_type type = packet_type::event;
  std::size_t attachments = 0;  ///< binary messages behind it; of binary types only
  std::string_view name_space = "/";
  std::optional<std::uint64_t> id;  ///< that an acknowledgement names; at most 2^53 - 1
  std::string_view data;            ///< JSON, or empty
};

/// Cuts a packet into its parts, which are views of `text`. Errors: malformed.
base::result<PacketText> read_packet(std::string_view text);

/// The packet as an Engine.IO message in a WebSocket frame (see engine/packet.h), to be shared by
/// all who send it. Behind it goes one frame for each attachment, net::make_frame(binary, bytes).
base::shared_bytes packet_frame(const PacketText& packet);

}  // namespace weft::gateway::socketio::protocol
