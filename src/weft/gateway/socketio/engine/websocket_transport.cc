#include "weft/gateway/socketio/engine/websocket_transport.h"

#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {

void WebSocketTransport::on_open(net::WebSocketConnection& connection) {
  connection_ = &connection;
  auto find = std::move(find_);
  session_ = find(this);
  if (!session_) close(net::close_code::policy_violation, "Session ID unknown");
}

void WebSocketTransport::on_message(base::byte_view message, bool binary) {
  if (const auto session = session_) session->on_socket_message(*this, message, binary);
}

void WebSocketTransport::on_gather(net::GatherSink& sink) {
  sink.add(std::exchange(first_, {}));
  if (const auto session = session_) session->on_socket_gather(*this, sink);
}

void WebSocketTransport::on_closed(std::uint16_t) {
  connection_ = nullptr;
  const auto session = std::move(session_);
  if (session) session->on_socket_closed(*this);
}

void WebSocketTransport::send(base::shared_bytes frame) {
  first_ = std::move(frame);
  if (connection_) connection_->want_write();
}

void WebSocketTransport::close(std::uint16_t code, std::string_view reason) {
  if (connection_) connection_->close(code, reason);
}

}  // namespace weft::gateway::socketio::engine
