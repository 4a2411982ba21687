#include "weft/gateway/socketio/protocol/socket.h"

#include "weft/gateway/json.h"
#include "weft/gateway/socketio/protocol/connection.h"
#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {

using nlohmann::json;

void SocketHandler::on_reply(std::uint64_t, Reply) {}
void SocketHandler::on_gather(net::GatherSink&) {}

void Ack::reply(const json& arguments, const Attachments& attachments) {
  const auto id = std::exchange(id_, std::nullopt);
  const auto socket = socket_.lock();
  if (id && socket) socket->reply(*id, arguments, attachments);
}

base::result<void> Socket::emit(std::string_view event, const json& arguments,
                                const Attachments& attachments) {
  return send_event(event, arguments, attachments, std::nullopt);
}

base::result<void> Socket::emit(std::string_view event, const json& arguments,
                                const Attachments& attachments, std::chrono::milliseconds timeout,
                                reply_callback done) {
  if (connection_ && pending_.size() >= connection_->options_.acks_pending_max) {
    return base::fail(errc::overloaded, "too many events wait for their acknowledgement");
  }
  const auto id = next_id_;
  if (auto sent = send_event(event, arguments, attachments, id); !sent) return sent;
  ++next_id_;
  const auto timer = executor().schedule(timeout, [socket = weak_from_this(), id] {
    if (const auto alive = socket.lock()) alive->expire_reply(id);
  });
  pending_.emplace(id, PendingReply{std::move(done), timer});
  return {};
}

base::result<void> Socket::send_event(std::string_view event, const json& arguments,
                                      const Attachments& attachments,
                                      std::optional<std::uint64_t> id) {
  WEFT_CHECK(arguments.is_array());
  if (!connection_ || state_ != state::connected || connection_->closing_) {
    return base::fail(errc::disconnected, "the client is not in this namespace any more");
  }
  if (connection_->full()) {
    return base::fail(errc::overloaded, "the client does not read what it is sent");
  }
  auto data = "[" + json_text(json(event));
  if (arguments.empty()) {
    data += ']';
  } else {
    data += ',';
    data += std::string_view(json_text(arguments)).substr(1);
  }
  connection_->send({attachments.empty() ? packet_type::event : packet_type::binary_event,
                     attachments.size(), name_space_, id, data},
                    attachments);
  return {};
}

void Socket::reply(std::uint64_t id, const json& arguments, const Attachments& attachments) {
  WEFT_CHECK(arguments.is_array());
  if (!connection_ || state_ != state::connected || connection_->closing_) return;
  connection_->send({attachments.empty() ? packet_type::ack : packet_type::binary_ack,
                     attachments.size(), name_space_, id, json_text(arguments)},
                    attachments);
}

void Socket::take_reply(std::uint64_t id, Reply reply) {
  auto pending = pending_.extract(id);
  if (pending.empty()) return handler_->on_reply(id, std::move(reply));
  executor().cancel(pending.mapped().timer);
  pending.mapped().done(std::move(reply));
}

void Socket::expire_reply(std::uint64_t id) {
  auto pending = pending_.extract(id);
  if (pending.empty()) return;
  pending.mapped().done(base::fail(errc::timed_out, "the client has not acknowledged the event"));
}

void Socket::want_write() {
  if (connection_ && state_ == state::connected) connection_->want_gather(*this);
}

void Socket::pause_reading() {
  if (!connection_ || std::exchange(paused_, true)) return;
  ++connection_->sockets_paused_;
  connection_->apply_reading();
}

void Socket::resume_reading() {
  if (!connection_ || !std::exchange(paused_, false)) return;
  --connection_->sockets_paused_;
  connection_->apply_reading();
}

void Socket::disconnect() {
  if (!connection_ || state_ != state::connected) return;
  state_ = state::left;
  connection_->leave(*this);
}

void Socket::close_connection() {
  if (!connection_ || connection_->closing_) return;
  auto& connection = *connection_;
  // They stay in the connection's table: nobody takes them out before this turn's end.
  for (const auto& [name, socket] : connection.sockets_) socket->disconnect();
  connection.close();
}

void Socket::drop_connection() {
  if (connection_) connection_->close();
}

base::Executor& Socket::executor() {
  WEFT_CHECK(connection_ != nullptr);
  return connection_->session_->executor();
}

/// Tells whoever waits for an acknowledgement, and the handler.
void Socket::end(disconnect_reason why) {
  if (!connection_ || std::exchange(ended_, true)) return;
  const auto self = shared_from_this();
  state_ = state::left;
  resume_reading();
  auto pending = std::exchange(pending_, {});
  for (auto& [id, reply] : pending) {
    executor().cancel(reply.timer);
    reply.done(base::fail(errc::disconnected, "the client has left before it acknowledged"));
  }
  const auto handler = std::move(handler_);
  if (handler) handler->on_disconnect(why);
  connection_ = nullptr;
}

}  // namespace weft::gateway::socketio::protocol
