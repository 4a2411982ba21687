#include "weft/gateway/ywebsocket/session.h"

#include "weft/gateway/ywebsocket/gateway.h"
#include "weft/hub/errc.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::ywebsocket {

namespace {
constexpr std::uint16_t unsupported_data = 1003;
}

YWebSocketSession::YWebSocketSession(hub::Hub& hub, const Framings& framings,
                                     base::DocumentId document, std::string sender_id,
                                     Credentials credentials)
    : hub_(hub),
      framings_(framings),
      document_(std::move(document)),
      sender_id_(std::move(sender_id)) {
  if (credentials.authorizer) {
    asking_ = std::make_shared<Asking>(Asking{*this, std::move(credentials)});
  }
}

void YWebSocketSession::on_open(net::WebSocketConnection& connection) {
  connection_ = &connection;
  connection.pause_reading();
  if (!asking_) return join({});
  auto& [authorizer, token] = asking_->credentials;
  hub::authorize(*authorizer, {document_, std::move(token), sender_id_}, hub_.executor(),
                 [asking = std::weak_ptr(asking_)](base::result<hub::Permit> permit) {
                   const auto still = asking.lock();
                   if (!still) return;
                   auto& session = still->session;
                   session.asking_.reset();
                   if (!permit) return session.end(permit.error());
                   session.join(std::move(*permit));
                 });
}

void YWebSocketSession::join(hub::Permit permit) {
  const hub::Framing& framing = connection_->compression()
                                    ? static_cast<const hub::Framing&>(framings_.compressed)
                                    : framings_.plain;
  auto joined = hub_.join(document_, framing, *this, {sender_id_, std::move(permit)});
  if (!joined) return end(joined.error());
  session_ = std::move(*joined);
}

void YWebSocketSession::on_live() {
  connection_->resume_reading();
  // Who may not write is not asked for what they would not be allowed to send.
  if (session_->permit().rights.write) ask_for_missing();
  session_->resend_awareness();
}

void YWebSocketSession::ask_for_missing() {
  step1_ = net::make_frame(net::opcode::binary, yjs::encode_sync_step1(session_->state_vector()));
  connection_->want_write();
}

void YWebSocketSession::on_message(base::byte_view message, bool binary) {
  if (closing_) return;
  if (!binary) {
    closing_ = true;
    return connection_->close(unsupported_data, "y-websocket messages are binary");
  }
  // Clients may put several messages into one frame.
  while (!message.empty()) {
    std::size_t consumed = 0;
    const auto decoded = yjs::decode_message(message, consumed);
    if (!decoded) {
      return end({make_error_code(hub::errc::invalid_update), decoded.error().message});
    }
    if (auto ok = handle(*decoded); !ok) return end(ok.error());
    message = message.subspan(consumed);
  }
  if (session_->congested()) connection_->pause_reading();
}

base::result<void> YWebSocketSession::handle(const yjs::ProtocolMessage& message) {
  switch (message.type) {
    case yjs::message_type::sync:
      switch (message.sync) {
        case yjs::sync_type::step1:
          return session_->answer(message.body);
        case yjs::sync_type::step2:
          return session_->submit({.update = message.body, .from_sync = true});
        case yjs::sync_type::update:
          return session_->submit({.update = message.body});
      }
      break;
    case yjs::message_type::awareness:
      // Stock clients show their presence unasked: who may not is not sent away for it.
      if (!session_->permit().rights.awareness) return {};
      return session_->apply_awareness(message.body);
    case yjs::message_type::query_awareness:
      session_->resend_awareness();
      return {};
    case yjs::message_type::auth:
      break;
  }
  return base::fail(hub::errc::invalid_update, "auth messages come from servers only");
}

void YWebSocketSession::on_gather(net::GatherSink& sink) {
  if (!step1_.empty()) {
    sink.add(std::move(step1_));
    step1_ = {};
  }
  if (session_) session_->collect(sink);
}

std::uint16_t YWebSocketSession::too_big_code() const { return close_code::too_large; }

void YWebSocketSession::on_closed(std::uint16_t) {
  closing_ = true;
  asking_.reset();
  session_.reset();
  connection_ = nullptr;
}

void YWebSocketSession::on_output() {
  if (connection_) connection_->want_write();
}

void YWebSocketSession::on_resync() {
  if (session_->permit().rights.write) ask_for_missing();
}

void YWebSocketSession::on_uncongested() { connection_->resume_reading(); }

void YWebSocketSession::on_ended(const base::error& why) { end(why); }

void YWebSocketSession::end(const base::error& why) {
  if (closing_ || !connection_) return;
  closing_ = true;
  connection_->close(close_code_of(why), why.message);
}

}  // namespace weft::gateway::ywebsocket
