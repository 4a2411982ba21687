#include <sys/socket.h>

#include <atomic>
#include <mutex>

#include "net/server_fixture.h"
#include "weft/base/random.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::TestClient;

/// Echoes messages; obeys a few commands; tells the test what it saw.
struct Observed {
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> messages{0};
  std::atomic<int> gathers{0};
  std::atomic<int> code{0};
  std::atomic<bool> on_home{true};
};

class Echo final : public WebSocketHandler {
 public:
  Echo(Observed& seen, EventLoop& home) : seen_(seen), home_(home) {}

  void on_open(WebSocketConnection& connection) override {
    connection_ = &connection;
    seen_.on_home = seen_.on_home && home_.in_loop_thread() && &connection.executor() == &home_;
    ++seen_.opened;
  }

  void on_message(base::byte_view message, bool binary) override {
    ++seen_.messages;
    seen_.on_home = seen_.on_home && home_.in_loop_thread();
    const std::string_view text = base::as_text(message);
    if (text == "close") {
      waiting_.push_back(make_frame(opcode::text, base::as_bytes("last words")));
      connection_->want_write();
      return connection_->close(4403, "go away");
    }
    if (text == "pause") {
      connection_->pause_reading();
      connection_->executor().schedule(20ms, [this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) connection_->resume_reading();
      });
    }
    if (text == "flood") {
      flood_ = true;
      return connection_->want_write();
    }
    waiting_.push_back(make_frame(binary ? opcode::binary : opcode::text, message));
    connection_->want_write();
  }

  void on_gather(GatherSink& sink) override {
    ++seen_.gathers;
    while (flood_ && sink.room() > 0) sink.add(block_);
    for (auto& frame : waiting_) sink.add(std::move(frame));
    waiting_.clear();
    if (flood_) connection_->want_write();
  }

  void on_closed(std::uint16_t code) override {
    seen_.code = code;
    ++seen_.closed;
  }

 private:
  Observed& seen_;
  EventLoop& home_;
  WebSocketConnection* connection_ = nullptr;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::vector<base::shared_bytes> waiting_;
  base::shared_bytes block_ = make_frame(opcode::binary, base::byte_vector(1000));
  bool flood_ = false;
};

class WebSocketServer : public testing::EitherFixture {
 protected:
  void SetUp() override {
    EitherFixture::SetUp();
    decide = [this](const HttpRequest& request) -> UpgradeDecision {
      if (request.path() == "/no") {
        return UpgradeDecision(std::unexpect, HttpResponse::text(403, "text/plain", "no"));
      }
      EventLoop& home = loops->loop(request.path() == "/1" ? 1 : 0);
      return UpgradeAccept{std::make_unique<Echo>(seen, home), &home};
    };
  }

  bool closed_with(int code) {
    return testing::eventually([&] { return seen.closed == 1; }) && seen.code == code;
  }

  Observed seen;
};

TEST_P(WebSocketServer, EchoesMessagesOfEverySize) {
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 262144U, 3'000'000U}) {
    const std::string payload(size, 'x');
    client.send_frame(opcode::binary, payload);
    const auto echo = client.read_frame();
    EXPECT_EQ(echo.code, opcode::binary);
    ASSERT_TRUE(echo.payload == payload) << size;
  }
  client.send_frame(opcode::text, "gr\xc3\xbc\xc3\x9f", false);
  client.send_frame(opcode::ping, "between");
  client.send_frame(opcode::continuation, "e");
  EXPECT_EQ(client.read_frame().code, opcode::pong);
  EXPECT_EQ(client.read_frame().payload,
            "gr\xc3\xbc\xc3\x9f"
            "e");
}

TEST_P(WebSocketServer, MovesToTheLoopThatTheHandlerNamesWithWhatWasSentAlready) {
  start({}, 2);
  for (const char* path : {"/0", "/1", "/0", "/1"}) {
    TestClient client = connect();
    ASSERT_TRUE(client.upgrade(path, TestClient::encode(opcode::ping, "early") +
                                         TestClient::encode(opcode::text, "eager")));
    EXPECT_EQ(client.read_frame().payload, "early");
    EXPECT_EQ(client.read_frame().payload, "eager");
  }
  EXPECT_TRUE(seen.on_home);
  EXPECT_EQ(seen.opened, 4);
  EXPECT_TRUE(testing::eventually([&] { return seen.closed == 4; }));
  EXPECT_EQ(seen.code, close_code::abnormal);
}

TEST_P(WebSocketServer, ARefusedUpgradeIsAnHttpResponse) {
  start();
  TestClient client = connect();
  EXPECT_FALSE(client.upgrade("/no"));
  EXPECT_EQ(client.read(2), "no");
  EXPECT_TRUE(client.upgrade("/"));
}

