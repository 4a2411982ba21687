#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "weft/gateway/http/documents_api.h"
#include "weft/gateway/http/static_files.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// What the HTTP gateway asks the rest of the server.
struct GatewayParts {
  const hub::HubSet& hubs;
  log::OpLog& log;
  const StaticFiles& files;
  std::function<bool()> ready;           ///< 200 or 503 at /readyz
  std::function<std::string()> metrics;  ///< Prometheus text
  /// What becomes of WebSocket handshakes: the business of other gateways.
  std::function<net::UpgradeDecision(const net::HttpRequest&)> upgrade;
};

/// Health, metrics, `/v1` and the page. Threading: any loop.
class Gateway final : public net::HttpHandler {
 public:
  explicit Gateway(GatewayParts parts)
      : parts_(std::move(parts)), documents_(parts_.hubs, parts_.log) {}

  void on_request(net::HttpRequest request, net::HttpResponder responder) override;
  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) override {
    return parts_.upgrade(request);
  }

 private:
  const GatewayParts parts_;
  DocumentsApi documents_;
};

}  // namespace weft::gateway::http
