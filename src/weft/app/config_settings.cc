// Every configuration key: what it is called, what it means, what it may be and where it is kept.

#include <algorithm>
#include <charconv>
#include <functional>

#include "weft/app/config.h"

namespace weft::app {

namespace {

using durability = log::embedded::durability;

/// "a, b,c" → a, b and c.
std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    std::size_t first = from;
    std::size_t last = comma;
    while (first < last && text[first] == ' ') ++first;
    while (last > first && text[last - 1] == ' ') --last;
    if (last > first) out.push_back(text.substr(first, last - first));
    from = comma + 1;
  }
  return out;
}

std::string parse_number(const std::string& text, std::uint64_t& out, std::uint64_t least,
                         std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  }
  out = value;
  return {};
}

/// A setting that is a plain number; `at` gives a reference to the field.
template <typename At>
Setting number(std::string key, std::string help, std::uint64_t least, std::uint64_t most, At at) {
  using field = std::remove_reference_t<decltype(at(std::declval<Config&>()))>;
  return {std::move(key), std::move(help),
          [at](const Config& c) { return std::to_string(at(const_cast<Config&>(c))); },
          [at, least, most](Config& c, const std::string& text) {
            std::uint64_t value = 0;
            auto wrong = parse_number(text, value, least, most);
            if (wrong.empty()) at(c) = static_cast<field>(value);
            return wrong;
          }};
}

/// A setting that is a duration in the unit of its field.
template <typename At>
Setting duration(std::string key, std::string help, std::uint64_t least, std::uint64_t most,
                 At at) {
  using field = std::remove_reference_t<decltype(at(std::declval<Config&>()))>;
  return {std::move(key), std::move(help),
          [at](const Config& c) { return std::to_string(at(const_cast<Config&>(c)).count()); },
          [at, least, most](Config& c, const std::string& text) {
            std::uint64_t value = 0;
            auto wrong = parse_number(text, value, least, most);
            if (wrong.empty()) at(c) = field(value);
            return wrong;
          }};
}

/// A setting that is a text; `at` names the field or gives a reference to it.
template <typename At>
Setting text(std::string key, std::string help, At at, std::vector<std::string> allowed = {}) {
  return {
      std::move(key), std::move(help),
      [at](const Config& c) -> std::string { return std::invoke(at, c); },
      [at, allowed = std::move(allowed)](Config& c, const std::string& value) {
        if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
          std::string wrong = "must be one of";
          for (const auto& a : allowed) wrong += " " + a;
          return wrong;
        }
        std::invoke(at, c) = value;
        return std::string();
      }};
}

/// A setting that is a list; `At` gives a reference to a field that is made of its entries by
/// `parse` and keeps them.
template <typename At, typename Parse>
Setting list(std::string key, std::string help, At at, Parse parse) {
  return {std::move(key), std::move(help),
          [at](const Config& c) {
            std::string out;
            for (const auto& entry : at(c).entries()) out += (out.empty() ? "" : ",") + entry;
            return out;
          },
          [at, parse](Config& c, const std::string& value) {
            auto parsed = parse(split_list(value));
            if (!parsed) return "has a wrong entry: " + parsed.error().message;
            at(c) = std::move(*parsed);
            return std::string();
          },
          true};
}

Setting tls_min_version_setting() {
  return {"tls.min_version", "oldest TLS that is spoken: 1.2 or 1.3",
          [](const Config& c) -> std::string {
            return c.net.tls.version_min == net::tls_version::v1_3 ? "1.3" : "1.2";
          },
          [](Config& c, const std::string& value) -> std::string {
            if (value != "1.2" && value != "1.3") return "must be 1.2 or 1.3";
            c.net.tls.version_min =
                value == "1.3" ? net::tls_version::v1_3 : net::tls_version::v1_2;
            return {};
          }};
}

