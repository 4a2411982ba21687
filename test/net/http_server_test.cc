#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>

#include "net/server_fixture.h"
#include "weft/net/stream_socket.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::TestClient;

class HttpServer : public testing::EitherFixture {};

TEST_P(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  start();
  TestClient client = connect();
  EXPECT_EQ(client.get("/a").body, "GET /a ");
  const std::string one = "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
  client.send(one + "GET /c HTTP/1.1\r\nHost: h\r\n\r\n" + one.substr(0, 20));
  EXPECT_EQ(client.read_response().body, "POST /b hi");
  EXPECT_EQ(client.read_response().body, "GET /c ");
  client.send(one.substr(20));
  EXPECT_EQ(client.read_response().body, "POST /b hi");
  EXPECT_EQ(server->counts().requests, 4U);
  EXPECT_EQ(server->counts().http_open, 1U);
}

TEST_P(HttpServer, ReadsChunkedBodiesAndAnswersHead) {
  start();
  TestClient client = connect();
  const auto response = client.request(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(response.body, "POST /c abcde");
  client.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = client.read_response(false);
  EXPECT_EQ(head.status, 200U);
  EXPECT_NE(head.head.find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(client.get("/after").body, "GET /after ");
}

TEST_P(HttpServer, AClientThatHasEndedItsHalfIsGoneWhereItIsWatchedAndAnsweredElsewhere) {
  std::promise<HttpResponder> waiting[2];
  answer = [&](HttpRequest request, HttpResponder responder) {
    const bool watched = request.target == "/watched";
    if (watched) responder.watch_peer();
    waiting[watched].set_value(std::move(responder));
  };
  start();
  TestClient watched = connect(), other = connect();
  watched.send("GET /watched HTTP/1.1\r\nHost: h\r\n\r\n");
  other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
  HttpResponder gone = waiting[1].get_future().get(), patient = waiting[0].get_future().get();
  EXPECT_FALSE(gone.abandoned());
  ::shutdown(other.fd(), SHUT_WR);
  ::shutdown(watched.fd(), SHUT_WR);
  EXPECT_TRUE(testing::eventually([&] { return gone.abandoned(); }));
  EXPECT_TRUE(watched.at_end());
  std::promise<void> answered;
  patient.executor().post([&] {
    patient.respond(HttpResponse::text(200, "text/plain", "late"));
    answered.set_value();
  });
  answered.get_future().wait();
  EXPECT_EQ(other.read_response().body, "late");
}

TEST_P(HttpServer, SaysContinueToWhomItMatters) {
  start();
  TestClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.request("ok").body, "POST / ok");
}

TEST_P(HttpServer, ClosesWhenAsked) {
  start();
  TestClient client = connect();
  const auto response = client.request("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response.status, 200U);
  EXPECT_NE(response.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(client.at_end());
}

TEST_P(HttpServer, BadRequestsGetAnAnswerAndHurtNobodyElse) {
  ServerOptions options;
  options.http.body_bytes_max = 100;
  start(options);
  TestClient other = connect();
  EXPECT_EQ(other.get("/1").status, 200U);
  const std::pair<std::string, unsigned> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20000, 'x'), 431},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413},
      {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 426},
  };
  for (const auto& [text, status] : cases) {
    TestClient client = connect();
    EXPECT_EQ(client.request(text).status, status) << text.substr(0, 60);
    if (status != 426) {
      EXPECT_TRUE(client.at_end());
    }
  }
  EXPECT_EQ(other.get("/2").status, 200U);
  EXPECT_EQ(server->counts().violations, 3U);
}

TEST_P(HttpServer, AnswersLaterFromAnotherThread) {
  std::vector<std::thread> workers;
  answer = [&](HttpRequest, HttpResponder responder) {
    workers.emplace_back([responder = std::move(responder)]() mutable {
      auto& executor = responder.executor();
      executor.post([responder = std::move(responder)]() mutable {
        responder.respond(HttpResponse::text(201, "text/plain", "late"));
      });
    });
  };
  start({}, 1);
  TestClient client = connect();
  EXPECT_EQ(client.get("/").body, "late");
  EXPECT_EQ(client.get("/").body, "late");
  for (auto& worker : workers) worker.join();
}

TEST_P(HttpServer, AResponderThatIsDroppedAnswers500) {
  answer = [](HttpRequest, HttpResponder) {};
  start();
  TestClient client = connect();
  EXPECT_EQ(client.get("/").status, 500U);
}

TEST_P(HttpServer, AnsweringAConnectionThatHasGoneIsHarmless) {
  std::promise<HttpResponder> taken;
  answer = [&](HttpRequest, HttpResponder responder) { taken.set_value(std::move(responder)); };
  start();
  auto client = std::make_unique<TestClient>(connect());
  client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  HttpResponder responder = taken.get_future().get();
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client.reset();
  EXPECT_TRUE(testing::eventually([&] { return server->counts().http_open == 0; }));
  run_on(static_cast<EventLoop&>(responder.executor()),
         [&] { responder.respond(HttpResponse::text(200, "text/plain", "nobody")); });
}

class Numbers final : public HttpBodySource {
 public:
  explicit Numbers(std::uint64_t size, std::uint64_t truth) : size_(size), left_(truth) {}
  std::uint64_t size() const override { return size_; }
  base::result<base::shared_bytes> read(std::size_t bytes_max) override {
    const std::size_t size = std::min<std::uint64_t>(bytes_max, left_);
    left_ -= size;
    return base::shared_bytes::build(size, [](std::uint8_t* out) { *out = 'n'; });
  }

