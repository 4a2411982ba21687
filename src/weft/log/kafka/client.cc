#include "weft/log/kafka/client.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "weft/log/op_log.h"

namespace weft::log::kafka {
namespace {

constexpr std::size_t envelope_bytes_min = 2;
/// For how long a fetch may come after its partition was stopped.
constexpr std::chrono::seconds leftovers_come_within{5};

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

Callbacks& callbacks_of(void* opaque) { return *static_cast<Callbacks*>(opaque); }

void report_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  constexpr int error = 3;  // levels are syslog's
  constexpr int warning = 4;
  base::Events* const events = callbacks_of(rd_kafka_opaque(handle)).events;
  if (events == nullptr || level > warning) return;
  events->report(level > error ? base::severity::info : base::severity::warn, "kafka.client",
                 {{"client", rd_kafka_name(handle)}, {"about", facility}, {"says", text}});
}

void report_error(rd_kafka_t*, int code, const char*, void* opaque) {
  const auto& call = callbacks_of(opaque).on_error;
  if (call) call(static_cast<rd_kafka_resp_err_t>(code));
}

void report_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  const auto& call = callbacks_of(opaque).on_report;
  if (call) call(*message);
}

base::result<void> set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> why{};
  const auto done = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size());
  if (done == RD_KAFKA_CONF_OK) return {};
  // The value may be a secret; so it is not part of the sentence.
  return base::fail(errc::failed,
                    "kafka: property " + name + ": " +
                        (done == RD_KAFKA_CONF_UNKNOWN ? "there is no such property"
                                                       : "it cannot have this value"));
}

base::result<handle_ptr> make_handle(rd_kafka_type_t type, Callbacks& callbacks,
                                     const properties& given, const properties& defaults,
                                     const properties& fixed) {
  std::unique_ptr<rd_kafka_conf_t, ConfDeleter> conf(rd_kafka_conf_new());
  for (const char* refused : {"transactional.id", "metadata.broker.list"}) {
    if (given.contains(refused)) {
      return base::fail(errc::failed,
                        std::string("kafka: property ") + refused + ": cannot be used");
    }
  }
  properties all = given;
  for (const auto& [name, value] : fixed) {
    const auto [at, fresh] = all.emplace(name, value);
    if (fresh || at->second == value) continue;
    std::string why = "kafka: property ";
    why.append(name).append(" must be ").append(value);
    return base::fail(errc::failed, std::move(why));
  }
  all.insert(defaults.begin(), defaults.end());
  all.emplace("socket.nagle.disable", "true");  // what is sent is wanted now
  for (const auto& [name, value] : all) {
    if (auto ok = set(conf.get(), name, value); !ok) return base::fail(std::move(ok.error()));
  }
  rd_kafka_conf_set_opaque(conf.get(), &callbacks);
  rd_kafka_conf_set_log_cb(conf.get(), report_log);
  rd_kafka_conf_set_error_cb(conf.get(), report_error);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), report_delivery);
  std::array<char, 512> why{};
  handle_ptr out(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (!out) return base::fail(errc::failed, std::string("kafka: ") + why.data());
  static_cast<void>(conf.release());  // the handle's now
  return out;
}

}  // namespace

base::error to_error(rd_kafka_resp_err_t code, const std::string& doing) {
  errc kind = errc::failed;
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      kind = errc::unavailable;
      break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      kind = errc::too_large;
      break;
    default:
      break;
  }
  return {make_error_code(kind), "kafka: " + doing + ": " + rd_kafka_err2str(code)};
}