/// A setting that is on or off; `at` gives a reference to the field.
template <typename At>
Setting on_off(std::string key, std::string help, At at) {
  return {
      std::move(key), std::move(help),
      [at](const Config& c) -> std::string { return at(const_cast<Config&>(c)) ? "on" : "off"; },
      [at](Config& c, const std::string& value) -> std::string {
        // YAML writes booleans as it likes.
        const bool on = value == "on" || value == "true";
        if (!on && value != "off" && value != "false") return "must be on or off";
        at(c) = on;
        return {};
      }};
}

Setting durability_setting() {
  return {"durability",
          "when an edit counts as durable: fsync (survives loss of power), os (a crash of the "
          "process), memory (an orderly stop only)",
          [](const Config& c) -> std::string {
            switch (c.log.durability) {
              case durability::fsync:
                return "fsync";
              case durability::os:
                return "os";
              case durability::memory:
                return "memory";
            }
            return "fsync";
          },
          [](Config& c, const std::string& value) -> std::string {
            if (value == "fsync") {
              c.log.durability = durability::fsync;
            } else if (value == "os") {
              c.log.durability = durability::os;
            } else if (value == "memory") {
              c.log.durability = durability::memory;
            } else {
              return "must be one of fsync os memory";
            }
            return {};
          }};
}

Setting store_kind_setting() {
  return {
      "store.kind",
      "what keeps the snapshots of a new data directory: rocksdb, or filesystem (one plain file "
      "for each document)",
      [](const Config& c) -> std::string { return name_of(c.store); },
      [](Config& c, const std::string& value) -> std::string {
        const auto kind = store_kind_of(value);
        if (!kind) return "must be one of rocksdb filesystem";
        c.store = *kind;
        return {};
      }};
}

Setting log_kind_setting() {
  return {
      "log.kind",
      "where edits are kept: embedded (in the data directory, by one node) or kafka (any number "
      "of nodes)",
      [](const Config& c) -> std::string {
        return c.log_kind == log_kind::kafka ? "kafka" : "embedded";
      },
      [](Config& c, const std::string& value) -> std::string {
        if (value != "embedded" && value != "kafka") return "must be one of embedded kafka";
        c.log_kind = value == "kafka" ? log_kind::kafka : log_kind::embedded;
        return {};
      }};
}

/// A number of replicas, of which 0 leaves it to the brokers; `at` gives a reference to the field,
/// where that is -1.
template <typename At>
Setting replicas(std::string key, std::string help, At at) {
  return {std::move(key), std::move(help),
          [at](const Config& c) { return std::to_string(std::max(at(const_cast<Config&>(c)), 0)); },
          [at](Config& c, const std::string& text) {
            std::uint64_t value = 0;
            auto wrong = parse_number(text, value, 0, 1000);
            if (wrong.empty()) at(c) = value == 0 ? -1 : static_cast<std::int32_t>(value);
            return wrong;
          }};
}

constexpr std::uint64_t bytes_most = std::uint64_t{1} << 40;
constexpr std::uint64_t ms_most = 24ull * 3600 * 1000;

Setting anonymous_setting() {
  static const std::vector<std::string> names = {"none", "read", "write"};
  return {
      "authorization.anonymous",
      "what clients without a token may do with any document: none, read, or write (which "
      "includes all else)",
      [](const Config& c) { return names[static_cast<std::size_t>(c.authorization.anonymous)]; },
      [](Config& c, const std::string& value) -> std::string {
        const auto it = std::ranges::find(names, value);
        if (it == names.end()) return "must be one of none read write";
        c.authorization.anonymous = static_cast<anonymous_rights>(it - names.begin());
        return {};
      }};
}

void add_authorization_settings(std::vector<Setting>& out) {
  out.push_back(on_off("authorization.enabled",
                       "on: clients show JSON Web Tokens; off: everybody may do everything",
                       [](Config& c) -> auto& { return c.authorization.enabled; }));
  out.push_back(text("authorization.key_file",
                     "what tokens are checked against: a public key (PEM), or the secret of an HS "
                     "algorithm",
                     [](auto& c) -> auto& { return c.authorization.key_file; }));
  out.push_back(
      text("authorization.algorithm", "the only one that tokens are taken in",
           [](auto& c) -> auto& { return c.authorization.algorithm; },
           {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}));
  out.push_back(text("authorization.audience",
                     "what a token's aud must name; empty: tokens that have an aud are refused",
                     [](auto& c) -> auto& { return c.authorization.audience; }));
  out.push_back(anonymous_setting());
}

