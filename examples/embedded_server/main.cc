// A program with a web server, users and a Socket.IO namespace of its own, in which Weft serves the
// documents: what it is to embed Weft instead of running it.

#include <CLI/CLI.hpp>
#include <csignal>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>

#include "chat.h"
#include "documents.h"
#include "logins.h"
#include "weft/gateway/socketio/engine/endpoint.h"
#include "weft/net/server.h"
#include "weft/net/websocket_frame.h"

namespace {

using namespace weft;
namespace socketio = weft::gateway::socketio;

/// What is behind the namespaces of one client: "/chat" is this program's, all else is Weft's.
class Namespaces final : public socketio::protocol::Namespaces {
 public:
  Namespaces(examples::Chat& chat, std::unique_ptr<socketio::protocol::Namespaces> weft)
      : chat_(chat), weft_(std::move(weft)) {}

  void on_connect(socketio::protocol::ConnectRequest request,
                  socketio::protocol::Admission admission) override {
    if (request.name_space == "/chat") return admission.accept(chat_.seat());
    weft_->on_connect(std::move(request), std::move(admission));
  }

 private:
  examples::Chat& chat_;
  const std::unique_ptr<socketio::protocol::Namespaces> weft_;
};

class EmbeddedServer final : public net::HttpHandler, public socketio::engine::SessionFactory {
 public:
  EmbeddedServer(examples::Documents& documents, examples::Logins& logins, net::LoopGroup& loops)
      : documents_(documents),
        logins_(logins),
        endpoint_({.path = "/socket.io/"}, loops, *this,
                  gateway::Cors("*", socketio::engine::cors_terms()), gateway::fill_from_system) {}

  void on_request(net::HttpRequest request, net::HttpResponder responder) override {
    if (endpoint_.handles(request.path())) {
      return endpoint_.on_request(std::move(request), std::move(responder));
    }
    if (request.method == "POST" && request.path() == "/login") {
      return responder.respond(log_in(request));
    }
    if (request.method == "POST" && request.path() == "/logout") {
      const bool known = logins_.log_out(request.query_parameter("token").value_or(""));
      return responder.respond(known ? net::HttpResponse::text(200, "text/plain", "bye\n")
                                     : net::HttpResponse::problem(404, "no such token"));
    }
    responder.respond(net::HttpResponse::problem(
        404, "POST /login?name=…[&read-only=yes] or /logout?token=…, and /socket.io/"));
  }

  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) override {
    if (endpoint_.handles(request.path())) return endpoint_.on_upgrade(request);
    return std::unexpected(net::HttpResponse::problem(404, "WebSockets are at /socket.io/"));
  }

  // socketio::engine::SessionFactory
  socketio::engine::AdmissionDecision admit(const net::HttpRequest& request) override {
    auto handshake = socketio::read_query(request);
    if (!handshake) {
      return std::unexpected(net::HttpResponse::problem(400, handshake.error().message));
    }
    auto namespaces =
        std::make_unique<Namespaces>(chat_, documents_.namespaces(std::move(*handshake)));
    return socketio::engine::Admission{
        std::make_unique<socketio::protocol::Connection>(std::move(namespaces),
                                                         socketio::protocol::ConnectionOptions{},
                                                         gateway::fill_from_system),
        0};
  }

  void shut_down() { endpoint_.shut_down(); }

 private:
  net::HttpResponse log_in(const net::HttpRequest& request) {
    const auto name = request.query_parameter("name").value_or("");
    if (name.empty()) return net::HttpResponse::problem(400, "who are you? ?name=…");
    hub::Rights rights;
    rights.write = request.query_parameter("read-only") != "yes";
    const auto token = logins_.log_in(name, rights);
    return token ? net::HttpResponse::text(200, "text/plain", *token)
                 : net::HttpResponse::problem(503, "too many have logged in");
  }

  examples::Documents& documents_;
  examples::Logins& logins_;
  examples::Chat chat_;
  socketio::engine::Endpoint endpoint_;
};

int fail(const base::error& why) {
  std::cerr << why.message << "\n";
  return 1;
}

int serve(const std::string& directory, std::uint16_t port) {
  // Before any thread starts, so that all of them leave the signals to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto loops = net::LoopGroup::start(1);
  if (!loops) return fail(loops.error());
  examples::Logins logins;
  auto documents = examples::Documents::open(directory, **loops, logins);
  if (!documents) return fail(documents.error());
  EmbeddedServer embedded(**documents, logins, **loops);
  net::ServerOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  auto server = net::Server::start(options, **loops, embedded);
  if (!server) return fail(server.error());
  std::cout << nlohmann::json{{"listening", (*server)->port()}} << std::endl;

  int received = 0;
  sigwait(&signals, &received);
  // Documents first: edits in flight are acknowledged, presence is withdrawn.
  (*documents)->drain();
  embedded.shut_down();
  std::promise<void> drained;
  (*server)->drain(net::close_code::going_away, "shutting down", std::chrono::seconds(5),
                   [&] { drained.set_value(); });
  drained.get_future().wait();
  (*documents)->close();
  (*loops)->stop_and_join();
  server->reset();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string directory = "./embedded-data";
  std::uint16_t port = 8788;
  CLI::App app("A program with users and a chat of its own, in which Weft serves the documents");
  app.add_option("--data", directory, "directory of log and snapshots")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0: any free one")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return serve(directory, port);
}
