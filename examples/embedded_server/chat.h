#pragma once

#include <vector>

#include "weft/gateway/socketio/protocol/connection.h"

namespace weft::examples {

/// A namespace of this program's own, beside Weft's documents: what somebody says is heard by all.
///
/// Threading: one executor, of all its sockets.
class Chat {
 public:
  /// One client of it; the chat outlives it.
  std::unique_ptr<gateway::socketio::protocol::SocketHandler> seat();

 private:
  class Seat;
  std::vector<Seat*> seats_;
};

}  // namespace weft::examples