void add_kafka_settings(std::vector<Setting>& out) {
  out.push_back(text("kafka.brokers", "host:port of some brokers, separated by commas",
                     &Config::kafka_brokers));
  out.push_back(text("kafka.topic", "names the topic of a room's documents", &Config::kafka_topic));
  out.push_back(number("kafka.partitions", "of topics that are made; never changes afterwards", 1,
                       10'000, [](Config& c) -> auto& { return c.kafka.topics.partitions; }));
  out.push_back(replicas("kafka.replication", "of topics that are made; 0: the brokers' default",
                         [](Config& c) -> auto& { return c.kafka.topics.replication; }));
  out.push_back(replicas(
      "kafka.min_insync_replicas",
      "replicas that an edit is on before it is acknowledged, of topics that are made; 0: the "
      "brokers' default",
      [](Config& c) -> auto& { return c.kafka.topics.min_insync_replicas; }));
  out.push_back(number("kafka.topics_max", "topics that are open at once", 1, 10'000'000,
                       [](Config& c) -> auto& { return c.kafka.topics_max; }));
  out.push_back(duration("kafka.append_timeout", "ms that an edit waits for the brokers", 100,
                         ms_most, [](Config& c) -> auto& { return c.kafka.append_timeout; }));
  out.push_back(duration("kafka.request_timeout", "ms that everything else waits for them", 100,
                         60'000, [](Config& c) -> auto& { return c.kafka.request_timeout; }));
  out.push_back(number("kafka.reads_queued_max", "reads that wait for the brokers", 1, 10'000'000,
                       [](Config& c) -> auto& { return c.kafka.reads_queued_max; }));
  out.push_back(number("kafka.scan_bytes_max",
                       "of a partition that are looked through before others have a turn", 1 << 16,
                       bytes_most, [](Config& c) -> auto& { return c.kafka.scan_bytes_max; }));
}

void add_socketio_settings(std::vector<Setting>& out) {
  out.push_back(on_off("socketio.enabled", "off: nothing answers below /socket.io/",
                       [](Config& c) -> auto& { return c.socketio_enabled; }));
  out.push_back(on_off("socketio.polling", "off: clients must speak WebSocket",
                       [](Config& c) -> auto& { return c.socketio.engine.polling; }));
  out.push_back(on_off("socketio.websocket", "off: clients must poll",
                       [](Config& c) -> auto& { return c.socketio.engine.websocket; }));
  out.push_back(duration("socketio.ping_interval", "ms after which a client is pinged", 10, ms_most,
                         [](Config& c) -> auto& { return c.socketio.engine.ping_interval; }));
  out.push_back(duration("socketio.ping_timeout", "ms that its answer may take", 10, ms_most,
                         [](Config& c) -> auto& { return c.socketio.engine.ping_timeout; }));
  out.push_back(duration("socketio.connect_timeout",
                         "ms that a client may take to connect to the namespace", 10, ms_most,
                         [](Config& c) -> auto& { return c.socketio.connection.connect_timeout; }));
  out.push_back(duration("socketio.upgrade_timeout", "ms that the change of transports may take",
                         10, ms_most,
                         [](Config& c) -> auto& { return c.socketio.engine.upgrade_timeout; }));
  out.push_back(number("socketio.payload_bytes_max",
                       "one message, or the body of one POST (net.body_bytes_max bounds that too)",
                       1024, bytes_most,
                       [](Config& c) -> auto& { return c.socketio.engine.payload_bytes_max; }));
  out.push_back(number("socketio.payload_packets_max", "packets in the body of one POST", 1,
                       10'000'000,
                       [](Config& c) -> auto& { return c.socketio.engine.payload_packets_max; }));
  out.push_back(number("socketio.poll_bytes_max", "what one poll brings, about", 1024, bytes_most,
                       [](Config& c) -> auto& { return c.socketio.engine.poll_bytes_max; }));
  out.push_back(number("socketio.output_bytes_max",
                       "answers that wait for one client; beyond it nothing is read of it", 1024,
                       bytes_most,
                       [](Config& c) -> auto& { return c.socketio.connection.output_bytes_max; }));
  out.push_back(number("socketio.sessions_max", "clients; more are told 503", 0, 100'000'000,
                       [](Config& c) -> auto& { return c.socketio.engine.sessions_max; }));
  out.push_back(number("socketio.documents_max", "documents that one client has joined", 1,
                       10'000'000, [](Config& c) -> auto& { return c.socketio.documents_max; }));
}

std::vector<Setting> make_settings() {
  std::vector<Setting> out;
  out.push_back(
      text("listen", "address to serve on, host:port (port 0: any free one)", &Config::listen));
  out.push_back(text("data", "directory of log and snapshots", &Config::data));
  out.push_back(text("web", "directory of the built page; empty: none is served", &Config::web));
  out.push_back(text("backup_directory",
                     "where POST /v1/backup may write; empty: anywhere (it is only for this "
                     "machine)",
                     &Config::backup_directory));
  out.push_back(number("threads", "I/O threads; 0: one for each core", 0, 1024,
                       [](Config& c) -> auto& { return c.threads; }));
  out.push_back(durability_setting());
  out.push_back(number("drain_timeout_ms", "how long SIGTERM waits for connections and edits", 0,
                       ms_most, [](Config& c) -> auto& { return c.drain_timeout_ms; }));
  out.push_back(text("log_level", "trace, debug, info, warn or error", &Config::log_level,
                     {"trace", "debug", "info", "warn", "error"}));
  out.push_back(text("log_format", "text for people, json for machines", &Config::log_format,
                     {"text", "json"}));
  out.push_back(log_kind_setting());
  out.push_back(number("log.inflight_bytes_max", "bytes of edits that may wait for the disk", 1,
                       bytes_most, [](Config& c) -> auto& { return c.log.inflight_bytes_max; }));
  out.push_back(duration("log.commit_interval_us",
                         "least time between two syncs: larger groups, later acknowledgements", 0,
                         1'000'000, [](Config& c) -> auto& { return c.log.commit_interval_us; }));
  out.push_back(number("log.record_bytes_max", "one record of the log", 128u << 10, 1u << 30,
                       [](Config& c) -> auto& { return c.log.record_bytes_max; }));
  out.push_back(number("log.memory_bytes_max", "write buffers and cache of the log", 1u << 20,
                       bytes_most, [](Config& c) -> auto& { return c.log.memory_bytes_max; }));
  out.push_back(number("log.disk_reserve_bytes", "free disk below which edits are refused", 0,
                       bytes_most, [](Config& c) -> auto& { return c.log.disk_reserve_bytes; }));
  add_kafka_settings(out);
  out.push_back(store_kind_setting());
  out.push_back(number("net.connections_max", "open connections; more are told 503", 1, 100'000'000,
                       [](Config& c) -> auto& { return c.net.connections_max; }));
  out.push_back(number("net.connections_per_address_max",
                       "of one address (IPv6: one /64); more are told 429; 0: no bound", 0,
                       100'000'000,
                       [](Config& c) -> auto& { return c.net.connections_per_address_max; }));
  out.push_back(list(
      "net.trusted_proxies", "addresses or networks whose X-Forwarded-For is believed",
      [](auto& c) -> auto& { return c.net.trusted_proxies; }, net::AddressRanges::parse));
  out.push_back(list(
      "net.allowed_origins",
      "origins of pages that may open WebSockets, besides the server's own: https://app.example, "
      "https://*.example, null, or * for all",
      [](auto& c) -> auto& { return c.net.allowed_origins; }, net::OriginList::parse));
  out.push_back(number("net.partial_bytes_max",
                       "kept of messages and bodies that have come in part, all together", 1 << 16,
                       bytes_most, [](Config& c) -> auto& { return c.net.partial_bytes_max; }));
  out.push_back(number(
      "net.message_bytes_max",
      "one WebSocket message; larger ones close with 4413 (1009 where a protocol has no code)", 128,
      bytes_most, [](Config& c) -> auto& { return c.net.message_bytes_max; }));
  out.push_back(number("net.header_bytes_max", "headers of one HTTP request", 256, 1u << 24,
                       [](Config& c) -> auto& { return c.net.http.header_bytes_max; }));
  out.push_back(number("net.body_bytes_max", "body of one HTTP request", 1, bytes_most,
                       [](Config& c) -> auto& { return c.net.http.body_bytes_max; }));
  out.push_back(duration("net.header_timeout", "ms for a whole HTTP header to arrive", 1, ms_most,
                         [](Config& c) -> auto& { return c.net.header_timeout; }));
  out.push_back(duration("net.body_timeout", "ms for a whole HTTP body to arrive", 1, ms_most,
                         [](Config& c) -> auto& { return c.net.body_timeout; }));
  out.push_back(duration("net.keep_alive_timeout", "ms an HTTP connection may idle", 1, ms_most,
                         [](Config& c) -> auto& { return c.net.keep_alive_timeout; }));
  out.push_back(duration("net.message_timeout",
                         "ms for a whole WebSocket message to arrive; 0: for ever", 0, ms_most,
                         [](Config& c) -> auto& { return c.net.message_timeout; }));
  out.push_back(
      number("net.receive_bytes_per_second_min",
             "a body or message gets a second more for each so many bytes of it; 0: it does not", 0,
             bytes_most, [](Config& c) -> auto& { return c.net.receive_bytes_per_second_min; }));
  out.push_back(number("net.messages_per_second",
                       "a WebSocket that sends more is read no faster than this; 0: no bound", 0,
                       1'000'000'000,
                       [](Config& c) -> auto& { return c.net.messages_per_second; }));
  out.push_back(number("net.bytes_per_second",
                       "a WebSocket that sends more is read no faster than this; 0: no bound", 0,
                       bytes_most, [](Config& c) -> auto& { return c.net.bytes_per_second; }));
  out.push_back(duration("net.ping_interval",
                         "ms of silence before a WebSocket is pinged; 0: never", 0, ms_most,
                         [](Config& c) -> auto& { return c.net.ping_interval; }));
  out.push_back(on_off("net.compression",
                       "on: messages are compressed for clients that offer permessage-deflate",
                       [](Config& c) -> auto& { return c.net.compression; }));
  out.push_back(number("net.compression_bytes_min", "shorter messages are never compressed", 64,
                       bytes_most, [](Config& c) -> auto& { return c.net.compression_bytes_min; }));
  out.push_back(text("tls.certificate",
                     "PEM file of certificate and chain; with it the address speaks TLS only",
                     [](auto& c) -> auto& { return c.net.tls.certificate; }));
  out.push_back(text("tls.key", "PEM file of the certificate's private key",
                     [](auto& c) -> auto& { return c.net.tls.key; }));
  out.push_back(tls_min_version_setting());
  out.push_back(number("hub.update_bytes_max", "one edit", 1, bytes_most,
                       [](Config& c) -> auto& { return c.hub.update_bytes_max; }));
  out.push_back(number("hub.ring_bytes_max", "frames kept per document for slow readers", 1024,
                       bytes_most, [](Config& c) -> auto& { return c.hub.ring_bytes_max; }));
  out.push_back(number("hub.inflight_bytes_max", "unacknowledged edits per document", 1024,
                       bytes_most, [](Config& c) -> auto& { return c.hub.inflight_bytes_max; }));
  out.push_back(number("hub.answer_slice_bytes", "larger sync answers are sent in parts", 1024,
                       bytes_most, [](Config& c) -> auto& { return c.hub.answer_slice_bytes; }));
  out.push_back(number("hub.snapshot_bytes_min", "new bytes that make a snapshot worth writing", 1,
                       bytes_most, [](Config& c) -> auto& { return c.hub.snapshot_bytes_min; }));
  out.push_back(number("hub.awareness_state_bytes_max", "one client's presence", 2, bytes_most,
                       [](Config& c) -> auto& { return c.hub.awareness_state_bytes_max; }));
  out.push_back(number("hub.awareness_clients_max", "clients with presence per document", 1,
                       10'000'000, [](Config& c) -> auto& { return c.hub.awareness_clients_max; }));
  out.push_back(number("hub.awareness_bytes_max", "all presence of one document together", 1024,
                       bytes_most, [](Config& c) -> auto& { return c.hub.awareness_bytes_max; }));
  out.push_back(duration("hub.awareness_tick", "ms between two sendings of presence", 0, ms_most,
                         [](Config& c) -> auto& { return c.hub.awareness_tick; }));
  out.push_back(number("hub.control_message_bytes_max", "one control message", 64, bytes_most,
                       [](Config& c) -> auto& { return c.hub.control_message_bytes_max; }));
  out.push_back(number("hub.control_bytes_max",
                       "control messages that wait for one session; the oldest are dropped", 64,
                       bytes_most, [](Config& c) -> auto& { return c.hub.control_bytes_max; }));
  out.push_back(
      duration("hub.keepalive_interval",
               "ms after which a silent session gets an empty message (stock clients give "
               "up after 30,000)",
               100, ms_most, [](Config& c) -> auto& { return c.hub.keepalive_interval; }));
  out.push_back(duration("hub.idle_evict_after", "ms that a document without sessions stays live",
                         10, ms_most, [](Config& c) -> auto& { return c.hub.idle_evict_after; }));
  out.push_back(duration("quarantine.retry_min",
                         "ms until an unreadable document is read again, the first time", 1,
                         ms_most, [](Config& c) -> auto& { return c.quarantine.least; }));
  out.push_back(duration("quarantine.retry_max", "ms, at most, after it failed again and again", 1,
                         ms_most, [](Config& c) -> auto& { return c.quarantine.most; }));
  out.push_back(text("http.cors_origins",
                     "origins whose pages may use /v1, comma-separated; \"*\": all; empty: the "
                     "server's own only",
                     [](auto& c) -> auto& { return c.http.cors_origins; }));
  out.push_back(number("http.batch_updates_max", "updates in one publish", 1, 10'000'000,
                       [](Config& c) -> auto& { return c.http.batch_updates_max; }));
  out.push_back(number("http.page_bytes_max", "records in one page of history", 1, bytes_most,
                       [](Config& c) -> auto& { return c.http.page_bytes_max; }));
  out.push_back(number("http.replay_bytes_max", "log that one state of the past may cost to read",
                       1, bytes_most, [](Config& c) -> auto& { return c.http.replay_bytes_max; }));
  out.push_back(number("http.restore_bytes_max",
                       "state of a document in which a version can be restored", 1, bytes_most,
                       [](Config& c) -> auto& { return c.http.restore_bytes_max; }));
  out.push_back(number("http.typed_bytes_max", "state of a document that is read as JSON or text",
                       1, bytes_most, [](Config& c) -> auto& { return c.http.typed_bytes_max; }));
  out.push_back(number("http.reads_waiting_max", "reads that wait for a thread; more are told 503",
                       1, 1'000'000, [](Config& c) -> auto& { return c.http.reads_waiting_max; }));
  out.push_back(number("http.event_streams_max", "open event streams; more are told 503", 0,
                       100'000'000, [](Config& c) -> auto& { return c.http.event_streams_max; }));
  out.push_back(number("http.awareness_bytes_max", "one awareness update that is posted", 1,
                       bytes_most, [](Config& c) -> auto& { return c.http.awareness_bytes_max; }));
  out.push_back(number("http.event_ring_bytes_max",
                       "events kept per document and thread for slow readers", 1024, bytes_most,
                       [](Config& c) -> auto& { return c.http.event_ring_bytes_max; }));
  out.push_back(duration("http.event_keepalive", "ms after which a silent event stream says so",
                         100, ms_most, [](Config& c) -> auto& { return c.http.event_keepalive; }));
  add_authorization_settings(out);
  add_socketio_settings(out);
  return out;
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

}  // namespace weft::app
