#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "log/log_listener.h"
#include "support/kafka_broker.h"
#include "support/test_executor.h"
#include "weft/log/kafka/kafka_log.h"
#include "weft/log/kafka/producer.h"
#include "weft/log/kafka/reader.h"
#include "weft/log/topic_resolver.h"

/// One Kafka for all tests of a program, and what they do to it behind the log's back.
namespace weft::log::kafka {

/// Started by the first test that asks.
test::KafkaBroker& broker();

/// What was found in a partition by whoever just reads it.
struct RawRecord {
  std::uint64_t offset = 0;
  std::string key;
  bool has_key = false;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A room name, and so a topic, that no other test has.
std::string fresh_room();

/// A resolver like the server's own.
std::unique_ptr<TopicResolver> default_resolver();

/// Asks until it is true, which nothing would tell a test; false when it is not for long.
template <typename Condition>
bool eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Options for the shared broker; one partition a topic, as most tests want it.
KafkaLogOptions test_options();

/// Somebody else at the same cluster.
class Outsider {
 public:
  Outsider();
  std::vector<RawRecord> everything_in(const std::string& topic, std::int32_t partition = 0);
  Watermarks watermarks(const std::string& topic, std::int32_t partition = 0);
  std::int32_t partitions(const std::string& topic);  ///< 0: there is none
  void create(const std::string& topic, std::int32_t partitions);
  void delete_before(const std::string& topic, std::uint64_t offset);  ///< in partition 0
  void remove(const std::string& topic);  ///< and waits until it has gone
  /// Waits until it is stored.
  void produce(Producer::Outgoing record);
  /// The value that a setting of a topic has.
  std::string setting(const std::string& topic, const std::string& name);

 private:
  std::atomic<bool> closing_{false};
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<Producer> producer_;
  Callbacks callbacks_;
  handle_ptr admin_;
};

inline std::string topic_of(const std::string& room) {
  return fill_topic_template("sync-{roomId}", room);
}

}  // namespace weft::log::kafka
