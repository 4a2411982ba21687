#include "weft/gateway/http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace weft::gateway::http {

namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

void add(std::vector<MetricFamily>& out, const char* name, const char* help, MetricType type,
         double value) {
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  out.push_back({name, help, type, {metric}});
}

struct HubMetric {
  const char* name;
  const char* help;
  MetricType type;
  std::atomic<std::uint64_t> hub::HubCounters::* field;
};

constexpr HubMetric hub_metrics[] = {
    {"weft_documents_live", "Documents in memory", MetricType::Gauge,
     &hub::HubCounters::documents_live},
    {"weft_sessions", "Participants of live documents", MetricType::Gauge,
     &hub::HubCounters::sessions},
    {"weft_edits_accepted_total", "Edits handed to the log", MetricType::Counter,
     &hub::HubCounters::edits_accepted},
    {"weft_edits_contained_total", "Edits that were held already", MetricType::Counter,
     &hub::HubCounters::edits_contained},
    {"weft_edits_refused_total", "Edits refused", MetricType::Counter,
     &hub::HubCounters::edits_refused},
    {"weft_edits_committed_total", "Edits that came back durable", MetricType::Counter,
     &hub::HubCounters::edits_committed},
    {"weft_append_failures_total", "Appends that the log refused or lost", MetricType::Counter,
     &hub::HubCounters::append_failures},
    {"weft_document_loads_total", "Documents opened", MetricType::Counter,
     &hub::HubCounters::loads},
    {"weft_document_load_failures_total", "Documents that could not be read", MetricType::Counter,
     &hub::HubCounters::load_failures},
    {"weft_document_evictions_total", "Idle documents put away", MetricType::Counter,
     &hub::HubCounters::evictions},
    {"weft_snapshots_total", "Snapshots written", MetricType::Counter,
     &hub::HubCounters::snapshots},
    {"weft_snapshot_failures_total", "Snapshots that could not be written", MetricType::Counter,
     &hub::HubCounters::snapshot_failures},
    {"weft_compactions_total", "Compactions of live documents", MetricType::Counter,
     &hub::HubCounters::compactions},
    {"weft_catch_ups_total", "Slow readers brought up to date with a merged remainder",
     MetricType::Counter, &hub::HubCounters::catch_ups},
    {"weft_catch_up_reads_total", "Reads of the log for slow readers; several may share one",
     MetricType::Counter, &hub::HubCounters::catch_up_reads},
    {"weft_awareness_updates_total", "Awareness updates received", MetricType::Counter,
     &hub::HubCounters::awareness_updates},
    {"weft_control_messages_total", "Control messages passed on", MetricType::Counter,
     &hub::HubCounters::control_messages},
    {"weft_control_dropped_total",
     "Control messages that sessions lost because they read too slowly", MetricType::Counter,
     &hub::HubCounters::control_dropped},
};

}  // namespace

std::string render_metrics(const MetricsSource& source) {
  const net::ConnectionCounts& connections = source.connections;
  std::vector<MetricFamily> out;
  for (const auto& metric : hub_metrics) {
    std::uint64_t sum = 0;
    for (const auto* hub : source.hubs) sum += (hub->*metric.field).load(std::memory_order_relaxed);
    add(out, metric.name, metric.help, metric.type, static_cast<double>(sum));
  }
  auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    add(out, name, help, MetricType::Counter, static_cast<double>(value));
  };
  auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
    add(out, name, help, MetricType::Gauge, static_cast<double>(value));
  };
  gauge("weft_documents_quarantined", "Documents whose stored state cannot be read",
        source.documents_quarantined);
  gauge("weft_documents_unreadable", "Documents that typed reading broke down on",
        source.unreadable ? source.unreadable->size() : 0);
  counter("weft_reader_failures_total", "Times that typed reading broke down",
          source.unreadable ? source.unreadable->failures() : 0);
  gauge("weft_log_writable", "1 while the log takes appends", source.log_writable ? 1 : 0);
  gauge("weft_http_connections", "Open HTTP connections", connections.http_open);
  gauge("weft_websocket_connections", "Open WebSocket connections", connections.websockets_open);
  gauge("weft_websocket_compressed_connections", "Of them, with permessage-deflate",
        connections.websockets_compressed);
  gauge("weft_event_streams", "Open streams of live events", source.event_streams);
  gauge("weft_socketio_sessions", "Engine.IO sessions", source.gateways.socketio_sessions);
  gauge("weft_socketio_connections", "Socket.IO clients", source.gateways.socketio_connections);
  gauge("weft_socketio_channels", "Documents that Socket.IO clients have joined",
        source.gateways.socketio_channels);
  counter("weft_socketio_messages_total", "Events of Socket.IO clients",
          source.gateways.socketio_messages);
  counter("weft_socketio_refused_total", "Of them, refused before they reached a document",
          source.gateways.socketio_refused);
  counter("weft_connections_accepted_total", "Connections accepted", connections.accepted);
  counter("weft_connections_refused_total", "Connections above connections_max",
          connections.refused);
  counter("weft_connections_refused_per_address_total",
          "Connections above connections_per_address_max", connections.refused_per_address);
  counter("weft_origins_refused_total", "WebSocket handshakes of pages that are not allowed",
          connections.origins_refused);
  counter("weft_reads_delayed_total", "Times that a rate kept a WebSocket from being read",
          connections.reads_delayed);
  counter("weft_input_timeouts_total", "Headers, bodies and messages that did not come in time",
          connections.timed_out);
  counter("weft_connections_shed_total", "Connections cut off because of partial_bytes_max",
          connections.shed);
  counter("weft_bytes_received_total", "Bytes of HTTP and WebSocket received, inside TLS",
          connections.bytes_in);
  counter("weft_bytes_sent_total", "Bytes of HTTP and WebSocket sent, inside TLS",
          connections.bytes_out);
  counter("weft_send_calls_total", "System calls that sent", connections.send_calls);
  counter("weft_receive_calls_total", "System calls that received", connections.receive_calls);
  counter("weft_sends_blocked_total", "Sends that a slow reader's socket did not take whole",
          connections.sends_blocked);
  counter("weft_messages_received_total", "WebSocket messages", connections.messages_in);
  counter("weft_http_requests_total", "HTTP requests", connections.requests);
  counter("weft_protocol_violations_total", "Protocol violations of clients",
          connections.violations);
  counter("weft_tls_handshakes_total", "TLS handshakes done", connections.tls_handshakes);
  counter("weft_tls_handshake_failures_total",
          "Connections that ended before their TLS handshake was done", connections.tls_failures);
  if (source.certificate_expires_s != 0) {
    gauge("weft_tls_certificate_expires_seconds", "When the certificate ends, seconds since 1970",
          static_cast<std::uint64_t>(source.certificate_expires_s));
  }
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace weft::gateway::http
