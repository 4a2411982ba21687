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
inline constexpr std::uint16_t bad_request = 4400;      ///< not a message or not an update
inline constexpr std::uint16_t unauthenticated = 4401;  ///< no token, or one that is no good
inline constexpr std::uint16_t forbidden = 4403;        ///< may not do that here
inline constexpr std::uint16_t conflicting_ids = 4409;  ///< a client id is used twice
inline constexpr std::uint16_t too_large = 4413;        ///< beyond a configured limit
// What follows is passing: clients connect again, with whatever token they then have.
inline constexpr std::uint16_t expired = 4501;      ///< the permission has run out
inline constexpr std::uint16_t unavailable = 4503;  ///< log or store cannot serve now; retry
}  // namespace close_code

/// The close code that tells a client of this error.
std::uint16_t close_code_of(const base::error& why);

/// Accepts WebSocket handshakes and gives each connection a session on its document's loop.
///
/// Threading: on_upgrade on any thread. Loop i of `loops` is the executor of hub i of `hubs`.
class Gateway {
 public:
  /// `compression_bytes_min`: see net::ServerOptions. `authorizer`: nullptr lets everybody in.
  Gateway(const hub::HubSet& hubs, net::LoopGroup& loops, std::size_t compression_bytes_min,
          hub::Authorizer* authorizer = nullptr)
      : hubs_(hubs),
        loops_(loops),
        authorizer_(authorizer),
        framings_{{}, CompressedFraming(compression_bytes_min)} {}

  net::UpgradeDecision on_upgrade(const net::HttpRequest& request);

 private:
  const hub::HubSet& hubs_;
  net::LoopGroup& loops_;
  hub::Authorizer* const authorizer_;
  const Framings framings_;
  std::atomic<std::uint64_t> next_connection_{1};
};

}  // namespace weft::gateway::ywebsocket
