#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/base/events.h"
#include "weft/base/result.h"
#include "weft/log/kafka/options.h"
#include "weft/log/kafka/record_headers.h"

/// librdkafka with owners and errors of ours. Nothing above log/kafka sees its types.
namespace weft::log::kafka {

struct HandleDeleter {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
struct TopicDeleter {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using handle_ptr = std::unique_ptr<rd_kafka_t, HandleDeleter>;
using topic_ptr = std::unique_ptr<rd_kafka_topic_t, TopicDeleter>;
using queue_ptr = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;
using message_ptr = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

/// unavailable when trying again may help, too_large, else failed. `doing` starts the sentence.
base::error to_error(rd_kafka_resp_err_t code, const std::string& doing);

/// Whether the broker says that there is no such topic or partition.
bool says_unknown(rd_kafka_resp_err_t code);

/// What a handle calls; must outlive it. Logs come on librdkafka's threads, the others on the
/// thread that polls the handle.
struct Callbacks {
  base::Events* events = nullptr;  ///< hears librdkafka's warnings as "kafka.client"
  std::function<void(rd_kafka_resp_err_t)> on_error = {};
  std::function<void(const rd_kafka_message_t&)> on_report = {};  ///< producers: of each message
};

/// A request carries headers and framing beside the envelope: this much at most.
inline constexpr std::size_t overhead_bytes_max = std::size_t{64} << 10;

/// A producer or consumer with what was given over Weft's own defaults. Properties that the
/// promises of the log rest on cannot be given otherwise. Errors: failed: librdkafka does not know
/// a property, does not take its value or that beside others, or it is fixed.
base::result<handle_ptr> make_producer(Callbacks& callbacks, const properties& given,
                                       std::chrono::milliseconds append_timeout,
                                       std::size_t record_bytes_max);
base::result<handle_ptr> make_consumer(Callbacks& callbacks, const properties& given,
                                       std::chrono::milliseconds fetch_wait);

/// Whether both can be made with these properties, without connecting. Errors: failed.
base::result<void> check_properties(const properties& given);

/// A topic to consume from; offsets are never stored and never reset on their own.
base::result<topic_ptr> make_topic(rd_kafka_t* handle, const std::string& name);

/// Partitions that were stopped lately, and what comes for them all the same.
///
/// A fetch that is under way when its partition is stopped is queued with the partition. When its
/// topic is then deleted, librdkafka (2.0.2) lets go of the partition and never of what is queued
/// with it, and the handle cannot be destroyed any more.
/// Threading: that of the handle's consumer. Destroy it before the handle.
class Leftovers {
 public:
  explicit Leftovers(rd_kafka_t* handle) : handle_(handle) {}
  ~Leftovers() { sweep(); }
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;

  void stopped(const std::string& topic, std::int32_t partition);
  /// It is about to be started again: what is queued is that consumer's to pass over.
  void starts(const std::string& topic, std::int32_t partition);
  /// Drops what has come. To be called now and then.
  void sweep();

 private:
  using clock = std::chrono::steady_clock;
  struct Stopped {
    topic_ptr topic;
    clock::time_point since;
  };
  rd_kafka_t* const handle_;
  std::map<std::pair<std::string, std::int32_t>, Stopped> stopped_;
};

/// The headers of a message: views into it.
std::vector<Header> headers_of(const rd_kafka_message_t& message);

/// The value of a message: a view into it.
base::byte_view value_of(const rd_kafka_message_t& message);

/// What a message is; a record's envelope is not copied into it. A record without one is damaged.
Decoded decode(const rd_kafka_message_t& message);

/// The partition that Kafka's own producers, and librdkafka's with `murmur2_random`, give a key.
std::int32_t partition_of(std::string_view key, std::int32_t partitions);

}  // namespace weft::log::kafka
