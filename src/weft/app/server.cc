#include "weft/app/server.h"

#include <atomic>
#include <deque>
#include <future>
#include <thread>

#include "weft/app/background.h"
#include "weft/app/events.h"
#include "weft/app/front.h"
#include "weft/app/log_driver.h"
#include "weft/app/maintenance.h"
#include "weft/app/snapshot_store.h"
#include "weft/base/worker_pool.h"
#include "weft/gateway/http/gateway.h"
#include "weft/gateway/http/metrics.h"
#include "weft/gateway/socketio/gateway.h"
#include "weft/gateway/ywebsocket/gateway.h"
#include "weft/hub/hub.h"
#include "weft/net/websocket_frame.h"

namespace weft::app {

namespace {

std::unexpected<base::error> cannot_start(const char* what, const base::error& why) {
  return base::fail(errc::start, std::string(what) + ": " + why.message);
}

}  // namespace

struct Node::Parts {
  Config config;
  const base::Meter* meter = nullptr;
  std::string address;
  std::unique_ptr<base::Events> events = make_events();
  std::unique_ptr<net::LoopGroup> loops;
  std::unique_ptr<log::TopicResolver> topics;  ///< of the log; outlives it
  std::unique_ptr<log::OpLog> log;
  std::unique_ptr<store::DirectoryStore> store;
  std::unique_ptr<StorageMaintenance> maintenance;
  std::unique_ptr<hub::Quarantine> quarantine;
  std::unique_ptr<Background> background;
  std::atomic<std::uint64_t> next_seq{0};
  std::deque<hub::HubCounters> counters;
  std::vector<std::unique_ptr<hub::Hub>> hubs;
  std::unique_ptr<hub::HubSet> hub_set;
  std::unique_ptr<JwtAuthorizer> authorizer;  ///< none: everybody may do everything
  std::unique_ptr<gateway::ywebsocket::Gateway> ywebsocket;
  gateway::http::StaticFiles files;
  std::unique_ptr<base::WorkerPool> readers;        ///< of the HTTP gateway
  std::unique_ptr<base::WorkerPool> typed_readers;  ///< of the HTTP gateway
  std::unique_ptr<gateway::http::Gateway> http;
  std::unique_ptr<hub::DocumentHistory> socketio_history;
  std::unique_ptr<gateway::socketio::Gateway> socketio;  ///< none when it is switched off
  std::unique_ptr<Front> front;
  std::unique_ptr<net::Server> server;
  std::atomic<bool> ready{false};
  const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  bool drained = false;

