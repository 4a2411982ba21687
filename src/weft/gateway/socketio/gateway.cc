#include "weft/gateway/socketio/gateway.h"

#include "weft/gateway/socketio/admit.h"
#include "weft/gateway/socketio/protocol/connection.h"
#include "weft/gateway/socketio/yjs_namespace.h"

namespace weft::gateway::socketio {

namespace {

/// Who is behind the namespaces of one connection: "/" alone.
class DocumentNamespaces final : public protocol::Namespaces {
 public:
  DocumentNamespaces(SocketParts parts, const SocketOptions& options, Handshake from_query)
      : parts_(parts), options_(options), from_query_(std::move(from_query)) {}

  void on_connect(protocol::ConnectRequest request, protocol::Admission admission) override {
    if (request.name_space != "/") return admission.refuse(protocol::invalid_namespace);
    auto handshake = read_auth(from_query_, request.auth);
    if (!handshake) return refuse(admission, {"bad-metadata", handshake.error().message});
    auto document = handshake->document();
    if (!document) {
      return admission.accept(
          std::make_unique<DocumentSocket>(parts_, options_, std::move(*handshake)));
    }
    // A token that is no good is told at once; each document that is joined asks for itself.
    hub::AuthorizationRequest question{std::move(*document), handshake->token,
                                       handshake->sender_id};
    admit(parts_.authorizer, std::move(question), std::move(admission),
          [parts = parts_, &options = options_,
           handshake = std::move(*handshake)](const hub::Permit&) mutable {
            return std::make_unique<DocumentSocket>(parts, options, std::move(handshake));
          });
  }

 private:
  const SocketParts parts_;
  const SocketOptions& options_;
  const Handshake from_query_;
};

/// All that a client of this server may ask for.
class AllNamespaces final : public protocol::Namespaces {
 public:
  AllNamespaces(std::unique_ptr<protocol::Namespaces> documents,
                std::unique_ptr<protocol::Namespaces> yjs)
      : documents_(std::move(documents)), yjs_(std::move(yjs)) {}

  void on_connect(protocol::ConnectRequest request, protocol::Admission admission) override {
    auto& whose = is_yjs_namespace(request.name_space) ? yjs_ : documents_;
    whose->on_connect(std::move(request), std::move(admission));
  }

 private:
  const std::unique_ptr<protocol::Namespaces> documents_, yjs_;
};

}  // namespace

std::unique_ptr<protocol::Namespaces> document_namespaces(SocketParts parts,
                                                          const SocketOptions& options,
                                                          Handshake from_query) {
  return std::make_unique<DocumentNamespaces>(parts, options, std::move(from_query));
}

Gateway::Gateway(GatewayParts parts, SocketOptions options, std::string_view cors_origins)
    : parts_(parts),
      options_(std::move(options)),
      endpoint_(options_.engine, parts_.loops, *this, Cors(cors_origins, engine::cors_terms()),
                fill_from_system) {}

engine::AdmissionDecision Gateway::admit(const net::HttpRequest& request) {
  auto handshake = read_query(request);
  if (!handshake) {
    return std::unexpected(net::HttpResponse::problem(400, handshake.error().message));
  }
  const auto document = handshake->document();
  const std::size_t home =
      document ? parts_.hubs.index(*document)
               : next_home_.fetch_add(1, std::memory_order_relaxed) % parts_.loops.size();
  const SocketParts parts{parts_.hubs,   parts_.history, framing_,
                          parts_.events, counters_,      parts_.authorizer};
  auto all = std::make_unique<AllNamespaces>(document_namespaces(parts, options_, *handshake),
                                             yjs_namespaces(parts, yjs_framings_, *handshake));
  return engine::Admission{
      std::make_unique<protocol::Connection>(std::move(all), options_.connection, fill_from_system),
      home};
}

}  // namespace weft::gateway::socketio