TEST_P(WebSocketServer, AnswersTheLatestOfManyPings) {
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += TestClient::encode(opcode::ping, std::to_string(i));
  client.send(pings);
  int pongs = 0;
  std::string last;
  while (last != "999") {
    const auto pong = client.read_frame();
    ASSERT_EQ(pong.code, opcode::pong);
    last = pong.payload;
    ++pongs;
  }
  EXPECT_LE(pongs, 1000);
}

TEST_P(WebSocketServer, EchoesTheCloseCodeAndHangsUp) {
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send_frame(opcode::close,
                    "\x0f\xa0"
                    "done");
  EXPECT_EQ(client.read_close(), 4000);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(closed_with(4000));
}

TEST_P(WebSocketServer, ClosesAfterWhatTheHandlerStillWantedToSay) {
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send(TestClient::encode(opcode::text, "close") + TestClient::encode(opcode::text, "deaf"));
  EXPECT_EQ(client.read_frame().payload, "last words");
  EXPECT_EQ(client.read_close(), 4403);
  EXPECT_EQ(seen.closed, 0);
  client.send_frame(opcode::close, "\x11\x33");
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(closed_with(4403));
  EXPECT_EQ(seen.messages, 1);
}

TEST_P(WebSocketServer, DoesNotWaitForeverForThePeersHalfOfTheHandshake) {
  ServerOptions options;
  options.close_timeout = 30ms;
  start(options);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send_frame(opcode::text, "close");
  EXPECT_TRUE(closed_with(4403));
}

TEST_P(WebSocketServer, ViolationsEndTheirOwnConnectionWithTheRightCode) {
  ServerOptions options;
  options.message_bytes_max = 1000;
  start(options);
  TestClient other = connect();
  ASSERT_TRUE(other.upgrade("/"));
  const std::pair<std::string, int> cases[] = {
      {std::string("\x82\x01x", 3), close_code::protocol_error},
      {TestClient::encode(opcode::binary, std::string(1001, 'x')), close_code::too_big},
      {TestClient::encode(opcode::text, "\xff"), close_code::invalid_data},
      {TestClient::encode(opcode::continuation, ""), close_code::protocol_error},
  };
  for (const auto& [bytes, code] : cases) {
    seen.closed = 0;
    TestClient client = connect();
    ASSERT_TRUE(client.upgrade("/"));
    // Much more behind it: the close frame must arrive all the same.
    client.send(bytes + std::string(2'000'000, 'z'));
    EXPECT_EQ(client.read_close(), code);
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(closed_with(code));
  }
  other.send_frame(opcode::text, "still here");
  EXPECT_EQ(other.read_frame().payload, "still here");
}

TEST_P(WebSocketServer, ASlowReaderIsAskedForNoMoreThanItTakes) {
  start({}, 1);
  TestClient client = connect(4096);
  ASSERT_TRUE(client.upgrade("/"));
  client.send_frame(opcode::text, "flood");
  // Once its buffers are full, nothing is gathered any more, though the handler wants to.
  ASSERT_TRUE(testing::eventually([&] { return server->counts().sends_blocked > 0; }));
  run_on(loops->loop(0), [] {});
  const int gathers = seen.gathers;
  for (int i = 0; i < 20; ++i) run_on(loops->loop(0), [] {});
  EXPECT_LE(seen.gathers, gathers + 1);
  const std::uint64_t sent = server->counts().bytes_out;
  std::size_t frames = 0;
  for (; frames < 5000; ++frames) ASSERT_EQ(client.read_frame().payload.size(), 1000U);
  EXPECT_GE(server->counts().bytes_out, sent);
}

TEST_P(WebSocketServer, HoldsMessagesWhilePausedAndKeepsTheirOrder) {
  start({}, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  std::string bytes =
      TestClient::encode(opcode::text, "first") + TestClient::encode(opcode::text, "pause");
  for (int i = 0; i < 100; ++i) bytes += TestClient::encode(opcode::text, std::to_string(i));
  client.send(bytes);
  EXPECT_EQ(client.read_frame().payload, "first");
  EXPECT_EQ(client.read_frame().payload, "pause");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read_frame().payload, std::to_string(i));
}

TEST_P(WebSocketServer, PingsTheSilentAndCutsOffTheDead) {
  ServerOptions options;
  options.ping_interval = 40ms;
  start(options);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.read_frame().code, opcode::ping);
    client.send_frame(opcode::pong, "");
  }
  EXPECT_EQ(client.read_frame().code, opcode::ping);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(closed_with(close_code::abnormal));
}

