#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/socketio/engine_fixture.h"
#include "weft/gateway/socketio/protocol/connection.h"

namespace weft::gateway::socketio::protocol::testing {

using engine::testing::Sink;
using nlohmann::json;
using strings = std::vector<std::string>;

class MemorySession final : public engine::Session {
 public:
  explicit MemorySession(base::Executor& executor) : executor_(executor) {}
  void want_write() override { wants_write = true; }
  void pause_reading() override { paused = true; }
  void resume_reading() override { paused = false; }
  void close() override { closed = true; }
  base::Executor& executor() override { return executor_; }
  const std::string& id() const override { return name_; }
  const std::string& peer() const override { return name_; }

  bool wants_write = false;
  bool paused = false;
  bool closed = false;

 private:
  base::Executor& executor_;
  const std::string name_ = "session";
};

/// What happened to one socket, and the socket while it is there.
struct SocketRecord {
  Socket* socket = nullptr;
  strings heard;
  std::vector<Ack> acks;
  std::optional<disconnect_reason> disconnected;
  std::function<void(net::GatherSink&)> gather = [](net::GatherSink&) {};
  std::function<void(const Event&)> on_event = [](const Event&) {};
};

class RecordingHandler final : public SocketHandler {
 public:
  explicit RecordingHandler(std::shared_ptr<SocketRecord> record) : record_(std::move(record)) {}
  void on_connect(Socket& socket) override { record_->socket = &socket; }
  void on_event(Event event, Ack ack) override {
    auto text = event.name + event.arguments.dump();
    for (const auto& bytes : event.attachments) text += "+" + std::string(base::as_text(bytes));
    record_->heard.push_back(text);
    if (ack.wanted()) record_->acks.push_back(std::move(ack));
    record_->on_event(event);
  }
  void on_reply(std::uint64_t id, Reply reply) override {
    record_->heard.push_back("reply " + std::to_string(id) + reply.arguments.dump());
  }
  void on_gather(net::GatherSink& sink) override { record_->gather(sink); }
  void on_disconnect(disconnect_reason why) override {
    EXPECT_FALSE(record_->disconnected) << "told twice";
    EXPECT_EQ(&record_->socket->executor(), executor_of(*record_->socket));
    record_->disconnected = why;
  }

 private:
  static base::Executor* executor_of(Socket& socket) { return &socket.executor(); }
  std::shared_ptr<SocketRecord> record_;
};

class ConnectionFixture : public ::testing::Test {
 protected:
  /// Keeps what is asked for, for the test to decide.
  class Asked final : public Namespaces {
   public:
    explicit Asked(ConnectionFixture& test) : test_(test) {}
    void on_connect(ConnectRequest request, Admission admission) override {
      test_.asked.emplace_back(std::move(request), std::move(admission));
    }

   private:
    ConnectionFixture& test_;
  };

  void open() {
    std::uint8_t next = 0;
    connection = std::make_unique<Connection>(
        std::make_unique<Asked>(*this), options,
        [next](std::span<std::uint8_t> out) mutable { std::ranges::fill(out, ++next); });
    connection->on_open(session);
  }
  void close(engine::close_reason why) {
    connection->on_closed(why);
    connection.reset();
  }

  void say(const std::string& text) { connection->on_message(base::as_bytes(text), false); }
  void say_binary(const std::string& bytes) { connection->on_message(base::as_bytes(bytes), true); }
  strings hear(std::size_t room = 1 << 20) {
    if (!std::exchange(session.wants_write, false)) return {};
    Sink sink(room);
    connection->on_gather(sink);
    return sink.packets();
  }

  /// Connects to a namespace and hears that it is.
  std::shared_ptr<SocketRecord> connect(const std::string& name_space = "/") {
    say("0" + (name_space == "/" ? "" : name_space + ","));
    auto record = std::make_shared<SocketRecord>();
    EXPECT_EQ(asked.size(), 1u);
    asked.back().second.accept(std::make_unique<RecordingHandler>(record));
    asked.clear();
    EXPECT_EQ(hear().size(), 1u);
    return record;
  }

  ConnectionOptions options;
  test::ManualExecutor executor;
  MemorySession session{executor};
  std::vector<std::pair<ConnectRequest, Admission>> asked;
  std::unique_ptr<Connection> connection;
};

}  // namespace weft::gateway::socketio::protocol::testing
