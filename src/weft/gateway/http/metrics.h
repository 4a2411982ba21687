#pragma once

#include <string>
#include <vector>

#include "weft/gateway/http/unreadable.h"
#include "weft/hub/options.h"
#include "weft/net/server.h"

namespace weft::gateway::http {

/// What gateways other than this one count.
struct GatewayMetrics {
  std::uint64_t socketio_sessions = 0;     ///< Engine.IO sessions, by any transport
  std::uint64_t socketio_connections = 0;  ///< of them, connected to documents' namespace
  std::uint64_t socketio_channels = 0;     ///< documents that they have joined
  std::uint64_t socketio_messages = 0;
  std::uint64_t socketio_refused = 0;
};

/// What /metrics is made of.
struct MetricsSource {
  std::vector<const hub::HubCounters*> hubs;
  std::size_t documents_quarantined = 0;
  const Unreadable* unreadable = nullptr;  ///< null before there is a gateway
  net::ConnectionCounts connections;
  std::int64_t certificate_expires_s = 0;  ///< 0 without TLS
  bool log_writable = false;
  std::size_t event_streams = 0;
  GatewayMetrics gateways;
};

/// Everything that /metrics shows, in Prometheus' text format 0.0.4.
std::string render_metrics(const MetricsSource& source);

}  // namespace weft::gateway::http
