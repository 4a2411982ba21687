#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <utility>

#include "net/test_certificate.h"
#include "net/test_client.h"
#include "weft/net/server.h"

namespace weft::net::testing {

/// A server on a free port of the loopback, with handlers that a test gives.
class ServerFixture : public ::testing::Test, public HttpHandler {
 protected:
  /// From here on server and clients speak TLS.
  void use_tls() { certificate = std::make_unique<TestCertificate>(); }

  void start(ServerOptions options = {}, std::size_t threads = 2) {
    if (certificate) options.tls = certificate->options();
    auto group = LoopGroup::start(threads);
    ASSERT_TRUE(group.has_value());
    loops = std::move(*group);
    auto started = Server::start(std::move(options), *loops, *this);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = std::move(*started);
  }

  void TearDown() override {
    if (loops) loops->stop_and_join();
    server.reset();
  }

  void on_request(HttpRequest request, HttpResponder responder) override {
    answer(std::move(request), std::move(responder));
  }
  UpgradeDecision on_upgrade(const HttpRequest& request) override { return decide(request); }

  /// Runs `work` on a loop and waits for it.
  void run_on(EventLoop& loop, std::function<void()> work) {
    std::promise<void> ran;
    loop.post([&] {
      work();
      ran.set_value();
    });
    ran.get_future().wait();
  }

  TestClient connect(int receive_buffer_bytes = 0) {
    if (certificate) return TestClient(server->port(), TlsClientOptions{}, receive_buffer_bytes);
    return TestClient(server->port(), receive_buffer_bytes);
  }

  /// Drains and waits until the server says that it is done.
  bool drain(std::uint16_t code, std::chrono::milliseconds deadline) {
    std::promise<void> done;
    server->drain(code, "bye", deadline, [&] { done.set_value(); });
    return done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }

  std::function<void(HttpRequest, HttpResponder)> answer = [](HttpRequest request,
                                                              HttpResponder responder) {
    responder.respond(HttpResponse::text(
        200, "text/plain",
        request.method + " " + request.target + " " + std::string(base::as_text(request.body))));
  };
  std::function<UpgradeDecision(const HttpRequest&)> decide = [](const HttpRequest&) {
    return UpgradeDecision(std::unexpect, HttpResponse::text(403, "text/plain", "no"));
  };

  std::unique_ptr<TestCertificate> certificate;  ///< none: plaintext
  std::unique_ptr<LoopGroup> loops;
  std::unique_ptr<Server> server;
};

/// Tests that hold for plaintext and for TLS: "Plain" and "Tls".
class EitherFixture : public ServerFixture, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) use_tls();
  }
};

inline auto plain_and_tls() { return ::testing::Bool(); }
inline std::string name_of(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "Tls" : "Plain";
}

}  // namespace weft::net::testing
