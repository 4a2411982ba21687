#include "weft/gateway/socketio/engine/endpoint.h"

#include "weft/gateway/socketio/engine/session_id.h"
#include "weft/gateway/socketio/engine/websocket_transport.h"

namespace weft::gateway::socketio::engine {

namespace {

net::HttpResponse too_many() {
  auto response = net::HttpResponse::problem(503, "no more sessions can be had now");
  response.headers.push_back({"Retry-After", "5"});
  return response;
}

constexpr std::string_view polling_methods = "GET, POST";

}  // namespace

CorsTerms cors_terms() { return {"Accept, Authorization, Content-Type", {}, true}; }

/// What a request says of itself in its query.
struct Endpoint::Asked {
  bool websocket = false;
  std::string session;   ///< empty: a handshake
  std::size_t home = 0;  ///< of that session
};

Endpoint::Endpoint(EngineOptions options, net::LoopGroup& loops, SessionFactory& factory, Cors cors,
                   random_source random)
    : options_(std::move(options)),
      loops_(loops),
      factory_(factory),
      cors_(std::move(cors)),
      random_(std::move(random)),
      slots_(std::make_shared<SessionSlots>(loops.size(), options_.sessions_max,
                                            options_.sessions_per_loop_max)) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    tables_.push_back(std::make_unique<SessionTable>(loops.loop(i), options_));
  }
}

bool Endpoint::handles(std::string_view path) const {
  return path == options_.path || (path.size() + 1 == options_.path.size() &&
                                   std::string_view(options_.path).starts_with(path));
}

std::expected<Endpoint::Asked, net::HttpResponse> Endpoint::understand(
    const net::HttpRequest& request) const {
  const auto transport = request.query_parameter("transport");
  Asked asked;
  asked.websocket = transport == "websocket";
  const bool known =
      asked.websocket ? options_.websocket : options_.polling && transport == "polling";
  if (!known) return std::unexpected(refusal_response(refusal::unknown_transport));
  if (request.query_parameter("EIO") != "4") {
    return std::unexpected(refusal_response(refusal::unsupported_version));
  }
  asked.session = request.query_parameter("sid").value_or("");
  if (asked.session.empty()) return asked;
  const auto home = home_of_session(asked.session);
  if (!home || *home >= tables_.size()) {
    return std::unexpected(refusal_response(refusal::unknown_session));
  }
  asked.home = *home;
  return asked;
}

std::expected<std::pair<Admission, SessionSlot>, net::HttpResponse> Endpoint::admit(
    const net::HttpRequest& request) {
  if (shutting_down_.load(std::memory_order_relaxed)) return std::unexpected(too_many());
  auto admission = factory_.admit(request);
  if (!admission) return std::unexpected(std::move(admission.error()));
  WEFT_CHECK(admission->handler != nullptr && admission->home < tables_.size());
  auto slot = slots_->take(admission->home);
  if (!slot) return std::unexpected(too_many());
  return std::pair(std::move(*admission), std::move(*slot));
}

void Endpoint::run_on(std::size_t home, base::task work) {
  auto& loop = loops_.loop(home);
  if (loop.in_loop_thread()) return work();
  loop.post(std::move(work));
}

void Endpoint::on_request(net::HttpRequest request, net::HttpResponder responder) {
  net::HttpResponse common;
  cors_.add_headers(request, common);
  common.headers.push_back({"Cache-Control", "no-store"});
  // A client that ends its connection while it polls is gone, and is to be missed at once.
  if (request.method == "GET") responder.watch_peer();
  Exchange exchange(std::move(responder), std::move(common.headers));
  if (request.method == "OPTIONS") {
    return exchange.respond(cors_.options(request, std::string(polling_methods)));
  }
  auto asked = understand(request);
  if (!asked) return exchange.respond(std::move(asked.error()));
  const bool get = request.method == "GET";
  if (asked->session.empty()) {
    if (!get) return exchange.refuse(refusal::bad_handshake_method);
    if (asked->websocket) return exchange.refuse(refusal::bad_request);
    auto admitted = admit(request);
    if (!admitted) return exchange.respond(std::move(admitted.error()));
    const auto home = admitted->first.home;
    return run_on(home, [this, home, admitted = std::move(*admitted),
                         peer = std::move(request.peer), exchange = std::move(exchange)]() mutable {
      auto& table = *tables_[home];
      if (table.shutting_down()) return exchange.respond(too_many());
      table
          .add(make_session_id(home, random_), std::move(peer), std::move(admitted.first.handler),
               std::move(admitted.second))
          ->open(std::move(exchange));
    });
  }
  if (asked->websocket || (!get && request.method != "POST")) {
    return exchange.refuse(refusal::bad_request);
  }
  run_on(asked->home, [this, get, asked = std::move(*asked), request = std::move(request),
                       exchange = std::move(exchange)]() mutable {
    const auto session = tables_[asked.home]->find(asked.session);
    if (!session) return exchange.refuse(refusal::unknown_session);
    if (get) return session->on_poll(std::move(exchange));
    const bool octets = request.header("Content-Type").starts_with("application/octet-stream");
    session->on_post(std::move(request.body), octets, std::move(exchange));
  });
}

net::UpgradeDecision Endpoint::on_upgrade(const net::HttpRequest& request) {
  auto asked = understand(request);
  if (!asked) return std::unexpected(std::move(asked.error()));
  if (!asked->websocket) return std::unexpected(refusal_response(refusal::bad_request));
  net::UpgradeAccept accept;
  if (!asked->session.empty()) {
    accept.home = &loops_.loop(asked->home);
    accept.handler = std::make_unique<WebSocketTransport>(
        [&table = *tables_[asked->home], id = asked->session](WebSocketTransport* socket) {
          auto session = table.find(id);
          return session && session->offer(*socket) ? session : nullptr;
        });
    return accept;
  }
  auto admitted = admit(request);
  if (!admitted) return std::unexpected(std::move(admitted.error()));
  const auto home = admitted->first.home;
  accept.home = &loops_.loop(home);
  accept.handler = std::make_unique<WebSocketTransport>(
      [this, home, peer = request.peer,
       admitted = std::move(*admitted)](WebSocketTransport* socket) mutable {
        auto& table = *tables_[home];
        if (table.shutting_down()) return std::shared_ptr<EngineSession>();
        auto session = table.add(make_session_id(home, random_), peer,
                                 std::move(admitted.first.handler), std::move(admitted.second));
        session->open(*socket);
        return session;
      });
  return accept;
}

void Endpoint::shut_down() {
  shutting_down_.store(true, std::memory_order_relaxed);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    run_on(i, [table = tables_[i].get()] { table->shut_down(); });
  }
}

}  // namespace weft::gateway::socketio::engine
