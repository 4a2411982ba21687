#pragma once

#include <atomic>
#include <cstdint>

#include "weft/gateway/ywebsocket/framing.h"
#include "weft/hub/hub.h"
#include "weft/net/event_loop.h"
#include "weft/net/http.h"

/// The y-websocket protocol: one document a connection, y-protocols messages in binary frames.
/// Source: https://github.com/yjs/y-websocket and docs/protocols.md, "y-websocket".
namespace weft::gateway::ywebsocket {

/// Close codes of ours. Clients of y-websocket take 4400 to 4499 as final: they do not reconnect,
/// and tell the application why.
namespace close_code {
inline constexpr std::uint16_t bad_request = 4400;  ///< not a message or not an update
constexpr std::uint16_t forbidden = 4403;           ///< reused client id, no permission
inline constexpr std::uint16_t too_large = 4413;    ///< beyond a configured limit
inline constexpr std::uint16_t unavailable = 4503;  ///< log or store cannot serve now; retry
}  // namespace close_code

/// The close code that tells a client of this error.
std::uint16_t close_code_of(const base::error& why);

/// Accepts WebSocket handshakes and gives each connection a session on its document's loop.
///
/// Threading: on_upgrade on any thread. Loop i of `loops` is the executor of hub i of `hubs`.
class Gateway {
 public:
  /// `compression_bytes_min`: see net::ServerOptions.
  Gateway(const hub::HubSet& hubs, net::LoopGroup& loops, std::size_t compression_bytes_min)
      : hubs_(hubs), loops_(loops), framings_{{}, CompressedFraming(compression_bytes_min)} {}

  net::UpgradeDecision on_upgrade(const net::HttpRequest& request);

 private:
  const hub::HubSet& hubs_;
  net::LoopGroup& loops_;
  const Framings framings_;
  std::atomic<std::uint64_t> next_connection_{1};
};

}  // namespace weft::gateway::ywebsocket