bool says_unknown(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

base::result<handle_ptr> make_producer(Callbacks& callbacks, const properties& given,
                                       std::chrono::milliseconds append_timeout,
                                       std::size_t record_bytes_max) {
  // Nor does a request that a broker took and does not answer keep its records waiting for longer;
  // a minute is librdkafka's own.
  const auto answer_timeout = std::clamp<std::chrono::milliseconds>(
      append_timeout, std::chrono::seconds(1), std::chrono::seconds(60));
  return make_handle(
      RD_KAFKA_PRODUCER, callbacks, given,
      {
          {"linger.ms", "1"},
          {"reconnect.backoff.max.ms", "1000"},
          {"topic.metadata.refresh.fast.interval.ms", "50"},
          {"message.timeout.ms", std::to_string(append_timeout.count())},
          {"socket.timeout.ms", std::to_string(answer_timeout.count())},
          // The log itself bounds what waits.
          {"queue.buffering.max.messages", "10000000"},
          {"queue.buffering.max.kbytes", "2000000"},
          {"message.max.bytes", std::to_string(record_bytes_max + overhead_bytes_max)},
      },
      {
          {"enable.idempotence", "true"},
          {"acks", "all"},
          {"partitioner", "murmur2_random"},
          // A topic that the brokers make has their retention, which deletes what was acknowledged.
          {"allow.auto.create.topics", "false"},
      });
}

base::result<handle_ptr> make_consumer(Callbacks& callbacks, const properties& given,
                                       std::chrono::milliseconds fetch_wait) {
  return make_handle(RD_KAFKA_CONSUMER, callbacks, given,
                     {
                         {"fetch.wait.max.ms", std::to_string(fetch_wait.count())},
                         {"fetch.error.backoff.ms", "50"},
                         {"topic.metadata.refresh.fast.interval.ms", "50"},
                         {"reconnect.backoff.max.ms", "1000"},
                         // Bounded in bytes; librdkafka rests for a second when either is reached.
                         {"queued.min.messages", "1000000"},
                         {"queued.max.messages.kbytes", "32768"},
                     },
                     {
                         {"enable.partition.eof", "true"},
                         {"allow.auto.create.topics", "false"},
                         // Ends would be those of others' transactions, behind which ours lie.
                         {"isolation.level", "read_uncommitted"},
                     });
}

base::result<void> check_properties(const properties& given) {
  Callbacks unheard;
  constexpr std::chrono::milliseconds any_time{1000};
  constexpr std::size_t any_size = 1u << 20;
  if (auto producer = make_producer(unheard, given, any_time, any_size); !producer) {
    return base::fail(std::move(producer.error()));
  }
  if (auto consumer = make_consumer(unheard, given, any_time); !consumer) {
    return base::fail(std::move(consumer.error()));
  }
  return {};
}

base::result<topic_ptr> make_topic(rd_kafka_t* handle, const std::string& name) {
  rd_kafka_topic_conf_t* const conf = rd_kafka_topic_conf_new();
  for (const auto& [key, value] :
       {std::pair{"auto.commit.enable", "false"}, std::pair{"auto.offset.reset", "error"}}) {
    WEFT_CHECK(rd_kafka_topic_conf_set(conf, key, value, nullptr, 0) == RD_KAFKA_CONF_OK);
  }
  rd_kafka_topic_t* const topic = rd_kafka_topic_new(handle, name.c_str(), conf);
  if (topic == nullptr) return base::fail(to_error(rd_kafka_last_error(), "topic " + name));
  return topic_ptr(topic);
}

void Leftovers::stopped(const std::string& topic, std::int32_t partition) {
  auto handle = make_topic(handle_, topic);
  if (handle) stopped_[{topic, partition}] = {std::move(*handle), clock::now()};
}

void Leftovers::starts(const std::string& topic, std::int32_t partition) {
  stopped_.erase({topic, partition});
}

void Leftovers::sweep() {
  const auto expired = clock::now() - leftovers_come_within;
  std::erase_if(stopped_, [&](const auto& one) {
    const auto& [name, stopped] = one;
    // librdkafka itself drops what is older than the stop; nothing else can be there.
    while (message_ptr(rd_kafka_consume(stopped.topic.get(), name.second, 0))) {
    }
    return stopped.since < expired;
  });
}

std::vector<Header> headers_of(const rd_kafka_message_t& message) {
  std::vector<Header> out;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    out.push_back({name, {static_cast<const std::uint8_t*>(value), size}});
  }
  return out;
}

base::byte_view value_of(const rd_kafka_message_t& message) {
  return {static_cast<const std::uint8_t*>(message.payload), message.len};
}

Decoded decode(const rd_kafka_message_t& message) {
  Decoded out = decode_headers(headers_of(message));
  auto* const record = std::get_if<DocumentRecord>(&out);
  if (record == nullptr || message.len >= envelope_bytes_min) return out;
  return Damaged{std::move(record->document), "it has no envelope"};
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
  // Of an empty key the pointer must not be null: that would be no key, and a random partition.
  const char* const bytes = key.empty() ? "" : key.data();
  return rd_kafka_msg_partitioner_murmur2_random(nullptr, bytes, key.size(), partitions, nullptr,
                                                 nullptr);
}

}  // namespace weft::log::kafka
