#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace weft::gateway::socketio::engine {

struct EngineOptions {
  std::string path = "/engine.io/";  ///< begins and ends with a slash

  /// How long after the handshake, or after the last answer, a client is pinged.
  std::chrono::milliseconds ping_interval{25'000};
  /// How long it may take to answer. Clients are told both, and give a server up that is silent
  /// for their sum.
  std::chrono::milliseconds ping_timeout{20'000};
  /// A message or the body of a POST; clients are told, and cut what they send accordingly.
  std::size_t payload_bytes_max = 1'000'000;
  /// Packets in the body of one POST.
  std::size_t payload_packets_max = 65'536;
  /// What one poll brings, about: a frame that begins below it is sent whole.
  std::size_t poll_bytes_max = 256 * 1024;
  /// How long a WebSocket may take from its opening to the end of the upgrade.
  std::chrono::milliseconds upgrade_timeout{10'000};
  /// How long a session that the server closes waits for the poll that tells the client.
  std::chrono::milliseconds close_timeout{10'000};

  std::size_t sessions_max = 100'000;           ///< on all loops; more are told 503
  std::size_t sessions_per_loop_max = 100'000;  ///< more are told 503

  bool polling = true;    ///< whether sessions may use long polling
  bool websocket = true;  ///< whether they may use WebSocket, at once or by an upgrade
};

}  // namespace weft::gateway::socketio::engine