 private:
  std::uint64_t size_;
  std::uint64_t left_;
};

TEST_P(HttpServer, SendsABodyFromASource) {
  std::uint64_t truth = 3'000'000;
  answer = [&](HttpRequest, HttpResponder responder) {
    HttpResponse response;
    response.source = std::make_unique<Numbers>(3'000'000, truth);
    responder.respond(std::move(response));
  };
  start();
  TestClient client = connect();
  EXPECT_EQ(client.get("/").body.size(), 3'000'000U);
  EXPECT_EQ(client.get("/").body.size(), 3'000'000U);
  truth = 1000;  // a source that breaks off must not look whole
  EXPECT_LT(client.get("/").body.size(), 3'000'000U);
  EXPECT_TRUE(client.at_end());
}

TEST_P(HttpServer, SlowHeadersAndIdleConnectionsAreEnded) {
  ServerOptions options;
  options.header_timeout = 50ms;
  options.keep_alive_timeout = 60ms;
  options.body_timeout = 70ms;
  start(options);
  TestClient silent = connect();
  TestClient slow = connect();
  slow.send("GET / HT");
  EXPECT_EQ(slow.read_response().status, 408U);
  EXPECT_TRUE(slow.at_end());
  EXPECT_TRUE(silent.at_end());
  TestClient body = connect();
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(body.read_response().status, 408U);
  TestClient idle = connect();
  EXPECT_EQ(idle.get("/").status, 200U);
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(testing::eventually([&] { return server->counts().http_open <= 2; }));
}

TEST_P(HttpServer, RefusesAboveItsConnectionLimit) {
  ServerOptions options;
  options.connections_max = 2;
  start(options);
  TestClient first = connect();
  auto second = std::make_unique<TestClient>(connect());
  EXPECT_EQ(first.get("/").status, 200U);
  EXPECT_EQ(second->get("/").status, 200U);
  TestClient third = connect();
  // Without a handshake TLS can say no more than that it failed.
  EXPECT_EQ(third.read_response().status, certificate ? 0U : 503U);
  EXPECT_EQ(server->counts().refused, 1U);
  second.reset();
  EXPECT_TRUE(testing::eventually([&] {
    TestClient fourth = connect();
    return fourth.get("/").status == 200;
  }));
}

TEST_P(HttpServer, RunningOutOfDescriptorsNeitherSpinsNorEndsIt) {
  start({}, 1);
  TestClient client = connect();
  EXPECT_EQ(client.get("/").status, 200U);
  TestClient waiting = [&] {
    rlimit old{};
    ::getrlimit(RLIMIT_NOFILE, &old);
    std::vector<unique_fd> hogs;
    const rlimit tight{.rlim_cur = 64, .rlim_max = old.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    while (true) {
      unique_fd hog(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!hog) break;
      hogs.push_back(std::move(hog));
    }
    // One more connection needs two descriptors in this process; give back one, for the client.
    hogs.pop_back();
    TestClient starved = connect();
    EXPECT_EQ(client.get("/during").status, 200U);
    ::setrlimit(RLIMIT_NOFILE, &old);
    hogs.clear();
    return starved;
  }();
  EXPECT_EQ(waiting.get("/").status, 200U);
}

TEST_P(HttpServer, OnTheIpv6WildcardItServesIpv4Too) {
  if (!listen_on("::", 0, 1)) GTEST_SKIP() << "no IPv6 on this machine";
  ServerOptions options;
  options.host = "::";
  start(options);
  TestClient client = connect();
  EXPECT_EQ(client.get("/").status, 200U);
}

TEST_P(HttpServer, ReportsWhatItCannotListenOn) {
  start();
  ServerOptions taken;
  taken.port = server->port();
  const auto second = Server::start(taken, *loops, *this);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(std::to_string(taken.port)), std::string::npos);
  ServerOptions nowhere;
  nowhere.host = "host.invalid";
  EXPECT_FALSE(Server::start(nowhere, *loops, *this).has_value());
}

TEST_P(HttpServer, DrainFinishesWhatIsInProgress) {
  std::promise<HttpResponder> taken;
  answer = [&](HttpRequest request, HttpResponder responder) {
    if (request.target == "/slow") return taken.set_value(std::move(responder));
    responder.respond(HttpResponse::text(200, "text/plain", "quick"));
  };
  start();
  TestClient idle = connect();
  EXPECT_EQ(idle.get("/").status, 200U);
  TestClient busy = connect();
  busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  HttpResponder responder = taken.get_future().get();
  std::promise<void> done;
  auto drained = done.get_future();
  server->drain(1001, "bye", 10s, [&] { done.set_value(); });
  EXPECT_TRUE(idle.at_end());
  EXPECT_EQ(drained.wait_for(0s), std::future_status::timeout);
  run_on(static_cast<EventLoop&>(responder.executor()),
         [&] { responder.respond(HttpResponse::text(200, "text/plain", "slow")); });
  const auto response = busy.read_response();
  EXPECT_EQ(response.body, "slow");
  EXPECT_NE(response.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(busy.at_end());
  {
    const TestClient gone = std::move(busy);
  }
  EXPECT_EQ(drained.wait_for(10s), std::future_status::ready);
  TestClient late = connect();
  EXPECT_LT(late.fd(), 0);
}

INSTANTIATE_TEST_SUITE_P(Either, HttpServer, testing::plain_and_tls(), testing::name_of);

}  // namespace
}  // namespace weft::net
