#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "weft/gateway/cors.h"
#include "weft/gateway/random_source.h"
#include "weft/gateway/socketio/engine/options.h"
#include "weft/gateway/socketio/engine/session.h"
#include "weft/gateway/socketio/engine/session_slots.h"
#include "weft/gateway/socketio/engine/session_table.h"
#include "weft/net/event_loop.h"
#include "weft/net/http.h"

namespace weft::gateway::socketio::engine {

/// What pages of other origins may send to an endpoint and read of it.
CorsTerms cors_terms();

/// One path of a server that speaks Engine.IO 4: a part of its net::HttpHandler.
///
/// A request may come on any loop. The name of its session says on which loop that lives, and the
/// request goes there; so nothing is shared between loops but the count of sessions.
///
/// Threading: on_request, on_upgrade, sessions and shut_down on any thread. It outlives the server;
/// it is destroyed after the loops have been joined and the server has gone, before the loops.
class Endpoint {
 public:
  /// `loops` and `factory` outlive the endpoint. `cors` should have cors_terms().
  Endpoint(EngineOptions options, net::LoopGroup& loops, SessionFactory& factory, Cors cors,
           random_source random);

  /// Whether requests for this path are this endpoint's. The last slash may be missing.
  bool handles(std::string_view path) const;

  void on_request(net::HttpRequest request, net::HttpResponder responder);
  net::UpgradeDecision on_upgrade(const net::HttpRequest& request);

  /// The server goes down: tells every client that can be told, ends every session, refuses new
  /// ones (503). Call it with net::Server::drain, which waits for polls to be answered.
  void shut_down();

  /// How many sessions there are now.
  std::size_t sessions() const { return slots_->taken(); }

 private:
  struct Asked;
  std::expected<Asked, net::HttpResponse> understand(const net::HttpRequest& request) const;
  std::expected<std::pair<Admission, SessionSlot>, net::HttpResponse> admit(
      const net::HttpRequest& request);
  void run_on(std::size_t home, base::task work);

  const EngineOptions options_;
  net::LoopGroup& loops_;
  SessionFactory& factory_;
  const Cors cors_;
  const random_source random_;
  const std::shared_ptr<SessionSlots> slots_;
  std::vector<std::unique_ptr<SessionTable>> tables_;  ///< one a loop
  std::atomic<bool> shutting_down_{false};
};

}  // namespace weft::gateway::socketio::engine
