#pragma once

#include <cstdint>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// Engine.IO, protocol revision 4: packets.
/// Source: https://github.com/socketio/engine.io-protocol. Pure, any thread.
namespace weft::gateway::socketio::engine {

/// A packet's first character is its type's digit.
enum class packet_type : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct Packet {
  packet_type type = packet_type::message;
  bool binary = false;   ///< only messages are
  base::byte_view data;  ///< behind the type; a view of what was decoded
};

/// Decodes a text packet: what a text message of a WebSocket holds. Errors: malformed.
base::result<Packet> decode_packet(base::byte_view text);

/// The WebSocket frame of a text packet, as a server sends it. Packets on their way out are always
/// such whole frames (binary messages: a binary frame of the bare bytes), so that what goes to many
/// clients is framed once; PayloadWriter rewrites them for clients that poll.
base::shared_bytes packet_frame(packet_type type, std::string_view data = {});

}  // namespace weft::gateway::socketio::engine
