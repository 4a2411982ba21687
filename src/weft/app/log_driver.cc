#include "weft/app/log_driver.h"

#include <filesystem>
#include <fstream>
#include <utility>

#ifdef WEFT_WITH_KAFKA
#include "weft/log/kafka/kafka_log.h"
#endif

namespace weft::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* embedded_folder = "log";
/// Lies in data directories whose log is Kafka.
constexpr const char* kafka_mark = "log-is-kafka";

std::unexpected<base::error> of_other_kind(const Config& config, const char* kind) {
  return base::fail(errc::config, "data = \"" + config.data +
                                      "\" was used with log.kind = " + kind +
                                      "; a directory stays with the log that it was begun with");
}

base::result<OpenedLog> open_embedded(const Config& config) {
  const fs::path data = config.data;
  if (fs::exists(data / kafka_mark)) return of_other_kind(config, "kafka");
  auto options = config.log;
  options.directory = data / embedded_folder;
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

base::result<OpenedLog> open_kafka(const Config& config, base::Events& events) {
  const fs::path data = config.data;
  if (fs::exists(data / embedded_folder)) return of_other_kind(config, "embedded");
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
  std::error_code failed;
  fs::create_directories(data, failed);
  if (!std::ofstream(data / kafka_mark)) {
    return base::fail(errc::start, (data / kafka_mark).string() + ": cannot be written");
  }
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
