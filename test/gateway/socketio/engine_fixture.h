#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/manual_executor.h"
#include "weft/gateway/socketio/engine/session_table.h"
#include "weft/gateway/socketio/engine/websocket_transport.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine::testing {

using std::chrono::milliseconds;

/// Where a request's answer arrives.
class Answer final : public net::HttpResponseTarget {
 public:
  void respond(std::uint64_t, net::HttpResponse response) override {
    status = response.status;
    body = std::string(base::as_text(response.body));
  }

  unsigned status = 0;  ///< 0: none has come
  std::string body;
};

/// Collects frames and shows them as the packets that a client would see; binary ones as "b:...".
class Sink final : public net::GatherSink {
 public:
  explicit Sink(std::size_t room) : room_(room) {}
  void add(base::shared_bytes framed) override {
    const auto bytes = framed.view();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::size_t room() const override { return bytes_.size() < room_ ? room_ - bytes_.size() : 0; }

  std::vector<std::string> packets() {
    std::vector<std::string> out;
    net::FrameDecoder decoder(net::FrameDecoder::peer::server, 64 << 20);
    std::span<std::uint8_t> rest(bytes_);
    while (!rest.empty()) {
      const auto event = decoder.next(rest);
      EXPECT_EQ(event.what, net::frame_event::kind::message);
      if (event.what != net::frame_event::kind::message) break;
      out.push_back((event.binary ? "b:" : "") + std::string(base::as_text(event.payload)));
      rest = rest.subspan(event.consumed);
    }
    return out;
  }

 private:
  const std::size_t room_;
  base::byte_vector bytes_;
};

/// A WebSocket connection in memory, with its client.
class Wire final : public net::WebSocketConnection {
 public:
  Wire(base::Executor& executor, std::unique_ptr<net::WebSocketHandler> handler)
      : executor_(executor), handler_(std::move(handler)) {
    handler_->on_open(*this);
  }
  ~Wire() override { end(); }

  // net::WebSocketConnection
  void want_write() override { wants_write = wants_write || !closed; }
  void pause_reading() override { paused = true; }
  void resume_reading() override { paused = false; }
  void close(std::uint16_t code, std::string_view) override {
    if (!closed) closed = code;
  }
  base::Executor& executor() override { return executor_; }
  bool compression() const override { return false; }
  const std::string& peer() const override { return peer_; }

  void say(std::string_view text) {
    if (!closed) handler_->on_message(base::as_bytes(text), false);
  }
  void say_binary(std::string_view bytes) {
    if (!closed) handler_->on_message(base::as_bytes(bytes), true);
  }
  /// What the server has to say now.
  std::vector<std::string> hear(std::size_t room = 1 << 20) {
    if (!std::exchange(wants_write, false)) return {};
    Sink sink(room);
    handler_->on_gather(sink);
    return sink.packets();
  }
  /// The connection is gone.
  void end() {
    const auto handler = std::move(handler_);
    if (handler) handler->on_closed(closed.value_or(1006));
  }

  bool paused = false;
  bool wants_write = false;
  std::optional<std::uint16_t> closed;

 private:
  base::Executor& executor_;
  const std::string peer_ = "192.0.2.1:1";
  std::unique_ptr<net::WebSocketHandler> handler_;
};

/// A handler that a test looks into, and that says what the test queues.
class Recorder final : public SessionHandler {
 public:
  struct Record {
    Session* session = nullptr;
    std::vector<std::string> heard;
    std::optional<close_reason> closed;
    std::deque<base::shared_bytes> waiting;
    std::size_t gathers = 0;
    std::size_t pause_after = SIZE_MAX;
    std::size_t close_after = SIZE_MAX;

    /// Queues a message without asking for its turn.
    void queue(std::string_view text) {
      waiting.push_back(packet_frame(packet_type::message, text));
    }
    void say(std::string_view text) {
      queue(text);
      session->want_write();
    }
  };

  explicit Recorder(std::shared_ptr<Record> record) : record_(std::move(record)) {}

  void on_open(Session& session) override { record_->session = &session; }
  void on_message(base::byte_view message, bool binary) override {
    record_->heard.push_back((binary ? "b:" : "") + std::string(base::as_text(message)));
    if (record_->heard.size() == record_->pause_after) record_->session->pause_reading();
    if (record_->heard.size() == record_->close_after) record_->session->close();
  }
  void on_gather(net::GatherSink& sink) override {
    ++record_->gathers;
    while (!record_->waiting.empty() && sink.room() > 0) {
      sink.add(std::move(record_->waiting.front()));
      record_->waiting.pop_front();
    }
    if (!record_->waiting.empty()) record_->session->want_write();
  }
  void on_closed(close_reason why) override {
    EXPECT_FALSE(record_->closed) << "told twice";
    record_->closed = why;
  }

 private:
  std::shared_ptr<Record> record_;
};

/// Sessions of one loop whose time a test makes.
class EngineFixture : public ::testing::Test {
 protected:
  SessionTable& table() {
    if (!table_) table_ = std::make_unique<SessionTable>(executor, options);
    return *table_;
  }

  std::shared_ptr<EngineSession> add(std::unique_ptr<SessionHandler> handler) {
    return table().add("session-" + std::to_string(++sessions_), "192.0.2.1:1", std::move(handler),
                       std::move(*slots->take(0)));
  }
  std::shared_ptr<EngineSession> add(const std::shared_ptr<Recorder::Record>& looked_into) {
    return add(std::make_unique<Recorder>(looked_into));
  }

  Exchange exchange(const std::shared_ptr<Answer>& answer) {
    return Exchange(net::HttpResponder(executor, answer, 1), {});
  }

  /// A new session of a client that polls.
  std::shared_ptr<EngineSession> open_polling() {
    auto session = add(record);
    const auto answer = std::make_shared<Answer>();
    session->open(exchange(answer));
    executor.run();
    EXPECT_EQ(answer->status, 200u);
    return session;
  }

  std::shared_ptr<Answer> poll(EngineSession& session) {
    auto answer = std::make_shared<Answer>();
    session.on_poll(exchange(answer));
    executor.run();
    return answer;
  }
  std::shared_ptr<Answer> post(EngineSession& session, std::string_view body, bool octets = false) {
    auto answer = std::make_shared<Answer>();
    const auto bytes = base::as_bytes(body);
    session.on_post({bytes.begin(), bytes.end()}, octets, exchange(answer));
    executor.run();
    return answer;
  }

  /// A WebSocket that begins a session of its own.
  std::unique_ptr<Wire> open_socket() {
    return std::make_unique<Wire>(
        executor, std::make_unique<WebSocketTransport>([this](WebSocketTransport* socket) {
          auto session = add(record);
          session->open(*socket);
          return session;
        }));
  }
  /// A WebSocket that asks for a session that is there.
  std::unique_ptr<Wire> offer_socket(std::shared_ptr<EngineSession> session) {
    return std::make_unique<Wire>(executor,
                                  std::make_unique<WebSocketTransport>(
                                      [session = std::move(session)](WebSocketTransport* socket) {
                                        return session->offer(*socket) ? session : nullptr;
                                      }));
  }

  EngineOptions options;
  test::ManualExecutor executor;
  std::shared_ptr<SessionSlots> slots = std::make_shared<SessionSlots>(1, 100, 100);
  std::shared_ptr<Recorder::Record> record = std::make_shared<Recorder::Record>();

 private:
  int sessions_ = 0;
  std::unique_ptr<SessionTable> table_;
};

}  // namespace weft::gateway::socketio::engine::testing
