// The endpoint in a real server: requests of one session come on any loop.

#include "weft/gateway/socketio/engine/endpoint.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "net/server_fixture.h"
#include "weft/gateway/socketio/engine/packet.h"
#include "weft/gateway/socketio/engine/session_id.h"

namespace weft::gateway::socketio::engine {
namespace {

using nlohmann::json;

/// Gives back what it gets.
class Echo final : public SessionHandler {
 public:
  explicit Echo(std::atomic<int>& open) : open_(open) {}
  void on_open(Session& session) override {
    session_ = &session;
    ++open_;
  }
  void on_message(base::byte_view message, bool binary) override {
    waiting_.push_back(binary ? net::make_frame(net::opcode::binary, message)
                              : packet_frame(packet_type::message, base::as_text(message)));
    session_->want_write();
  }
  void on_gather(net::GatherSink& sink) override {
    for (auto& frame : waiting_) sink.add(std::move(frame));
    waiting_.clear();
  }
  void on_closed(close_reason) override { --open_; }

 private:
  std::atomic<int>& open_;
  Session* session_ = nullptr;
  std::vector<base::shared_bytes> waiting_;
};

class EngineEndpoint : public net::testing::ServerFixture, public SessionFactory {
 protected:
  void TearDown() override {
    ServerFixture::TearDown();
    endpoint.reset();
    EXPECT_EQ(open, 0);
  }

  void serve(std::string origins = "", std::size_t threads = 3) {
    answer = [this](net::HttpRequest request, net::HttpResponder responder) {
      endpoint->on_request(std::move(request), std::move(responder));
    };
    decide = [this](const net::HttpRequest& request) { return endpoint->on_upgrade(request); };
    auto group = net::LoopGroup::start(threads);
    ASSERT_TRUE(group);
    loops = std::move(*group);
    endpoint = std::make_unique<Endpoint>(options, *loops, *this, Cors(origins, cors_terms()),
                                          fill_from_system);
    auto started = net::Server::start({}, *loops, *this);
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }

  AdmissionDecision admit(const net::HttpRequest& request) override {
    if (request.query_parameter("refuse")) {
      return std::unexpected(refusal_response(refusal::forbidden));
    }
    engine::Admission out;
    out.home = next_home++ % loops->size();
    out.handler = std::make_unique<Echo>(open);
    return out;
  }

