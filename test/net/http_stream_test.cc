// Responses whose body comes into being while it is sent.

#include <sys/socket.h>

#include <atomic>
#include <deque>

#include "net/server_fixture.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::TestClient;

/// What a test says through a stream, and what the stream heard.
struct Script {
  std::atomic<HttpStream*> stream{nullptr};
  std::deque<std::string> waiting;  ///< on the connection's executor
  std::atomic<int> gathers{0}, drains{0}, closes{0};
  std::function<void(Script&)> on_drain = [](Script& script) { script.stream.load()->finish(); };

  void say(std::string text) {
    waiting.push_back(std::move(text));
    stream.load()->want_write();
  }
};

class ScriptedBody final : public HttpStreamBody {
 public:
  explicit ScriptedBody(Script& script) : script_(script) {}
  void on_open(HttpStream& stream) override { script_.stream = &stream; }
  void on_gather(GatherSink& sink) override {
    ++script_.gathers;
    while (!script_.waiting.empty() && sink.room() > 0) {
      sink.add(base::shared_bytes::copy_of(base::as_bytes(script_.waiting.front())));
      script_.waiting.pop_front();
    }
    if (!script_.waiting.empty()) script_.stream.load()->want_write();
  }
  void on_drain() override {
    ++script_.drains;
    script_.on_drain(script_);
  }
  void on_closed() override {
    script_.stream = nullptr;
    ++script_.closes;
  }

 private:
  Script& script_;
};

class HttpStreams : public testing::ServerFixture {
 protected:
  HttpStreams() {
    answer = [this](HttpRequest request, HttpResponder responder) {
      HttpResponse response = HttpResponse::text(200, "text/plain", "plain");
      if (request.target == "/stream") {
        response.body = {};
        response.stream = std::make_unique<ScriptedBody>(script);
      }
      responder.respond(std::move(response));
    };
  }

  /// On the loop of the (one) connection.
  void on_stream(std::function<void(Script&)> work) {
    ASSERT_TRUE(testing::eventually([&] { return script.stream.load() != nullptr; }));
    run_on(loops->loop(0), [&] { work(script); });
  }

  static std::string read_chunk(TestClient& client) {
    const std::string size = client.read_until("\r\n");
    if (size.empty()) return "(nothing)";
    std::string out = client.read(std::stoul(size, nullptr, 16));
    EXPECT_EQ(client.read(2), "\r\n");
    return out;
  }

  Script script;
};

TEST_F(HttpStreams, SendsWhatComesInChunksAndGoesOnWithTheNextRequest) {
  start({}, 1);
  TestClient client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
  on_stream([](Script& s) { s.say("one"); });
  EXPECT_EQ(read_chunk(client), "one");
  on_stream([](Script& s) {
    s.say("two ");
    s.say("and three");
  });
  EXPECT_EQ(read_chunk(client), "two and three");  // one turn, one chunk
  EXPECT_EQ(script.gathers, 2);
  on_stream([](Script& s) {
    s.say("last");
    s.stream.load()->finish();
  });
  EXPECT_EQ(read_chunk(client), "last");
  EXPECT_EQ(read_chunk(client), "");
  EXPECT_EQ(script.closes, 1);
  EXPECT_EQ(client.get("/after").body, "plain");
}

TEST_F(HttpStreams, AnOldClientGetsThePlainBytesAndTheEndOfTheConnection) {
  start({}, 1);
  TestClient client = connect();
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos) << head;
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos) << head;
  on_stream([](Script& s) {
    s.say("all of it");
    s.stream.load()->finish();
  });
  EXPECT_EQ(client.read(9), "all of it");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpStreams, AnsweringHeadOpensNoStream) {
  start({}, 1);
  TestClient client = connect();
  client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read_response(false).status, 200U);
  EXPECT_EQ(client.get("/after").body, "plain");
  EXPECT_EQ(script.stream.load(), nullptr);
}

