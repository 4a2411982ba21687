// What carries a session as a WebSocket, from the start or by an upgrade.

#include "weft/gateway/socketio/engine/engine_session.h"
#include "weft/gateway/socketio/engine/websocket_transport.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {

namespace {

constexpr std::string_view probe = "probe";

std::uint16_t close_code_of(close_reason why) {
  switch (why) {
    case close_reason::client_closed:
    case close_reason::transport_closed:
    case close_reason::server_closed:
      return net::close_code::normal;
    case close_reason::transport_error:
    case close_reason::ping_timeout:
      return net::close_code::policy_violation;
    case close_reason::parse_error:
      return net::close_code::protocol_error;
    case close_reason::shutting_down:
      return net::close_code::going_away;
  }
  return net::close_code::normal;
}

std::string_view reason_of(close_reason why) {
  switch (why) {
    case close_reason::transport_error:
      return "transport error";
    case close_reason::ping_timeout:
      return "ping timeout";
    case close_reason::parse_error:
      return "parse error";
    default:
      return {};
  }
}

}  // namespace

void EngineSession::open(WebSocketTransport& socket) {
  begin();
  socket_ = &socket;
  greeting_ = packet_frame(packet_type::open, greeting(false));
  output_waits();
  parts_.handler->on_open(*this);
}

bool EngineSession::offer(WebSocketTransport& socket) {
  if (state_ != state::open || socket_ || probe_) return false;
  probe_ = &socket;
  upgrade_deadline_ = parts_.executor.now() + parts_.options.upgrade_timeout;
  return true;
}

void EngineSession::on_socket_message(WebSocketTransport& socket, base::byte_view message,
                                      bool binary) {
  if (&socket == probe_) return on_probe(message, binary);
  if (message.size() > parts_.options.payload_bytes_max) {
    socket.close(net::close_code::too_big, "the message is too long");
    return end(close_reason::transport_error);
  }
  if (binary) return on_packet({packet_type::message, true, message});
  const auto packet = decode_packet(message);
  if (!packet) return end(close_reason::parse_error);
  on_packet(*packet);
}

void EngineSession::on_probe(base::byte_view message, bool binary) {
  const auto packet = decode_packet(message);
  if (!binary && packet && packet->type == packet_type::upgrade) return complete_upgrade();
  const bool asks = !binary && packet && packet->type == packet_type::ping &&
                    base::as_text(packet->data) == probe;
  if (!asks) return drop_probe(net::close_code::protocol_error, "not a probe");
  probe_->send(packet_frame(packet_type::pong, probe));
  probed_ = true;
  // The client goes over once its poll is answered.
  output_waits();
}

void EngineSession::drop_probe(std::uint16_t code, std::string_view reason) {
  const auto socket = std::exchange(probe_, nullptr);
  probed_ = false;
  socket->close(code, reason);
  socket->detach();
}

void EngineSession::complete_upgrade() {
  socket_ = std::exchange(probe_, nullptr);
  probed_ = false;
  if (poll_) answer_poll_with(packet_type::noop);
  if (awaiting_pong_) {
    pong_deadline_ =
        ping_due_ ? base::monotonic_time{} : parts_.executor.now() + parts_.options.ping_timeout;
  }
  apply_reading();
  if (wants_gather_ || ping_due_) output_waits();
}

void EngineSession::on_socket_gather(WebSocketTransport& socket, net::GatherSink& sink) {
  if (&socket == socket_) gather(sink);
}

void EngineSession::on_socket_closed(WebSocketTransport& socket) {
  if (&socket == probe_) {
    probe_ = nullptr;
    probed_ = false;
    return;
  }
  if (&socket != socket_) return;
  socket_ = nullptr;
  end(state_ == state::closing ? end_reason_ : close_reason::transport_closed);
}

void EngineSession::end_socket(close_reason why) {
  const auto socket = std::exchange(socket_, nullptr);
  socket->close(close_code_of(why), reason_of(why));
  socket->detach();
}

}  // namespace weft::gateway::socketio::engine
