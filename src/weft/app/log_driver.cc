#include "weft/app/log_driver.h"

#include <filesystem>
#include <fstream>
#include <utility>

#ifdef WEFT_WITH_KAFKA
#include "weft/app/evidence.h"
#include "weft/gateway/version.h"
#include "weft/log/kafka/kafka_log.h"
#endif

namespace weft::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* embedded_folder = "log";
/// Lies in data directories whose log is Kafka, and says which: two lines, the cluster's identity
/// and the template of topics.
constexpr const char* kafka_mark = "log-is-kafka";

base::result<bool> is_there(const fs::path& path) {
  std::error_code failed;
  const bool found = fs::exists(path, failed);
  if (failed) return base::fail(errc::start, path.string() + ": " + failed.message());
  return found;
}

/// Refuses a directory that holds what the other kind of log leaves there.
base::result<void> must_lack(const Config& config, const char* what, const char* kind) {
  const auto found = is_there(fs::path(config.data) / what);
  if (!found) return base::fail(base::error(found.error()));
  if (!*found) return {};
  return base::fail(errc::config, "data = \"" + config.data +
                                      "\" was used with log.kind = " + kind +
                                      "; a directory stays with the log that it was begun with");
}

base::result<OpenedLog> open_embedded(const Config& config) {
  if (auto ok = must_lack(config, kafka_mark, "kafka"); !ok)
    return base::fail(base::error(ok.error()));
  auto options = config.log;
  options.directory = fs::path(config.data) / embedded_folder;
  auto opened = log::embedded::EmbeddedLog::open(options);
  if (!opened) {
    auto why = std::move(opened.error());
    if (why.code == log::errc::corrupt) why.message += "; weft doctor says what to do";
    return base::fail(std::move(why));
  }
  OpenedLog out;
  out.embedded = opened->get();
  out.log = std::move(*opened);
  return out;
}

#ifdef WEFT_WITH_KAFKA

log::TopicResolverOptions resolver_options(const Config& config) {
  log::TopicResolverOptions out;
  out.templates.doc = config.kafka_topic;
  return out;
}

/// A directory's snapshots belong to one cluster and its topics: to others they would be put back
/// as what was lost.
base::result<void> hold_to(const Config& config, const log::OpLog& log) {
  const fs::path data = config.data;
  const fs::path mark = data / kafka_mark;
  const std::string wanted = gateway::log_name(log.id()) + "\n" + config.kafka_topic + "\n";
  const auto marked = is_there(mark);
  if (!marked) return base::fail(base::error(marked.error()));
  if (*marked) {
    std::ifstream in(mark, std::ios::binary);
    const std::string found{std::istreambuf_iterator<char>(in), {}};
    if (found == wanted) return {};
    return base::fail(errc::config,
                      "data = \"" + config.data +
                          "\" was used with another Kafka cluster or another kafka.topic (" +
                          mark.string() + "); a directory stays with the log that it was begun " +
                          "with: name that, or an empty directory");
  }
  std::error_code failed;
  fs::create_directories(data, failed);
  return write_synced(mark, wanted);
}

base::result<OpenedLog> open_kafka(const Config& config, base::Events& events) {
  if (auto ok = must_lack(config, embedded_folder, "embedded"); !ok) {
    return base::fail(base::error(ok.error()));
  }
  auto topics = log::make_template_resolver(resolver_options(config));
  if (!topics) return base::fail(std::move(topics.error()));
  auto options = config.kafka;
  options.clusters[""]["bootstrap.servers"] = config.kafka_brokers;
  options.record_bytes_max = config.log.record_bytes_max;
  options.inflight_bytes_max = config.log.inflight_bytes_max;
  options.events = &events;
  OpenedLog out;
  out.topics = std::move(*topics);
  auto opened = log::kafka::KafkaLog::open(std::move(options), *out.topics);
  if (!opened) return base::fail(std::move(opened.error()));
  out.log = std::move(*opened);
  if (auto ok = hold_to(config, *out.log); !ok) return base::fail(std::move(ok.error()));
  return out;
}

#endif

}  // namespace

base::result<OpenedLog> open_log(const Config& config, [[maybe_unused]] base::Events& events) {
#ifdef WEFT_WITH_KAFKA
  if (config.log_kind == log_kind::kafka) return open_kafka(config, events);
#endif
  return open_embedded(config);
}

base::result<void> check_log(const Config& config) {
  if (config.log_kind == log_kind::embedded) return {};
#ifdef WEFT_WITH_KAFKA
  if (config.kafka_brokers.empty()) {
    return base::fail(errc::config,
                      "log.kind = kafka needs kafka.brokers, as broker-1:9092,broker-2:9092");
  }
  // What brokers take as one request (socket.request.max.bytes) is 100 MiB by default.
  constexpr std::size_t record_bytes_most = std::size_t{90} << 20;
  if (config.log.record_bytes_max > record_bytes_most) {
    return base::fail(errc::config, "log.record_bytes_max can be at most " +
                                        std::to_string(record_bytes_most) + " on Kafka");
  }
  if (auto topics = log::make_template_resolver(resolver_options(config)); !topics) {
    return base::fail(errc::config, "kafka.topic: " + topics.error().message);
  }
  const auto& topics_made = config.kafka.topics;
  if (topics_made.replication > 0 && topics_made.min_insync_replicas > topics_made.replication) {
    return base::fail(
        errc::config,
        "kafka.min_insync_replicas is more than kafka.replication: no edit would ever "
        "be acknowledged");
  }
  for (const auto& [name, given] : config.kafka.clusters) {
    if (given.contains("bootstrap.servers")) {
      return base::fail(errc::config, "kafka.client.bootstrap.servers: that is kafka.brokers");
    }
    if (auto ok = log::kafka::KafkaLog::check(given); !ok) {
      return base::fail(errc::config, "kafka.client: " + ok.error().message);
    }
  }
  return {};
#else
  return base::fail(errc::config,
                    "log.kind = kafka: this program was built without it (WEFT_KAFKA=OFF)");
#endif
}

}  // namespace weft::app
