#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/app/jwt_authorizer.h"
#include "weft/app/snapshot_store.h"
#include "weft/base/result.h"
#include "weft/gateway/http/options.h"
#include "weft/gateway/socketio/options.h"
#include "weft/hub/options.h"
#include "weft/hub/quarantine.h"
#include "weft/log/embedded/embedded_log.h"
#include "weft/log/kafka/options.h"
#include "weft/log/topic_resolver.h"
#include "weft/net/server.h"

namespace weft::app {

enum class errc {
  config = 1,  ///< a setting is unknown or has a value that it cannot have
  start,       ///< a part of the server could not be started
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

/// Where edits are kept.
enum class log_kind : std::uint8_t {
  embedded,  ///< in the data directory: one node
  kafka,     ///< in Kafka: any number of nodes
};

/// Everything that can be configured. Defaults are the values below; a YAML file, then the
/// environment (WEFT_…), then flags go over them, in this order.
struct Config {
  std::string listen = "127.0.0.1:8787";
  std::string data = "./weft-data";
  std::string web;
  std::string backup_directory;
  std::uint64_t threads = 0;
  std::uint64_t drain_timeout_ms = 10'000;
  std::string log_level = "info";
  std::string log_format = "text";
  app::log_kind log_kind = app::log_kind::embedded;
  log::embedded::EmbeddedLogOptions log;
  std::string kafka_brokers;
  std::string kafka_topic = log::TopicTemplates().doc;
  log::kafka::KafkaLogOptions kafka;  ///< `clusters[""]` holds what kafka.client.* gives
  store_kind store = store_kind::rocksdb;
  net::ServerOptions net;
  hub::HubOptions hub;
  hub::QuarantineBackoff quarantine;
  AuthorizationOptions authorization;
  gateway::http::HttpOptions http;
  bool socketio_enabled = true;
  gateway::socketio::SocketOptions socketio;
};

/// One configuration key: how it is called, explained, read and written.
struct Setting {
  std::string key;   ///< "listen" or "hub.ring_bytes_max"
  std::string help;  ///< unit and meaning
  std::function<std::string(const Config&)> get;
  /// Returns what is wrong with the value, or nothing.
  std::function<std::string(Config&, const std::string&)> set;
  /// Takes several values: separated by commas, in YAML as a sequence too.
  bool list = false;
};

/// All settings, in the order in which `weft config print` shows them.
const std::vector<Setting>& settings();

/// Before the name of a property that is librdkafka's own, in keys and in variables, where `_`
/// stands for a dot.
inline constexpr std::string_view kafka_client_prefix = "kafka.client.";
inline constexpr std::string_view kafka_client_variable = "WEFT_KAFKA_CLIENT_";

/// WEFT_HUB_RING_BYTES_MAX for hub.ring_bytes_max.
std::string environment_name(const Setting& setting);

/// Sets one key, also of kafka.client.*. Errors: config; an unknown key names the nearest known
/// one.
base::result<void> apply(Config& config, const std::string& key, const std::string& value);

/// Reads a YAML file over `config`. Errors: config, with file and line.
base::result<void> apply_file(Config& config, const std::string& path);

/// Reads the environment over `config`; variables that start with WEFT_ and name no key are errors
/// (WEFT_CONFIG names the file).
base::result<void> apply_environment(Config& config, const char* const* environment);

/// Checks what single keys cannot know. Errors: config.
base::result<void> check(const Config& config);

/// The whole configuration as YAML, with each key's explanation; secrets among kafka.client.* are
/// left out.
std::string print(const Config& config);

}  // namespace weft::app

template <>
struct std::is_error_code_enum<weft::app::errc> : std::true_type {};
