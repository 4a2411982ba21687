// What carries a session as long polling: the GET that waits for packets, the POST that brings
// some.

#include "weft/gateway/socketio/engine/engine_session.h"

namespace weft::gateway::socketio::engine {

namespace {
/// How long the messages of one POST may take before others have their turn.
constexpr std::chrono::microseconds slice_time{250};
}  // namespace

void EngineSession::open(Exchange handshake) {
  begin();
  handshake.answer("0" + greeting(parts_.options.websocket));
  parts_.handler->on_open(*this);
}

/// Whether a request comes too late, or beside the socket that carries the session now.
bool EngineSession::refuse_request(Exchange& exchange) {
  // Not later than the client may think, whenever the next sweep comes.
  sweep(parts_.executor.now());
  if (state_ == state::closed) {
    exchange.refuse(refusal::unknown_session);
  } else if (socket_) {
    exchange.refuse(refusal::bad_request);
  } else {
    return false;
  }
  return true;
}

void EngineSession::on_poll(Exchange exchange) {
  const auto self = shared_from_this();
  if (refuse_request(exchange)) return;
  if (poll_) {
    end(close_reason::transport_error);
    return exchange.refuse(refusal::bad_request);
  }
  poll_.emplace(std::move(exchange));
  answer_poll();
}

void EngineSession::answer_poll() {
  if (!poll_) return;
  // Nothing is given to a client that is gone.
  if (poll_->abandoned()) return end(close_reason::transport_closed);
  PayloadWriter payload(parts_.options.poll_bytes_max);
  gather(payload);
  const bool closing = state_ == state::closing;
  if (closing) payload.add(packet_frame(packet_type::close));
  if (payload.empty() && probed_) payload.add(packet_frame(packet_type::noop));
  if (payload.empty()) return;
  poll_->answer(payload.take());
  poll_.reset();
  if (closing) end(end_reason_);
}

void EngineSession::answer_poll_with(packet_type type) {
  PayloadWriter payload(parts_.options.poll_bytes_max);
  payload.add(packet_frame(type));
  poll_->answer(payload.take());
  poll_.reset();
}

void EngineSession::on_post(base::byte_vector body, bool octets, Exchange exchange) {
  const auto self = shared_from_this();
  if (refuse_request(exchange)) return;
  if (post_ || octets) {
    end(close_reason::transport_error);
    return exchange.refuse(refusal::bad_request);
  }
  if (body.size() > parts_.options.payload_bytes_max) {
    return exchange.respond(net::HttpResponse::problem(
        413, "a payload has at most " + std::to_string(parts_.options.payload_bytes_max) +
                 " bytes here"));
  }
  post_.emplace(std::move(exchange),
                PayloadReader(std::move(body), parts_.options.payload_packets_max));
  take_post();
}

void EngineSession::take_post() {
  const auto self = shared_from_this();
  const auto slice_end = parts_.executor.now() + slice_time;
  while (post_ && !paused_) {
    const auto packet = post_->reader.next();
    if (!packet) return end(close_reason::parse_error);
    if (!*packet) return end_post();
    on_packet(**packet);
    if (post_ && !paused_ && parts_.executor.now() > slice_end) {
      parts_.executor.post([self] { self->take_post(); });
      return;
    }
  }
}

void EngineSession::end_post() {
  post_->exchange.answer("ok");
  post_.reset();
  apply_reading();
}

}  // namespace weft::gateway::socketio::engine
