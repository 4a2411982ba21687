// What one client, or many together, can take from a server, and that others do not feel it.

#include <atomic>

#include "net/server_fixture.h"
#include "weft/net/connection.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::TestClient;

constexpr std::string_view upgrade_request =
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

class Echo final : public WebSocketHandler {
 public:
  explicit Echo(std::atomic<int>& messages) : messages_(messages) {}
  void on_open(WebSocketConnection& connection) override { connection_ = &connection; }
  void on_message(base::byte_view message, bool) override {
    ++messages_;
    waiting_.push_back(make_frame(opcode::binary, message));
    connection_->want_write();
  }
  void on_gather(GatherSink& sink) override {
    for (auto& frame : waiting_) sink.add(std::move(frame));
    waiting_.clear();
  }
  void on_closed(std::uint16_t) override {}

 private:
  std::atomic<int>& messages_;
  WebSocketConnection* connection_ = nullptr;
  std::vector<base::shared_bytes> waiting_;
};

class Bounds : public testing::EitherFixture {
 protected:
  void SetUp() override {
    EitherFixture::SetUp();
    decide = [this](const HttpRequest& request) -> UpgradeDecision {
      peer = request.peer;
      EventLoop& home = loops->loop(request.path() == "/1" ? 1 : 0);
      return UpgradeAccept{std::make_unique<Echo>(messages), &home};
    };
    options.ping_interval = 0ms;
  }

  /// Upgrades with one more header; the status.
  unsigned upgrade_with(TestClient& client, const std::string& header) {
    client.send(std::string(upgrade_request) + header + "\r\n\r\n");
    return client.read_response().status;
  }

  ServerOptions options;
  std::atomic<int> messages{0};
  std::string peer;
};

// --- origins -----------------------------------------------------------------------------------

TEST_P(Bounds, PagesOfOtherOriginsAreRefusedAndTold) {
  options.allowed_origins = *OriginList::parse({"https://app.example"});
  start(options);
  TestClient evil = connect();
  evil.send(std::string(upgrade_request) + "Origin: https://evil.example\r\n\r\n");
  const auto refusal = evil.read_response();
  EXPECT_EQ(refusal.status, 403U);
  EXPECT_NE(refusal.body.find("https://evil.example"), std::string::npos);
  EXPECT_EQ(server->counts().origins_refused, 1U);
  for (const char* header : {"Origin: https://app.example", "Origin: http://h", "X-Other: 1"}) {
    TestClient good = connect();
    EXPECT_EQ(upgrade_with(good, header), 101U) << header;
  }
  // HTTP is the handler's to decide.
  TestClient reader = connect();
  EXPECT_EQ(
      reader.request("GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n\r\n").status,
      200U);
}

// --- connections per address -------------------------------------------------------------------

TEST_P(Bounds, OneAddressHasSoManyConnections) {
  options.connections_per_address_max = 2;
  start(options);
  TestClient first = connect();
  ASSERT_TRUE(first.upgrade("/1"));
  auto second = std::make_unique<TestClient>(connect());
  EXPECT_EQ(second->get("/").status, 200U);
  TestClient third = connect();
  EXPECT_EQ(third.read_response().status, certificate ? 0U : 429U);
  EXPECT_EQ(server->counts().refused_per_address, 1U);
  second.reset();
  EXPECT_TRUE(testing::eventually([&] {
    TestClient fourth = connect();
    return fourth.get("/").status == 200;
  }));
}

TEST_P(Bounds, BehindATrustedProxyItsClientsAreCounted) {
  options.connections_per_address_max = 2;
  options.trusted_proxies = *AddressRanges::parse({"127.0.0.0/8"});
  start(options);
  std::vector<TestClient> open;
  const auto status = [&](const std::string& header) {
    open.push_back(connect());
    return upgrade_with(open.back(), header);
  };
  EXPECT_EQ(status("X-Forwarded-For: 192.0.2.1"), 101U);
  EXPECT_EQ(peer, "192.0.2.1");
  EXPECT_EQ(status("X-Forwarded-For: 6.6.6.6, 192.0.2.1"), 101U);
  EXPECT_EQ(status("X-Forwarded-For: 192.0.2.1"), 429U);
  EXPECT_EQ(status("X-Forwarded-For: 192.0.2.2"), 101U);
  EXPECT_EQ(status("X-Forwarded-For: garbage"), 101U);
  EXPECT_EQ(status("X-Other: 1"), 101U);
  EXPECT_EQ(server->counts().refused_per_address, 1U);
  open.erase(open.begin());
  EXPECT_TRUE(testing::eventually([&] { return status("X-Forwarded-For: 192.0.2.1") == 101U; }));
}

TEST_P(Bounds, NobodyElsesHeaderIsBelieved) {
  options.connections_per_address_max = 1;
  options.trusted_proxies = *AddressRanges::parse({"10.0.0.0/8"});
  start(options);
  TestClient client = connect();
  EXPECT_EQ(upgrade_with(client, "X-Forwarded-For: 192.0.2.1"), 101U);
  EXPECT_TRUE(peer.starts_with("127.0.0.1:")) << peer;
  TestClient other = connect();
  EXPECT_NE(upgrade_with(other, "X-Forwarded-For: 192.0.2.2"), 101U);
}

