#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/base/worker_pool.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/event_stream.h"
#include "weft/gateway/http/options.h"
#include "weft/gateway/http/static_files.h"
#include "weft/net/http.h"
#include "weft/store/document_store.h"

namespace weft::gateway::http {

/// What the HTTP gateway asks the rest of the server. All of it outlives the gateway.
struct GatewayParts {
  const hub::HubSet& hubs;
  log::OpLog& log;
  store::DocumentStore& store;
  base::WorkerPool& workers;        ///< where states are compacted, cut and written as JSON
  base::WorkerPool& typed_readers;  ///< where documents become text: slow, and so by itself
  const StaticFiles& files;
  std::function<bool()> ready;           ///< 200 or 503 at /readyz
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<ServerStatus()> status;  ///< /v1/status
  Maintenance maintenance = {};
  hub::Authorizer* authorizer = nullptr;              ///< nullptr: everybody may do everything
  ReadingKeeper* reading_keeper = nullptr;            ///< may be null
  std::vector<hub::QuarantineEntry> unreadable = {};  ///< what reading_keeper has from before
  TypedReader typed_reader = read_typed_view;
};

/// Health, metrics, `/v1` and the page. Threading: any loop that is the executor of one of the
/// hubs.
class Gateway final : public net::HttpHandler {
 public:
  Gateway(GatewayParts parts, HttpOptions options);

  void on_request(net::HttpRequest request, net::HttpResponder responder) override;
  /// Refuses: WebSockets are the business of other gateways.
  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) override;

  /// Documents that typed reading broke down on.
  const Unreadable& unreadable() const { return unreadable_; }
  /// Event streams that are open now.
  std::size_t event_streams() const { return event_streams_.load(std::memory_order_relaxed); }

 private:
  void serve_operators(const std::string& path, const net::HttpRequest& request,
                       net::HttpResponder responder);
  void serve_api(const exchange_ptr& exchange);
  void authorize(const exchange_ptr& exchange, const Route& route, Target target);

  const GatewayParts parts_;
  const HttpOptions options_;
  const Cors cors_;
  hub::DocumentHistory history_;
  const EventWriter event_writer_;
  std::vector<std::unique_ptr<hub::FeedSet>> feeds_;
  std::vector<std::unique_ptr<PresenceTable>> presences_;
  const PresenceFraming presence_framing_;
  std::atomic<std::size_t> event_streams_{0};
  Unreadable unreadable_;
  Api api_;
};

}  // namespace weft::gateway::http
