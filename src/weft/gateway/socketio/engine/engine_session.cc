#include "weft/gateway/socketio/engine/engine_session.h"

#include <algorithm>

#include "weft/gateway/socketio/engine/websocket_transport.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {

EngineSession::EngineSession(Parts parts) : parts_(std::move(parts)) {}

void EngineSession::begin() { next_ping_ = parts_.executor.now() + parts_.options.ping_interval; }

std::string EngineSession::greeting(bool may_upgrade) const {
  const auto& options = parts_.options;
  // A session's name needs no escapes.
  return R"({"sid":")" + parts_.id + R"(","upgrades":[)" + (may_upgrade ? R"("websocket")" : "") +
         R"(],"pingInterval":)" + std::to_string(options.ping_interval.count()) +
         R"(,"pingTimeout":)" + std::to_string(options.ping_timeout.count()) + R"(,"maxPayload":)" +
         std::to_string(options.payload_bytes_max) + "}";
}

void EngineSession::want_write() {
  if (state_ != state::open) return;
  wants_gather_ = true;
  output_waits();
}

void EngineSession::output_waits() {
  if (socket_) return socket_->connection().want_write();
  if (!poll_ || answer_scheduled_) return;
  answer_scheduled_ = true;
  parts_.executor.at_turn_end([self = shared_from_this()] {
    self->answer_scheduled_ = false;
    self->answer_poll();
  });
}

void EngineSession::gather(net::GatherSink& sink) {
  sink.add(std::exchange(greeting_, {}));
  if (std::exchange(ping_due_, false)) {
    sink.add(packet_frame(packet_type::ping));
    pong_deadline_ = std::max(pong_deadline_, parts_.executor.now() + parts_.options.ping_timeout);
  }
  if (std::exchange(wants_gather_, false)) parts_.handler->on_gather(sink);
}

void EngineSession::pause_reading() {
  if (state_ != state::open) return;
  paused_ = true;
  apply_reading();
}

void EngineSession::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  if (!post_) return apply_reading();
  parts_.executor.post([self = shared_from_this()] { self->take_post(); });
}

/// What came by a POST goes before what comes by the socket.
void EngineSession::apply_reading() {
  if (!socket_) return;
  if (paused_ || post_) {
    socket_->connection().pause_reading();
  } else {
    socket_->connection().resume_reading();
  }
}

void EngineSession::on_packet(const Packet& packet) {
  switch (packet.type) {
    case packet_type::message:
      if (state_ == state::open) parts_.handler->on_message(packet.data, packet.binary);
      return;
    case packet_type::pong:
      if (!awaiting_pong_ || ping_due_) return;
      awaiting_pong_ = false;
      next_ping_ = parts_.executor.now() + parts_.options.ping_interval;
      return;
    case packet_type::close:
      return end(close_reason::client_closed);
    case packet_type::ping:
      return end(close_reason::transport_error);
    case packet_type::open:
    case packet_type::upgrade:
    case packet_type::noop:
      return;
  }
}

void EngineSession::close() {
  if (state_ != state::open) return;
  state_ = state::closing;
  end_reason_ = close_reason::server_closed;
  close_deadline_ = parts_.executor.now() + parts_.options.close_timeout;
  if (probe_) drop_probe(net::close_code::normal, {});
  // What was held back is read past, so that a POST is answered.
  resume_reading();
  if (socket_) return socket_->close(net::close_code::normal, {});
  output_waits();
}

void EngineSession::shut_down() {
  if (state_ == state::closed) return;
  state_ = state::closing;
  end_reason_ = close_reason::shutting_down;
  if (probe_) drop_probe(net::close_code::going_away, {});
  if (socket_) return socket_->close(net::close_code::going_away, {});
  const auto self = shared_from_this();
  answer_poll();
  end(end_reason_);
}

void EngineSession::sweep(base::monotonic_time now) {
  if (state_ == state::closed) return;
  if (poll_ && poll_->abandoned()) return end(close_reason::transport_closed);
  if (state_ == state::closing) {
    // A socket has a deadline of its own.
    if (!socket_ && now >= close_deadline_) end(end_reason_);
    return;
  }
  if (probe_ && paused_) upgrade_deadline_ = now + parts_.options.upgrade_timeout;
  if (probe_ && now >= upgrade_deadline_) {
    drop_probe(net::close_code::policy_violation, "the upgrade was not completed in time");
  }
  beat(now);
}

void EngineSession::beat(base::monotonic_time now) {
  if (!awaiting_pong_) {
    if (now < next_ping_) return;
    awaiting_pong_ = true;
    ping_due_ = true;
    // A client that does not poll is not there. One whose socket is full is slow: how long it may
    // take counts from when the ping has gone out.
    pong_deadline_ = socket_ ? base::monotonic_time{} : next_ping_ + parts_.options.ping_timeout;
    output_waits();
    if (socket_) return;
  }
  // The answer may lie in what was not read.
  if (paused_) pong_deadline_ = std::max(pong_deadline_, now + parts_.options.ping_timeout);
  if (pong_deadline_.count() != 0 && now >= pong_deadline_) end(close_reason::ping_timeout);
}

void EngineSession::end(close_reason why) {
  if (state_ == state::closed) return;
  const auto self = shared_from_this();
  state_ = state::closed;
  if (poll_) {
    answer_poll_with(why == close_reason::client_closed ? packet_type::noop : packet_type::close);
  }
  if (post_) {
    const bool orderly = why == close_reason::client_closed || why == close_reason::server_closed;
    if (orderly) post_->exchange.answer("ok");
    if (!orderly) post_->exchange.refuse(refusal::bad_request);
    post_.reset();
  }
  if (probe_) drop_probe(net::close_code::normal, {});
  if (socket_) end_socket(why);
  const auto handler = std::move(parts_.handler);
  handler->on_closed(why);
  parts_.on_ended(*this);
}

}  // namespace weft::gateway::socketio::engine