  /// A request on a connection of its own; so they come on all loops in turn.
  net::testing::TestClient::response ask(const std::string& method, const std::string& query,
                                         const std::string& body = {},
                                         const std::string& headers = {}) {
    return connect().request(method + " /engine.io/?" + query + " HTTP/1.1\r\nHost: h\r\n" +
                             headers + "Content-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + body);
  }
  std::string handshake() {
    const auto answered = ask("GET", "EIO=4&transport=polling");
    EXPECT_EQ(answered.status, 200u);
    return json::parse(answered.body.substr(1)).value("sid", "");
  }

  EngineOptions options;
  std::atomic<int> open{0};
  std::atomic<std::size_t> next_home{0};
  std::unique_ptr<Endpoint> endpoint;
};

TEST_F(EngineEndpoint, KnowsItsPath) {
  serve();
  EXPECT_TRUE(endpoint->handles("/engine.io/"));
  EXPECT_TRUE(endpoint->handles("/engine.io"));
  for (const char* other : {"/", "", "/engine.i", "/engine.io/x", "/socket.io/"}) {
    EXPECT_FALSE(endpoint->handles(other)) << other;
  }
}

TEST_F(EngineEndpoint, ASessionIsFoundFromEveryLoop) {
  serve();
  for (int i = 0; i < 6; ++i) {
    const auto session = "EIO=4&transport=polling&sid=" + handshake();
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(ask("POST", session,
                    "4hello\x1e"
                    "bAQID")
                    .body,
                "ok");
      EXPECT_EQ(ask("GET", session).body,
                "4hello\x1e"
                "bAQID");
    }
    EXPECT_EQ(ask("POST", session, "1").body, "ok");
    EXPECT_EQ(ask("GET", session).status, 400u);
  }
}

TEST_F(EngineEndpoint, ASocketCarriesASession) {
  serve();
  auto client = connect();
  ASSERT_TRUE(client.upgrade("/engine.io/?EIO=4&transport=websocket"));
  EXPECT_TRUE(client.read_frame().payload.starts_with("0{\"sid\":\""));
  client.send_frame(net::opcode::text, "4hello");
  EXPECT_EQ(client.read_frame().payload, "4hello");
  client.send_frame(net::opcode::binary, "bytes");
  const auto frame = client.read_frame();
  EXPECT_EQ(frame.code, net::opcode::binary);
  EXPECT_EQ(frame.payload, "bytes");
  EXPECT_EQ(endpoint->sessions(), 1u);
}

TEST_F(EngineEndpoint, ASessionGoesOverToASocketOnItsOwnLoop) {
  serve();
  for (int i = 0; i < 6; ++i) {
    const auto id = handshake();
    auto client = connect();
    ASSERT_TRUE(client.upgrade("/engine.io/?EIO=4&transport=websocket&sid=" + id));
    client.send_frame(net::opcode::text, "2probe");
    EXPECT_EQ(client.read_frame().payload, "3probe");
    EXPECT_EQ(ask("GET", "EIO=4&transport=polling&sid=" + id).body, "6");
    client.send_frame(net::opcode::text, "5");
    client.send_frame(net::opcode::text, "4hello");
    EXPECT_EQ(client.read_frame().payload, "4hello");
    EXPECT_EQ(json::parse(ask("GET", "EIO=4&transport=polling&sid=" + id).body)["code"], 3);
    auto second = connect();
    ASSERT_TRUE(second.upgrade("/engine.io/?EIO=4&transport=websocket&sid=" + id));
    EXPECT_EQ(second.read_close(), net::close_code::policy_violation);
  }
}

TEST_F(EngineEndpoint, RefusalsAreThoseOfTheProtocol) {
  serve();
  const auto id = handshake();
  struct Case {
    const char* method;
    std::string query;
    unsigned status;
    std::string body;
  };
  const std::string transport = R"({"code":0,"message":"Transport unknown"})";
  const std::string session = R"({"code":1,"message":"Session ID unknown"})";
  const std::string method = R"({"code":2,"message":"Bad handshake method"})";
  const std::string bad = R"({"code":3,"message":"Bad request"})";
  const std::string forbidden = R"({"code":4,"message":"Forbidden"})";
  const std::string version = R"({"code":5,"message":"Unsupported protocol version"})";
  const Case cases[] = {
      {"GET", "EIO=4", 400, transport},
      {"GET", "EIO=4&transport=abc", 400, transport},
      {"GET", "EIO=4&transport=polling&sid=abc", 400, session},
      {"GET", "EIO=4&transport=polling&sid=" + make_session_id(1, fill_from_system), 400, session},
      {"GET", "EIO=4&transport=polling&sid=" + make_session_id(60'000, fill_from_system), 400,
       session},
      {"POST", "EIO=4&transport=polling", 400, method},
      {"PUT", "EIO=4&transport=polling", 400, method},
      {"GET", "EIO=4&transport=websocket", 400, bad},
      {"GET", "EIO=4&transport=websocket&sid=" + id, 400, bad},
      {"DELETE", "EIO=4&transport=polling&sid=" + id, 400, bad},
      {"GET", "EIO=4&transport=polling&refuse=1", 403, forbidden},
      {"GET", "transport=polling", 400, version},
      {"GET", "EIO=3&transport=polling", 400, version},
      {"GET", "EIO=abc&transport=polling", 400, version},
  };
  for (const auto& [verb, query, status, body] : cases) {
    const auto answered = ask(verb, query);
    EXPECT_EQ(answered.status, status) << verb << " " << query;
    EXPECT_EQ(answered.body, body) << verb << " " << query;
    EXPECT_NE(answered.head.find("Cache-Control: no-store"), std::string::npos);
  }
  for (const char* query :
       {"transport=websocket", "EIO=4&transport=abc", "EIO=4&transport=polling",
        "EIO=4&transport=websocket&refuse=1", "EIO=4&transport=websocket&sid=x"}) {
    EXPECT_FALSE(connect().upgrade(std::string("/engine.io/?") + query)) << query;
  }
}

TEST_F(EngineEndpoint, TransportsCanBeSwitchedOff) {
  options.polling = false;
  serve();
  EXPECT_EQ(json::parse(ask("GET", "EIO=4&transport=polling").body)["code"], 0);
  auto client = connect();
  EXPECT_TRUE(client.upgrade("/engine.io/?EIO=4&transport=websocket"));
}

TEST_F(EngineEndpoint, SessionsAreCounted) {
  options.sessions_max = 3;
  options.sessions_per_loop_max = 1;
  serve();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(handshake());
  EXPECT_EQ(endpoint->sessions(), 3u);
  const auto full = ask("GET", "EIO=4&transport=polling");
  EXPECT_EQ(full.status, 503u);
  EXPECT_NE(full.head.find("Retry-After"), std::string::npos);
  EXPECT_FALSE(connect().upgrade("/engine.io/?EIO=4&transport=websocket"));
  EXPECT_EQ(endpoint->sessions(), 3u);
  EXPECT_EQ(ask("POST", "EIO=4&transport=polling&sid=" + ids[1], "1").body, "ok");
  EXPECT_EQ(endpoint->sessions(), 2u);
  // The place is on the second loop.
  next_home = 0;
  EXPECT_EQ(ask("GET", "EIO=4&transport=polling").status, 503u);
  EXPECT_EQ(ask("GET", "EIO=4&transport=polling").status, 200u);
}

TEST_F(EngineEndpoint, PagesOfOtherOriginsAreToldWhatTheyMay) {
  serve("https://app.example");
  const std::string from = "Origin: https://app.example\r\n";
  const auto preflight = ask("OPTIONS", "EIO=4&transport=polling", {},
                             from + "Access-Control-Request-Method: POST\r\n");
  EXPECT_EQ(preflight.status, 204u);
  for (const char* header :
       {"Access-Control-Allow-Origin: https://app.example\r\n",
        "Access-Control-Allow-Credentials: true\r\n", "Access-Control-Allow-Methods: GET, POST\r\n",
        "Access-Control-Allow-Headers: ", "Vary: Origin\r\n"}) {
    EXPECT_NE(preflight.head.find(header), std::string::npos) << header;
  }
  const auto allowed = ask("GET", "EIO=4&transport=polling", {}, from);
  EXPECT_NE(allowed.head.find("Access-Control-Allow-Origin: https://app.example\r\n"),
            std::string::npos);
  const auto stranger =
      ask("GET", "EIO=4&transport=polling", {}, "Origin: https://other.example\r\n");
  EXPECT_EQ(stranger.head.find("Access-Control-Allow-Origin"), std::string::npos);
}

TEST_F(EngineEndpoint, AClientThatGoesWhileItPollsIsMissedSoon) {
  serve();
  const auto id = handshake();
  {
    auto client = connect();
    client.send("GET /engine.io/?EIO=4&transport=polling&sid=" + id +
                " HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(net::testing::eventually([this] { return server->counts().requests >= 2; }));
    EXPECT_EQ(open, 1);
  }
  // Long before a heartbeat is due.
  EXPECT_TRUE(net::testing::eventually([this] { return open == 0; }));
}

TEST_F(EngineEndpoint, AServerThatGoesDownEndsItsSessions) {
  // On one thread a request that was counted is with its session before whatever comes later.
  serve("", 1);
  const auto id = handshake();
  auto polling = connect();
  polling.send("GET /engine.io/?EIO=4&transport=polling&sid=" + id +
               " HTTP/1.1\r\nHost: h\r\n\r\n");
  auto socket = connect();
  ASSERT_TRUE(socket.upgrade("/engine.io/?EIO=4&transport=websocket"));
  socket.read_frame();
  ASSERT_TRUE(net::testing::eventually([this] { return server->counts().requests >= 3; }));
  endpoint->shut_down();
  EXPECT_EQ(polling.read_response().body, "1");
  EXPECT_EQ(socket.read_close(), net::close_code::going_away);
  socket.send_frame(net::opcode::close, "\x03\xe9");
  EXPECT_EQ(ask("GET", "EIO=4&transport=polling").status, 503u);
  EXPECT_FALSE(connect().upgrade("/engine.io/?EIO=4&transport=websocket"));
  EXPECT_TRUE(drain(net::close_code::going_away, std::chrono::seconds(10)));
  EXPECT_EQ(endpoint->sessions(), 0u);
}

TEST(SessionId, NamesTheLoopAndIsNeverTheSame) {
  for (const std::size_t home : {0u, 1u, 255u, 256u, 65'535u}) {
    const auto id = make_session_id(home, fill_from_system);
    EXPECT_EQ(id.size(), 24u);
    EXPECT_EQ(
        id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos);
    EXPECT_EQ(home_of_session(id), home);
    EXPECT_NE(make_session_id(home, fill_from_system), id);
  }
  for (const char* wrong : {"", "abc", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA!",
                            "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(home_of_session(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace weft::gateway::socketio::engine
