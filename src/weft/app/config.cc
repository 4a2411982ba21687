#include "weft/app/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <numeric>

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

/// A setting that is any text; `at` gives a reference to the field.
template <typename At>
Setting text_at(std::string key, std::string help, At at) {
  return {std::move(key), std::move(help),
          [at](const Config& c) { return at(const_cast<Config&>(c)); },
          [at](Config& c, const std::string& value) {
            at(c) = value;
            return std::string();
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

constexpr std::uint64_t bytes_most = std::uint64_t{1} << 40;
constexpr std::uint64_t ms_most = 24ull * 3600 * 1000;

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
  out.push_back(text_at("http.cors_origins",
                        "origins whose pages may use /v1, comma-separated; \"*\": all; empty: the "
                        "server's own only",
                        [](Config& c) -> auto& { return c.http.cors_origins; }));
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
  out.push_back(number("http.event_ring_bytes_max",
                       "events kept per document and thread for slow readers", 1024, bytes_most,
                       [](Config& c) -> auto& { return c.http.event_ring_bytes_max; }));
  out.push_back(duration("http.event_keepalive", "ms after which a silent event stream says so",
                         100, ms_most, [](Config& c) -> auto& { return c.http.event_keepalive; }));
  add_socketio_settings(out);
  return out;
}

/// Levenshtein distance, for "did you mean".
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool is_list(const std::string& key) {
  return std::ranges::any_of(
      settings(), [&](const Setting& setting) { return setting.key == key && setting.list; });
}

base::result<void> apply_node(Config& config, const YAML::Node& node, const std::string& prefix,
                              const std::string& path) {
  for (const auto& item : node) {
    const std::string key = prefix + item.first.as<std::string>();
    const std::string where = path + ":" + std::to_string(item.first.Mark().line + 1) + ": ";
    if (item.second.IsMap()) {
      if (auto ok = apply_node(config, item.second, key + ".", path); !ok) return ok;
      continue;
    }
    std::string value;
    if (item.second.IsSequence() && is_list(key)) {
      for (const auto& entry : item.second) {
        if (!entry.IsScalar()) return base::fail(errc::config, where + key + " is a list of texts");
        value += (value.empty() ? "" : ",") + entry.as<std::string>();
      }
    } else if (item.second.IsScalar()) {
      value = item.second.as<std::string>();
    } else {
      return base::fail(errc::config, where + key + " must be a single value");
    }
    if (auto ok = apply(config, key, value); !ok) {
      return base::fail(errc::config, where + ok.error().message);
    }
  }
  return {};
}

}  // namespace

const char* describe(errc code) {
  switch (code) {
    case errc::config:
      return "configuration";
    case errc::start:
      return "start";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("app");
  return {static_cast<int>(code), category};
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

std::string environment_name(const Setting& setting) {
  std::string out = "WEFT_";
  for (const char c : setting.key) {
    out += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

base::result<void> apply(Config& config, const std::string& key, const std::string& value) {
  const Setting* nearest = nullptr;
  for (const auto& setting : settings()) {
    if (setting.key == key) {
      const auto wrong = setting.set(config, value);
      if (!wrong.empty()) {
        return base::fail(errc::config, key + " = \"" + value + "\" " + wrong);
      }
      return {};
    }
    if (!nearest || distance(setting.key, key) < distance(nearest->key, key)) nearest = &setting;
  }
  return base::fail(errc::config,
                    "unknown key \"" + key + "\"; did you mean \"" + nearest->key + "\"?");
}

base::result<void> apply_file(Config& config, const std::string& path) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return base::fail(errc::config, path + ": must be a map of keys");
    return apply_node(config, root, "", path);
  } catch (const YAML::Exception& e) {
    return base::fail(errc::config, path + ": " + e.what());
  }
}

base::result<void> apply_environment(Config& config, const char* const* environment) {
  for (; *environment; ++environment) {
    const std::string entry = *environment;
    const auto equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (!name.starts_with("WEFT_") || name == "WEFT_CONFIG" || name.starts_with("WEFT_UNSYNCED_") ||
        name.starts_with("WEFT_SYNC_")) {
      continue;  // the last two steer the crash tests' interposer
    }
    const Setting* found = nullptr;
    const Setting* nearest = nullptr;
    for (const auto& setting : settings()) {
      const auto candidate = environment_name(setting);
      if (candidate == name) found = &setting;
      if (!nearest || distance(candidate, name) < distance(environment_name(*nearest), name)) {
        nearest = &setting;
      }
    }
    if (!found) {
      return base::fail(errc::config, "unknown environment variable " + name + "; did you mean " +
                                          environment_name(*nearest) + "?");
    }
    if (auto ok = apply(config, found->key, entry.substr(equals + 1)); !ok) {
      return base::fail(errc::config, name + ": " + ok.error().message);
    }
  }
  return {};
}

base::result<void> check(const Config& config) {
  const auto colon = config.listen.rfind(':');
  std::uint64_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !parse_number(config.listen.substr(colon + 1), port, 0, 65535).empty()) {
    return base::fail(errc::config,
                      "listen = \"" + config.listen + "\" must be host:port, as 127.0.0.1:8787");
  }
  // An envelope adds names and a time to the update.
  constexpr std::size_t envelope_bytes_max = 64u << 10;
  if (config.hub.update_bytes_max + envelope_bytes_max > config.log.record_bytes_max) {
    return base::fail(errc::config,
                      "hub.update_bytes_max = " + std::to_string(config.hub.update_bytes_max) +
                          " must leave 64 KiB to log.record_bytes_max = " +
                          std::to_string(config.log.record_bytes_max));
  }
  if (config.quarantine.least > config.quarantine.most) {
    return base::fail(errc::config, "quarantine.retry_min must not exceed quarantine.retry_max");
  }
  if (config.net.tls.certificate.empty() != config.net.tls.key.empty()) {
    return base::fail(errc::config,
                      "tls.certificate and tls.key name one PEM file each: set both or neither");
  }
  if (config.data.empty()) return base::fail(errc::config, "data must name a directory");
  return {};
}

std::string print(const Config& config) {
  std::string out;
  std::string section;
  for (const auto& setting : settings()) {
    const auto dot = setting.key.find('.');
    const std::string own = dot == std::string::npos ? "" : setting.key.substr(0, dot);
    if (own != section) {
      section = own;
      out += section + ":\n";
    }
    const std::string indent = own.empty() ? "" : "  ";
    const std::string name = own.empty() ? setting.key : setting.key.substr(dot + 1);
    YAML::Emitter value;
    value << setting.get(config);
    out += indent + "# " + setting.help + "\n" + indent + name + ": " +
           (value.size() == 0 || setting.get(config).empty() ? "\"\"" : value.c_str()) + "\n";
  }
  return out;
}

}  // namespace weft::app
