#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "weft/gateway/socketio/engine/engine_session.h"
#include "weft/net/websocket_session.h"

namespace weft::gateway::socketio::engine {

/// A WebSocket that carries a session, or asks to. Threading: the session's executor.
class WebSocketTransport final : public net::WebSocketHandler {
 public:
  /// Gives the session that it is for once the connection is open: a new one or the one that is to
  /// be upgraded; none when there is no such session.
  using find_session = std::move_only_function<std::shared_ptr<EngineSession>(WebSocketTransport*)>;

  explicit WebSocketTransport(find_session find) : find_(std::move(find)) {}

  // net::WebSocketHandler
  void on_open(net::WebSocketConnection& connection) override;
  void on_message(base::byte_view message, bool binary) override;
  void on_gather(net::GatherSink& sink) override;
  void on_closed(std::uint16_t code) override;

  // For the session.
  net::WebSocketConnection& connection() { return *connection_; }
  /// Sends a frame ahead of what the session has; a later one takes its place.
  void send(base::shared_bytes frame);
  /// The session hears no more of this transport.
  void detach() { session_.reset(); }
  void close(std::uint16_t code, std::string_view reason);

 private:
  find_session find_;
  net::WebSocketConnection* connection_ = nullptr;
  std::shared_ptr<EngineSession> session_;
  base::shared_bytes first_;
};

}  // namespace weft::gateway::socketio::engine
