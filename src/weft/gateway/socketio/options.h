#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "weft/gateway/socketio/engine/options.h"
#include "weft/gateway/socketio/protocol/connection.h"

namespace weft::gateway::socketio {

/// Bounds and intervals of the Socket.IO gateway; docs/operations.md has their configuration keys.
struct SocketOptions {
  engine::EngineOptions engine{.path = "/socket.io/", .payload_bytes_max = 16u << 20};
  protocol::ConnectionOptions connection;
  std::size_t documents_max = 256;  ///< of one connection
};

/// What the gateway counts. Any thread.
struct SocketCounters {
  std::atomic<std::uint64_t> connections{0};  ///< now
  std::atomic<std::uint64_t> channels{0};     ///< documents that connections have joined, now
  std::atomic<std::uint64_t> messages{0};     ///< events of clients
  std::atomic<std::uint64_t> refused{0};      ///< of them, those refused here
};

}  // namespace weft::gateway::socketio