  base::result<void> open_storage();
  void build_hubs();
  void build_gateways();
  base::result<void> listen();
  std::string metrics() const;
  gateway::http::ServerStatus status() const;
};

base::result<void> Node::Parts::open_storage() {
  auto opened_log = open_log(config, *events);
  if (!opened_log && opened_log.error().code == errc::config) {
    return base::fail(std::move(opened_log.error()));
  }
  if (!opened_log) return cannot_start("log", opened_log.error());
  topics = std::move(opened_log->topics);
  log = std::move(opened_log->log);
  SnapshotStoreOptions store_options;
  store_options.directory = config.data + "/store";
  store_options.disk_reserve_bytes = config.log.disk_reserve_bytes;
  store_options.sync = config.log.durability == log::embedded::durability::fsync;
  auto opened_store = open_snapshot_store(config.store, store_options);
  if (!opened_store) return cannot_start("snapshot store", opened_store.error());
  store = std::move(*opened_store);
  next_seq = log->next_seq();
  std::optional<Storage> storage;
  if (opened_log->embedded) storage.emplace(*opened_log->embedded, *store);
  maintenance =
      std::make_unique<StorageMaintenance>(storage, config.data, config.backup_directory, *events);
  quarantine = std::make_unique<hub::Quarantine>(config.quarantine, maintenance.get());
  maintenance->restore(*quarantine);
  return {};
}

void Node::Parts::build_hubs() {
  background = std::make_unique<Background>();
  std::vector<hub::Hub*> all;
  for (std::size_t i = 0; i < loops->size(); ++i) {
    hubs.push_back(std::make_unique<hub::Hub>(
        hub::HubParts{loops->loop(i), *background, *log, *store, next_seq, counters.emplace_back(),
                      *events, quarantine.get(), meter},
        config.hub));
    all.push_back(hubs.back().get());
    loops->loop(i).post([hub = all.back()] { hub->start(); });
  }
  hub_set = std::make_unique<hub::HubSet>(std::move(all));
}

std::string Node::Parts::metrics() const {
  gateway::http::MetricsSource source;
  for (const auto& c : counters) source.hubs.push_back(&c);
  source.documents_quarantined = quarantine->size();
  source.log_writable = log->writable();
  if (http) {
    source.unreadable = &http->unreadable();
    source.event_streams = http->event_streams();
  }
  if (server) {
    source.connections = server->counts();
    source.certificate_expires_s = server->certificate_expires_s();
  }
  if (socketio) {
    const auto& counted = socketio->counters();
    source.gateways = {socketio->sessions(), counted.connections.load(), counted.channels.load(),
                       counted.messages.load(), counted.refused.load()};
  }
  return gateway::http::render_metrics(source);
}

gateway::http::ServerStatus Node::Parts::status() const {
  gateway::http::ServerStatus out;
  out.program_version = WEFT_VERSION;
  out.uptime_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - begun)
                      .count();
  out.ready = ready.load() && log->writable();
  const auto connections = server ? server->counts() : net::ConnectionCounts{};
  out.http_connections = connections.http_open;
  out.websocket_connections = connections.websockets_open;
  for (const auto& one : counters) {
    out.documents_live += one.documents_live.load(std::memory_order_relaxed);
    out.sessions += one.sessions.load(std::memory_order_relaxed);
    out.edits_accepted += one.edits_accepted.load(std::memory_order_relaxed);
    out.edits_committed += one.edits_committed.load(std::memory_order_relaxed);
    out.edits_refused += one.edits_refused.load(std::memory_order_relaxed);
  }
  return out;
}

void Node::Parts::build_gateways() {
  ywebsocket = std::make_unique<gateway::ywebsocket::Gateway>(
      *hub_set, *loops, config.net.compression_bytes_min, authorizer.get());
  std::string skipped;
  if (!config.web.empty()) files = gateway::http::StaticFiles::load(config.web, skipped);
  if (!skipped.empty()) {
    events->report(base::severity::warn, "page.files_skipped", {{"files", skipped}});
  }
  readers = std::make_unique<base::WorkerPool>(1, config.http.reads_waiting_max);
  typed_readers = std::make_unique<base::WorkerPool>(1, config.http.reads_waiting_max);
  http = std::make_unique<gateway::http::Gateway>(
      gateway::http::GatewayParts{*hub_set, *log, *store, *readers, *typed_readers, files,
                                  [this] { return ready.load() && log->writable(); },
                                  [this] { return metrics(); }, [this] { return status(); },
                                  maintenance->operations(), authorizer.get(), maintenance.get(),
                                  maintenance->unreadable()},
      config.http);
  if (config.socketio_enabled) {
    socketio_history =
        std::make_unique<hub::DocumentHistory>(*log, *store, *readers, hub::HistoryOptions{});
    socketio = std::make_unique<gateway::socketio::Gateway>(
        gateway::socketio::GatewayParts{*hub_set, *loops, *socketio_history, *events,
                                        authorizer.get()},
        config.socketio, config.http.cors_origins);
  }
  front = std::make_unique<Front>(*http, *ywebsocket, socketio.get());
}

