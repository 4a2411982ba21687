#pragma once

#include <string>
#include <vector>

#include "weft/gateway/http/unreadable.h"
#include "weft/hub/options.h"
#include "weft/net/server.h"

namespace weft::gateway::http {

/// Everything that /metrics shows, in Prometheus' text format 0.0.4. `certificate_expires_s` is 0
/// without TLS, `unreadable` null before there is a gateway.
std::string render_metrics(const std::vector<const hub::HubCounters*>& hubs,
                           std::size_t documents_quarantined, const Unreadable* unreadable,
                           const net::ConnectionCounts& connections,
                           std::int64_t certificate_expires_s, bool log_writable,
                           std::size_t event_streams);

}  // namespace weft::gateway::http