// --- rates -------------------------------------------------------------------------------------

TEST_P(Bounds, MessagesBeyondTheRateAreReadLaterAndNoneIsLost) {
  options.messages_per_second = 200;
  start(options, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  TestClient other = connect();
  ASSERT_TRUE(other.upgrade("/"));
  const auto began = std::chrono::steady_clock::now();
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += TestClient::encode(i % 3 == 0 ? opcode::ping : opcode::binary, std::to_string(i));
  }
  client.send(bytes);
  // The other one is not delayed.
  other.send_frame(opcode::binary, "quick");
  EXPECT_EQ(other.read_frame().payload, "quick");
  for (int i = 0; i < 300; ++i) {
    if (i % 3 == 0) continue;
    auto frame = client.read_frame();
    while (frame.code == opcode::pong) frame = client.read_frame();
    EXPECT_EQ(frame.payload, std::to_string(i));
  }
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 450ms);
  EXPECT_LT(took, 5s);
  EXPECT_GT(server->counts().reads_delayed, 0U);
}

TEST_P(Bounds, BytesBeyondTheRateStayInTheSocket) {
  options.bytes_per_second = 1'000'000;
  start(options, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  const auto began = std::chrono::steady_clock::now();
  std::thread writer([&] {
    const std::string frame = TestClient::encode(opcode::binary, std::string(50'000, 'x'));
    for (int i = 0; i < 30; ++i) client.send(frame);
  });
  EXPECT_TRUE(testing::eventually([&] { return messages == 30; }));
  writer.join();
  // 1.5 MB: one comes at once, the rest in half a second, less what is under way.
  EXPECT_GE(std::chrono::steady_clock::now() - began, 400ms);
  EXPECT_GT(server->counts().reads_delayed, 0U);
  EXPECT_LT(server->counts().reads_delayed, 100U);
}

TEST_P(Bounds, AClosingHandshakeIsNotDelayed) {
  options.messages_per_second = 1;
  options.close_timeout = 60s;
  start(options, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send(TestClient::encode(opcode::binary, "1") + TestClient::encode(opcode::binary, "2"));
  EXPECT_EQ(client.read_frame().payload, "1");
  ASSERT_TRUE(testing::eventually([&] { return server->counts().reads_delayed == 1; }));
  std::promise<void> done;
  server->drain(1001, "bye", 60s, [&] { done.set_value(); });
  auto frame = client.read_frame();
  while (frame.code == opcode::binary) frame = client.read_frame();
  EXPECT_EQ(frame.code, opcode::close);
  client.send_frame(opcode::close, "\x03\xe9");
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
}

TEST_P(Bounds, AFloodInOneConnectionLeavesTurnsToTheOthers) {
  struct Slow final : WebSocketHandler {
    explicit Slow(std::atomic<int>& m) : messages(m) {}
    void on_open(WebSocketConnection&) override {}
    void on_message(base::byte_view, bool) override {
      const auto end = std::chrono::steady_clock::now() + 300us;
      while (std::chrono::steady_clock::now() < end) {
      }
      ++messages;
    }
    void on_gather(GatherSink&) override {}
    void on_closed(std::uint16_t) override {}
    std::atomic<int>& messages;
  };
  std::atomic<int> flooded{0};
  decide = [&](const HttpRequest& request) -> UpgradeDecision {
    if (request.path() == "/flood") {
      return UpgradeAccept{std::make_unique<Slow>(flooded), &loops->loop(0)};
    }
    return UpgradeAccept{std::make_unique<Echo>(messages), &loops->loop(0)};
  };
  start(options, 1);
  TestClient other = connect();
  ASSERT_TRUE(other.upgrade("/"));
  TestClient flood = connect();
  ASSERT_TRUE(flood.upgrade("/flood"));
  constexpr int count = 3000;
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += TestClient::encode(opcode::binary, "x");
  flood.send(bytes);
  ASSERT_TRUE(testing::eventually([&] { return flooded > 0; }));
  for (int i = 0; i < 5; ++i) {
    other.send_frame(opcode::binary, "quick");
    EXPECT_EQ(other.read_frame().payload, "quick");
  }
  EXPECT_LT(flooded, count);
  EXPECT_TRUE(testing::eventually([&] { return flooded == count; }));
}

TEST_P(Bounds, ALargeMessageIsSentInPiecesBetweenWhichOthersHaveTheirTurn) {
  start(options, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  const std::string large(4 << 20, 'x');
  std::thread writer([&] { client.send_frame(opcode::binary, large); });
  EXPECT_TRUE(client.read_frame().payload == large);
  writer.join();
  const auto counts = server->counts();
  EXPECT_GE(counts.bytes_out, large.size());
  EXPECT_GE(counts.send_calls * LoopConnections::send_bytes_max, counts.bytes_out);
}

// --- input that dribbles in --------------------------------------------------------------------

TEST_P(Bounds, AMessageThatDribblesInIsCutOff) {
  options.message_timeout = 60ms;
  start(options);
  TestClient good = connect();
  ASSERT_TRUE(good.upgrade("/"));
  const std::string whole = TestClient::encode(opcode::binary, std::string(300, 'x'));
  for (const std::string& part :
       {whole.substr(0, 1), whole.substr(0, 200), TestClient::encode(opcode::text, "a", false),
        TestClient::encode(opcode::binary, "all of one, then ") + whole.substr(0, 5)}) {
    TestClient slow = connect();
    ASSERT_TRUE(slow.upgrade("/1"));
    slow.send(part);
    auto frame = slow.read_frame();
    while (frame.code == opcode::binary) frame = slow.read_frame();
    ASSERT_EQ(frame.code, opcode::close) << part.size();
    EXPECT_EQ(frame.payload.substr(0, 2), "\x03\xf0");
    EXPECT_TRUE(slow.at_end());
    good.send_frame(opcode::binary, "still here");
    EXPECT_EQ(good.read_frame().payload, "still here");
  }
  EXPECT_EQ(server->counts().timed_out, 4U);
}

TEST_P(Bounds, WhatComesFastEnoughGetsMoreTime) {
  options.message_timeout = 50ms;
  options.body_timeout = 50ms;
  options.receive_bytes_per_second_min = 1000;
  start(options);
  // Enough of each has come for many seconds more.
  const std::string frame = TestClient::encode(opcode::binary, std::string(100'000, 'x'));
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  client.send(frame.substr(0, 90'000));
  TestClient poster = connect();
  poster.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" +
              std::string(50'000, 'b'));
  TestClient slow = connect();
  slow.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(50, 'b'));
  EXPECT_EQ(slow.read_response().status, 408U);  // so their time is over, too
  client.send(frame.substr(90'000));
  EXPECT_EQ(client.read_frame().payload.size(), 100'000U);
  poster.send(std::string(10'000, 'b'));
  EXPECT_EQ(poster.read_response().status, 200U);
  EXPECT_EQ(server->counts().timed_out, 1U);
}

TEST_P(Bounds, TimeForWhichReadingIsDelayedDoesNotCount) {
  options.message_timeout = 40ms;
  options.messages_per_second = 10;
  start(options, 1);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  std::string bytes;
  for (int i = 0; i < 13; ++i) bytes += TestClient::encode(opcode::binary, std::to_string(i));
  client.send(bytes.substr(0, bytes.size() - 1));
  ASSERT_TRUE(testing::eventually([&] { return messages >= 11; }));
  client.send(bytes.substr(bytes.size() - 1));
  for (int i = 0; i < 13; ++i) EXPECT_EQ(client.read_frame().payload, std::to_string(i));
}

// --- memory ------------------------------------------------------------------------------------

TEST_P(Bounds, InputInPartIsBoundedForAllTogetherAndTheLongestGoFirst) {
  options.partial_bytes_max = 2'000'000;
  options.message_bytes_max = 3'000'000;
  start(options, 2);
  const std::string frame = TestClient::encode(opcode::binary, std::string(500'000, 'x'));
  TestClient first = connect();
  ASSERT_TRUE(first.upgrade("/1"));
  first.send(frame.substr(0, 400'000));
  // It is known to be the first.
  ASSERT_TRUE(testing::eventually([&] { return server->counts().bytes_in > 400'000; }));
  TestClient poster = connect();
  poster.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" +
              std::string(800'000, 'b'));
  ASSERT_TRUE(testing::eventually([&] { return server->counts().bytes_in > 1'200'000; }));
  std::vector<TestClient> more;
  for (int i = 0; i < 6; ++i) {
    more.push_back(connect());
    ASSERT_TRUE(more.back().upgrade(i % 2 == 0 ? "/0" : "/1"));
    more.back().send(frame.substr(0, 400'000));
    ASSERT_TRUE(testing::eventually([&] {
      const auto counts = server->counts();
      return counts.bytes_in > 1'200'000 + 400'000ULL * (static_cast<std::uint64_t>(i) + 1);
    }));
  }
  EXPECT_EQ(first.read_close(), close_code::try_again_later);
  EXPECT_EQ(poster.read_response().status, 503U);
  EXPECT_TRUE(poster.at_end());
  const auto shed = server->counts().shed;
  EXPECT_GE(shed, 4U);
  EXPECT_LE(shed, 6U);
  // The latest is still there and is heard.
  more.back().send(frame.substr(400'000));
  EXPECT_EQ(more.back().read_frame().payload.size(), 500'000U);
}

TEST_P(Bounds, OneMessageAloneMayBeLargerThanAllTogether) {
  options.partial_bytes_max = 100'000;
  start(options);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/"));
  const std::string frame = TestClient::encode(opcode::binary, std::string(3'000'000, 'x'));
  client.send(frame.substr(0, 2'000'000));
  ASSERT_TRUE(testing::eventually([&] { return server->counts().bytes_in > 2'000'000; }));
  client.send(frame.substr(2'000'000));
  EXPECT_EQ(client.read_frame().payload.size(), 3'000'000U);
  EXPECT_EQ(server->counts().shed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Either, Bounds, testing::plain_and_tls(), testing::name_of);

}  // namespace
}  // namespace weft::net