TEST_F(HttpStreams, ARequestBehindAStreamWaitsForItsEnd) {
  start({}, 1);
  TestClient client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("\r\n\r\n");
  on_stream([](Script&) {});
  client.send("GET /behind HTTP/1.1\r\nHost: h\r\n\r\n");
  on_stream([](Script& s) { s.say("first"); });
  EXPECT_EQ(read_chunk(client), "first");
  on_stream([](Script& s) { s.stream.load()->finish(); });
  EXPECT_EQ(read_chunk(client), "");
  EXPECT_EQ(client.read_response().body, "plain");
}

TEST_F(HttpStreams, TheProducerHearsThatItsClientHasGone) {
  start({}, 1);
  auto client = std::make_unique<TestClient>(server->port());
  client->send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  client->read_until("\r\n\r\n");
  on_stream([](Script&) {});
  client.reset();
  EXPECT_TRUE(testing::eventually([&] { return script.closes == 1; }));
  EXPECT_TRUE(testing::eventually([&] { return server->counts().http_open == 0; }));
}

TEST_F(HttpStreams, ASilentStreamOutlivesTheTimeoutsAndAStalledReaderDoesNot) {
  ServerOptions options;
  options.write_timeout = 40ms;
  options.keep_alive_timeout = 40ms;
  start(options, 1);
  TestClient silent = connect();
  silent.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  silent.read_until("\r\n\r\n");
  // Other connections come and go by the same timeouts while this one has nothing to say.
  for (int i = 0; i < 2; ++i) {
    TestClient idle = connect();
    EXPECT_EQ(idle.get("/").status, 200U);
    EXPECT_TRUE(idle.at_end());
  }
  on_stream([](Script& s) { s.say("still here"); });
  EXPECT_EQ(read_chunk(silent), "still here");
  // More than the sockets take, and nobody reads: cut off, with the rest never gathered.
  on_stream([](Script& s) {
    for (int i = 0; i < 400; ++i) s.say(std::string(100'000, 'x'));
  });
  EXPECT_TRUE(testing::eventually([&] { return script.closes == 1; }));
  EXPECT_GT(script.waiting.size(), 100U);
}

TEST_F(HttpStreams, DrainingLetsAStreamSayGoodbye) {
  script.on_drain = [](Script& s) {
    s.say("goodbye");
    s.stream.load()->finish();
  };
  start({}, 1);
  TestClient client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("\r\n\r\n");
  on_stream([](Script&) {});
  EXPECT_TRUE(drain(1001, 10s));
  EXPECT_EQ(script.drains, 1);
  EXPECT_EQ(script.closes, 1);
  EXPECT_EQ(read_chunk(client), "goodbye");
  EXPECT_EQ(read_chunk(client), "");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpStreams, AStreamThatDoesNotEndIsCutOffAtTheDeadlineOfTheDrain) {
  script.on_drain = [](Script&) {};
  start({}, 1);
  TestClient client = connect();
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("\r\n\r\n");
  on_stream([](Script&) {});
  EXPECT_TRUE(drain(1001, 30ms));
  EXPECT_EQ(script.closes, 1);
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpStreams, WhatTheTransportRefusesIsAProblemDocument) {
  start({}, 1);
  TestClient client = connect();
  const auto response = client.request("GET / HTTP/1.1\r\nHost: h\r\nHost: \"i\"\r\n\r\n");
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.head.find("Content-Type: application/problem+json\r\n"), std::string::npos);
  EXPECT_TRUE(
      response.body.starts_with(R"({"type":"about:blank","title":"Bad Request","status":400)"))
      << response.body;
  EXPECT_EQ(HttpResponse::problem(400, "a \"b\"\\\n").body.size(),
            std::string_view(R"({"type":"about:blank","title":"Bad Request","status":400,)"
                             R"("detail":"a \"b\"\\ "})"
                             "\n")
                .size());
}

}  // namespace
}  // namespace weft::net