base::result<void> Node::Parts::listen() {
  auto net_options = config.net;
  const auto colon = config.listen.rfind(':');
  net_options.host = config.listen.substr(0, colon);
  if (net_options.host.starts_with('[') && net_options.host.ends_with(']')) {
    net_options.host = net_options.host.substr(1, net_options.host.size() - 2);
  }
  net_options.port = static_cast<std::uint16_t>(std::stoul(config.listen.substr(colon + 1)));
  auto started = net::Server::start(net_options, *loops, *front);
  if (!started) return cannot_start("listen", started.error());
  server = std::move(*started);
  address = (config.net.tls.enabled() ? "https://" : "http://") + config.listen.substr(0, colon) +
            ":" + std::to_string(server->port());
  ready = true;
  return {};
}

base::result<std::unique_ptr<Node>> Node::start(const Config& config, const base::Meter* meter) {
  if (auto ok = check(config); !ok) return base::fail(std::move(ok.error()));
  auto parts = std::make_unique<Parts>();
  parts->config = config;
  parts->meter = meter;
  const std::size_t threads =
      config.threads != 0 ? config.threads : std::max(1u, std::thread::hardware_concurrency());
  if (config.authorization.enabled) {
    auto authorizer = JwtAuthorizer::open(config.authorization);
    if (!authorizer) return base::fail(std::move(authorizer.error()));
    parts->authorizer = std::move(*authorizer);
  }
  auto loops = net::LoopGroup::start(threads);
  if (!loops) return cannot_start("threads", loops.error());
  parts->loops = std::move(*loops);
  auto node = std::unique_ptr<Node>(new Node(std::move(parts)));
  if (auto ok = node->parts_->open_storage(); !ok) return base::fail(std::move(ok.error()));
  node->parts_->build_hubs();
  node->parts_->build_gateways();
  if (auto ok = node->parts_->listen(); !ok) return base::fail(std::move(ok.error()));
  return node;
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() { drain(); }

const std::string& Node::address() const { return parts_->address; }

void Node::reload_certificate() {
  const auto& files = parts_->config.net.tls;
  if (auto ok = parts_->server->reload_certificate(); !ok) {
    parts_->events->report(base::severity::error, "certificate.not_reloaded",
                           {{"reason", ok.error().message}});
    return;
  }
  parts_->events->report(base::severity::info, "certificate.reloaded",
                         {{"certificate", files.certificate}});
}

bool Node::drain() {
  if (parts_->drained) return true;
  parts_->drained = true;
  parts_->ready = false;
  const auto deadline = std::chrono::milliseconds(parts_->config.drain_timeout_ms);
  bool in_time = true;
  // The hubs first: they end their sessions (presence goes) and wait for edits in flight.
  std::vector<std::future<void>> waiting;
  for (auto& hub : parts_->hubs) {
    auto done = std::make_shared<std::promise<void>>();
    waiting.push_back(done->get_future());
    hub->executor().post([&hub, done] { hub->drain([done] { done->set_value(); }); });
  }
  const auto until = std::chrono::steady_clock::now() + deadline;
  for (auto& one : waiting) in_time &= one.wait_until(until) == std::future_status::ready;
  if (parts_->socketio) parts_->socketio->shut_down();
  if (parts_->server) {
    auto closed = std::make_shared<std::promise<void>>();
    auto closing = closed->get_future();
    parts_->server->drain(net::close_code::going_away, "the server is shutting down", deadline,
                          [closed] { closed->set_value(); });
    in_time &= closing.wait_until(until + deadline) == std::future_status::ready;
  }
  if (parts_->readers) parts_->readers->close();
  if (parts_->maintenance) parts_->maintenance->close();
  if (parts_->typed_readers) parts_->typed_readers->close();
  if (parts_->log) parts_->log->close();
  if (parts_->store) parts_->store->close();
  // Nothing runs on the loops any more when what their tasks refer to goes.
  parts_->loops->stop_and_join();
  parts_->background.reset();
  parts_->server.reset();
  parts_->socketio.reset();
  parts_->hubs.clear();
  parts_->loops.reset();
  return in_time;
}

}  // namespace weft::app
