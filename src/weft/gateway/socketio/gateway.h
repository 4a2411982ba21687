#pragma once

#include <atomic>
#include <string_view>

#include "weft/gateway/cors.h"
#include "weft/gateway/socketio/document_socket.h"
#include "weft/gateway/socketio/engine/endpoint.h"
#include "weft/gateway/socketio/yjs_wire.h"
#include "weft/net/event_loop.h"
#include "weft/net/http.h"

/// Weft's Socket.IO interface: documents by events with durable acknowledgements, and y-socket.io's
/// documents, each a namespace.
/// Source: docs/protocols.md, "Socket.IO" and "y-socket.io".
namespace weft::gateway::socketio {

/// What the gateway asks the rest of the server. All of it outlives the gateway.
struct GatewayParts {
  const hub::HubSet& hubs;
  net::LoopGroup& loops;  ///< loop i is the executor of hub i
  hub::DocumentHistory& history;
  base::Events& events;
  hub::Authorizer* authorizer = nullptr;  ///< nullptr: everybody may do everything
};

/// Weft's events for one client, as what is behind the namespace "/": for a program that has a
/// Socket.IO server of its own and serves other namespaces beside. `parts` and `options` outlive
/// it; `from_query` is what the client's first request said (see handshake.h).
std::unique_ptr<protocol::Namespaces> document_namespaces(SocketParts parts,
                                                          const SocketOptions& options,
                                                          Handshake from_query);

/// A part of the server's net::HttpHandler: everything below one path.
///
/// A connection lives on the loop of the document that its first request names, so that this one
/// is reached without a detour.
/// Threading: any, but for construction and destruction (see engine::Endpoint).
class Gateway final : public engine::SessionFactory {
 public:
  /// `cors_origins` as for Cors.
  Gateway(GatewayParts parts, SocketOptions options, std::string_view cors_origins);

  bool handles(std::string_view path) const { return endpoint_.handles(path); }
  void on_request(net::HttpRequest request, net::HttpResponder responder) {
    endpoint_.on_request(std::move(request), std::move(responder));
  }
  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) {
    return endpoint_.on_upgrade(request);
  }

  /// Ends every session; see engine::Endpoint.
  void shut_down() { endpoint_.shut_down(); }

  std::size_t sessions() const { return endpoint_.sessions(); }
  const SocketCounters& counters() const { return counters_; }

  // engine::SessionFactory
  engine::AdmissionDecision admit(const net::HttpRequest& request) override;

 private:
  const GatewayParts parts_;
  const SocketOptions options_;
  const SocketFraming framing_;
  const YjsFramings yjs_framings_;
  SocketCounters counters_;
  std::atomic<std::size_t> next_home_{0};  ///< for connections that name no document
  engine::Endpoint endpoint_;
};

}  // namespace weft::gateway::socketio
