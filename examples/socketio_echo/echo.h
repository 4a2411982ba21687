#pragma once

#include <atomic>
#include <deque>
#include <memory>

#include "weft/gateway/random_source.h"
#include "weft/gateway/socketio/engine/session.h"
#include "weft/gateway/socketio/protocol/connection.h"

/// What the echo server says: the behaviour that the protocols' own test suites ask for.
namespace weft::examples {

/// Sends every message back as it came. One that does not read is not read either.
class EngineEcho final : public gateway::socketio::engine::SessionHandler {
 public:
  void on_open(gateway::socketio::engine::Session& session) override { session_ = &session; }
  void on_message(base::byte_view message, bool binary) override;
  void on_gather(net::GatherSink& sink) override;
  void on_closed(gateway::socketio::engine::close_reason) override { session_ = nullptr; }

 private:
  static constexpr std::size_t waiting_bytes_max = 1024 * 1024;

  gateway::socketio::engine::Session* session_ = nullptr;
  std::deque<base::shared_bytes> waiting_;
  std::size_t waiting_bytes_ = 0;
};

/// "auth" with what the client gave, a moment after it is connected; "message" comes back as
/// "message-back", "message-with-ack" as its acknowledgement. "ask-me" asks the client a "question"
/// and gives it back its own "answer", or "no-answer" when it has not acknowledged in time.
class SocketEcho final : public gateway::socketio::protocol::SocketHandler {
 public:
  explicit SocketEcho(nlohmann::json auth) : auth_(std::move(auth)) {}

  void on_connect(gateway::socketio::protocol::Socket& socket) override;
  void on_event(gateway::socketio::protocol::Event event,
                gateway::socketio::protocol::Ack ack) override;
  void on_disconnect(gateway::socketio::protocol::disconnect_reason) override;

 private:
  /// Test clients that listen for one message at a time miss the second of two that arrive
  /// together: the answer to their connecting, and "auth".
  static constexpr std::chrono::milliseconds auth_delay{50};
  static constexpr std::chrono::milliseconds answer_timeout{500};

  void ask(const nlohmann::json& arguments,
           const gateway::socketio::protocol::Attachments& attachments);

  nlohmann::json auth_;
  base::timer_id timer_ = 0;
  gateway::socketio::protocol::Socket* socket_ = nullptr;
};

/// Spreads sessions over the loops in turn.
class EchoFactory final : public gateway::socketio::engine::SessionFactory {
 public:
  enum class speaks : bool { engine, socket };

  EchoFactory(speaks what, std::size_t loops,
              gateway::socketio::protocol::ConnectionOptions options)
      : what_(what), loops_(loops), options_(options) {}

  gateway::socketio::engine::AdmissionDecision admit(const net::HttpRequest& request) override;

 private:
  const speaks what_;
  const std::size_t loops_;
  const gateway::socketio::protocol::ConnectionOptions options_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace weft::examples
