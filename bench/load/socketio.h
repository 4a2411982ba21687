#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/wire.h"

/// The few packets of Engine.IO 4 and Socket.IO 5, over a WebSocket, that a client of Weft's
/// Socket.IO gateway sends and gets. What a server sends is read by the places at which things
/// stand, not as JSON in general: millions of deliveries a second pass here. Source:
/// docs/protocols.md, "Socket.IO"; https://github.com/socketio/socket.io-protocol.
namespace weft::bench {

/// The room of all documents; the URL's query names the same.
inline constexpr std::string_view socketio_room = "default";

/// What a server's text message says.
struct SocketIoPacket {
  enum class kind {
    open,          ///< the session is there
    connected,     ///< to the namespace
    ping,          ///< wants pong
    acknowledged,  ///< `id`, without an error
    delivery,      ///< of an edit or a sync answer: the payload follows as a binary message
    presence,      ///< the same of channel awareness
    malformed,     ///< none of these: an error, another document's delivery, nonsense
  };
  kind what = kind::malformed;
  std::uint64_t id = 0;
  std::optional<std::uint64_t> version = std::nullopt;  ///< the position: last of what it says
};

/// What the clients of one document say and hear. Constant after construction.
class SocketIoDocument {
 public:
  explicit SocketIoDocument(std::string_view document);

  SocketIoPacket read(std::string_view text) const;

  /// Appends the envelope of a payload of channel `doc`, up to the payload.
  void append_envelope_head(byte_vector& out, std::uint64_t sender,
                            std::optional<std::uint64_t> version, std::int64_t time_ms) const;

 private:
  std::string delivery_head_;  ///< up to the name of the channel
  std::string metadata_head_;  ///< up to what differs between the document's envelopes
};

inline constexpr std::string_view socketio_connect = "40";
inline constexpr std::string_view socketio_pong = "3";
/// Joins the document that the URL names; acknowledged with id 0, behind all that answers it.
inline constexpr std::string_view socketio_sync = R"(420["sync-request",{}])";

/// Appends the text that announces an envelope; it wants an acknowledgement when it has an id.
void append_socketio_event(byte_vector& out, std::optional<std::uint64_t> id);

}  // namespace weft::bench