TEST_P(WebSocketServer, GathersTheAnswersOfOneTurnIntoOneSend) {
  start({}, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send_frame(opcode::text, "warm");
  client.read_frame();
  // The answer can be here before its send has been counted: the handshake's and this one.
  ASSERT_TRUE(testing::eventually([&] { return server->counts().send_calls >= 2; }));
  const auto before = server->counts();
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += TestClient::encode(opcode::text, "m");
  client.send(bytes);
  for (int i = 0; i < 100; ++i) client.read_frame();
  const auto after = server->counts();
  EXPECT_EQ(after.messages_in - before.messages_in, 100U);
  // TCP may deliver the batch in pieces, and a piece may be followed by an empty read.
  EXPECT_LE(after.send_calls - before.send_calls, after.receive_calls - before.receive_calls);
  EXPECT_LT(after.send_calls - before.send_calls, 20U);
}

TEST_P(WebSocketServer, DrainClosesEveryoneAndForcesTheDeaf) {
  start();
  TestClient polite = connect();
  TestClient deaf = connect();
  ASSERT_TRUE(polite.upgrade("/0"));
  ASSERT_TRUE(deaf.upgrade("/1"));
  std::thread reader([&] {
    EXPECT_EQ(polite.read_close(), 1001);
    polite.send_frame(opcode::close, "\x03\xe9");
    EXPECT_TRUE(polite.at_end());
  });
  EXPECT_TRUE(drain(1001, 50ms));
  reader.join();
  EXPECT_EQ(seen.closed, 2);
  EXPECT_EQ(server->counts().websockets_open, 0U);
}

TEST_P(WebSocketServer, AHandlerMayCloseAsSoonAsItIsOpened) {
  struct Refuser final : WebSocketHandler {
    explicit Refuser(Observed& observed) : seen(observed) {}
    void on_open(WebSocketConnection& connection) override {
      connection.pause_reading();
      connection.close(4401, "who are you?");
      connection.close(4402, "ignored");
      connection.want_write();
    }
    void on_message(base::byte_view, bool) override { ++seen.messages; }
    void on_gather(GatherSink&) override { ++seen.gathers; }
    void on_closed(std::uint16_t code) override {
      seen.code = code;
      ++seen.closed;
    }
    Observed& seen;
  };
  decide = [&](const HttpRequest&) -> UpgradeDecision {
    return UpgradeAccept{std::make_unique<Refuser>(seen), &loops->loop(1)};
  };
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/", TestClient::encode(opcode::text, "too late")));
  EXPECT_EQ(client.read_close(), 4401);
  client.send_frame(opcode::close, "\x11\x31");
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(closed_with(4401));
  EXPECT_EQ(seen.messages + seen.gathers, 0);
}

// Clients of every kind come and go in the middle of everything, and then the server drains.
TEST_P(WebSocketServer, SurvivesChurn) {
  start({}, 2);
  std::vector<std::thread> clients;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    clients.emplace_back([&, seed] {
      base::random random(seed);
      for (int round = 0; round < 60; ++round) {
        TestClient client = connect();
        if (random.below(8) == 0) continue;
        const std::string eager = random.below(2) ? TestClient::encode(opcode::text, "eager") : "";
        if (!client.upgrade(random.below(2) ? "/0" : "/1", eager)) continue;
        std::string bytes;
        for (std::uint64_t i = 0; i < random.below(20); ++i) {
          const char* commands[] = {"pause", "close", "text", "flood"};
          const std::uint64_t pick = random.below(12);
          bytes += TestClient::encode(opcode::text, commands[pick < 4 ? pick : 2]);
          if (pick == 5) bytes += TestClient::encode(opcode::binary, std::string(100'000, 'b'));
          if (pick == 6) bytes += TestClient::encode(opcode::ping, "p");
          if (pick == 7) bytes += TestClient::encode(opcode::close, "\x03\xe8");
          if (pick == 8 && random.below(3) == 0) bytes += "garbage";
        }
        // Cut anywhere, in two sends, and perhaps never read.
        const std::size_t cut = random.below(bytes.size() + 1);
        client.send_some(bytes.substr(0, cut));
        if (!eager.empty() && random.below(2)) client.read_frame();
        client.send_some(bytes.substr(cut));
        if (random.below(3) == 0) {
          const linger reset{.l_onoff = 1, .l_linger = 0};
          ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
      }
    });
  }
  // The server begins to drain while they are at it.
  EXPECT_TRUE(testing::eventually([&] { return seen.opened >= 100; }));
  EXPECT_TRUE(drain(1001, 100ms));
  for (auto& client : clients) client.join();
  EXPECT_EQ(seen.opened, seen.closed);
  EXPECT_TRUE(seen.on_home);
  EXPECT_EQ(server->counts().websockets_open, 0U);
  EXPECT_EQ(server->counts().http_open, 0U);
}

TEST_P(WebSocketServer, GoingDownTellsEveryHandlerOnce) {
  start();
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  ASSERT_TRUE(testing::eventually([&] { return seen.opened == 1; }));
  loops->stop_and_join();
  server.reset();
  EXPECT_EQ(seen.closed, 1);
  EXPECT_EQ(seen.code, close_code::abnormal);
}

INSTANTIATE_TEST_SUITE_P(Either, WebSocketServer, testing::plain_and_tls(), testing::name_of);

}  // namespace
}  // namespace weft::net
