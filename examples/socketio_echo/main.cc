// Engine.IO at /engine.io/ and Socket.IO at /socket.io/, both of which give back what they get: the
// server that the protocols' own test suites run against.

#include <CLI/CLI.hpp>
#include <csignal>
#include <future>
#include <iostream>

#include "echo.h"
#include "weft/gateway/socketio/engine/endpoint.h"
#include "weft/net/server.h"
#include "weft/net/websocket_frame.h"

namespace {

using namespace weft;
using namespace weft::gateway::socketio;

struct Flags {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3000;
  // One loop takes requests in the order in which they arrive, which clients may count on that send
  // two at once.
  std::size_t threads = 1;
  std::string origins = "*";
  unsigned ping_interval_ms = 300;
  unsigned ping_timeout_ms = 200;
  unsigned connect_timeout_ms = 1000;
  std::size_t payload_bytes_max = 1'000'000;
};

class EchoServer final : public net::HttpHandler {
 public:
  EchoServer(const Flags& flags, net::LoopGroup& loops)
      : engine_factory_(examples::EchoFactory::speaks::engine, loops.size(), {}),
        socket_factory_(examples::EchoFactory::speaks::socket, loops.size(), connection(flags)),
        engine_(options(flags, "/engine.io/"), loops, engine_factory_,
                gateway::Cors(flags.origins, engine::cors_terms()), gateway::fill_from_system),
        socket_(options(flags, "/socket.io/"), loops, socket_factory_,
                gateway::Cors(flags.origins, engine::cors_terms()), gateway::fill_from_system) {}

  void on_request(net::HttpRequest request, net::HttpResponder responder) override {
    if (auto* endpoint = endpoint_of(request)) {
      return endpoint->on_request(std::move(request), std::move(responder));
    }
    responder.respond(net::HttpResponse::problem(404, "see /engine.io/ and /socket.io/"));
  }

  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) override {
    if (auto* endpoint = endpoint_of(request)) return endpoint->on_upgrade(request);
    return std::unexpected(net::HttpResponse::problem(404, "see /engine.io/ and /socket.io/"));
  }

  void shut_down() {
    engine_.shut_down();
    socket_.shut_down();
  }

 private:
  static engine::EngineOptions options(const Flags& flags, const char* path) {
    engine::EngineOptions out;
    out.path = path;
    out.ping_interval = std::chrono::milliseconds(flags.ping_interval_ms);
    out.ping_timeout = std::chrono::milliseconds(flags.ping_timeout_ms);
    out.payload_bytes_max = flags.payload_bytes_max;
    return out;
  }

  static protocol::ConnectionOptions connection(const Flags& flags) {
    protocol::ConnectionOptions out;
    out.connect_timeout = std::chrono::milliseconds(flags.connect_timeout_ms);
    return out;
  }

  engine::Endpoint* endpoint_of(const net::HttpRequest& request) {
    if (engine_.handles(request.path())) return &engine_;
    return socket_.handles(request.path()) ? &socket_ : nullptr;
  }

  examples::EchoFactory engine_factory_;
  examples::EchoFactory socket_factory_;
  engine::Endpoint engine_;
  engine::Endpoint socket_;
};

int serve(const Flags& flags) {
  // Before any thread starts, so that all of them leave the signals to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto loops = net::LoopGroup::start(flags.threads);
  if (!loops) {
    std::cerr << loops.error().message << "\n";
    return 1;
  }
  EchoServer echo(flags, **loops);
  net::ServerOptions options;
  options.host = flags.host;
  options.port = flags.port;
  auto server = net::Server::start(options, **loops, echo);
  if (!server) {
    std::cerr << server.error().message << "\n";
    return 1;
  }
  std::cout << "listening on port " << (*server)->port() << std::endl;

  int received = 0;
  sigwait(&signals, &received);
  echo.shut_down();
  std::promise<void> drained;
  (*server)->drain(net::close_code::going_away, "shutting down", std::chrono::seconds(5),
                   [&] { drained.set_value(); });
  drained.get_future().wait();
  (*loops)->stop_and_join();
  server->reset();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Gives back what Engine.IO and Socket.IO clients send");
  app.add_option("--host", flags.host, "address to listen on")->capture_default_str();
  app.add_option("--port", flags.port, "port to listen on; 0: any free one")->capture_default_str();
  app.add_option("--threads", flags.threads, "event loops")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--origins", flags.origins, "pages that may use it; *: all")
      ->capture_default_str();
  app.add_option("--ping-interval", flags.ping_interval_ms, "ms")->capture_default_str();
  app.add_option("--ping-timeout", flags.ping_timeout_ms, "ms")->capture_default_str();
  app.add_option("--connect-timeout", flags.connect_timeout_ms, "ms")->capture_default_str();
  app.add_option("--max-payload", flags.payload_bytes_max, "bytes")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return serve(flags);
}
