#include "echo.h"

#include "weft/gateway/socketio/engine/packet.h"
#include "weft/net/websocket_frame.h"

namespace weft::examples {

using namespace gateway::socketio;

void EngineEcho::on_message(base::byte_view message, bool binary) {
  auto frame = binary ? net::make_frame(net::opcode::binary, message)
                      : engine::packet_frame(engine::packet_type::message, base::as_text(message));
  waiting_bytes_ += frame.size();
  waiting_.push_back(std::move(frame));
  if (waiting_bytes_ >= waiting_bytes_max) session_->pause_reading();
  session_->want_write();
}

void EngineEcho::on_gather(net::GatherSink& sink) {
  while (!waiting_.empty() && sink.room() > 0) {
    waiting_bytes_ -= waiting_.front().size();
    sink.add(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (waiting_bytes_ < waiting_bytes_max) session_->resume_reading();
  if (!waiting_.empty()) session_->want_write();
}

namespace {

/// What is sent outlives the event that it came with.
protocol::Attachments shared(std::span<const base::byte_view> attachments) {
  protocol::Attachments out;
  for (const auto& bytes : attachments) out.push_back(base::shared_bytes::copy_of(bytes));
  return out;
}

}  // namespace

void SocketEcho::on_connect(protocol::Socket& socket) {
  socket_ = &socket;
  timer_ = socket.executor().schedule(auth_delay, [this] {
    timer_ = 0;
    // Refused only to a client that reads nothing.
    (void)socket_->emit("auth", nlohmann::json::array({std::move(auth_)}));
  });
}

void SocketEcho::on_disconnect(protocol::disconnect_reason) {
  if (timer_ != 0) socket_->executor().cancel(timer_);
}

void SocketEcho::on_event(protocol::Event event, protocol::Ack ack) {
  const auto attachments = shared(event.attachments);
  // While too much waits no event comes, so there is room for this one.
  if (event.name == "message") (void)socket_->emit("message-back", event.arguments, attachments);
  if (event.name == "message-with-ack") ack.reply(event.arguments, attachments);
  if (event.name == "ask-me") ask(event.arguments, attachments);
}

void SocketEcho::ask(const nlohmann::json& arguments, const protocol::Attachments& attachments) {
  (void)socket_->emit("question", arguments, attachments, answer_timeout,
                      [this](base::result<protocol::Reply> reply) {
                        if (!reply) {
                          (void)socket_->emit("no-answer", nlohmann::json::array());
                          return;
                        }
                        (void)socket_->emit("answer", reply->arguments, shared(reply->attachments));
                      });
}

namespace {

class EchoNamespaces final : public protocol::Namespaces {
 public:
  void on_connect(protocol::ConnectRequest request, protocol::Admission admission) override {
    if (request.name_space != "/" && request.name_space != "/custom") {
      return admission.refuse(protocol::invalid_namespace);
    }
    admission.accept(std::make_unique<SocketEcho>(std::move(request.auth)));
  }
};

}  // namespace

engine::AdmissionDecision EchoFactory::admit(const net::HttpRequest&) {
  engine::Admission out;
  out.home = next_.fetch_add(1, std::memory_order_relaxed) % loops_;
  if (what_ == speaks::engine) {
    out.handler = std::make_unique<EngineEcho>();
  } else {
    out.handler = std::make_unique<protocol::Connection>(std::make_unique<EchoNamespaces>(),
                                                         options_, gateway::fill_from_system);
  }
  return out;
}

}  // namespace weft::examples
