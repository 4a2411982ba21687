#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/log/kafka/client.h"

namespace weft::log::kafka {

/// What is known of a record that was handed to a producer.
enum class fate {
  stored,   ///< in the log
  refused,  ///< not in the log, and will not be
  unknown,  ///< sent, but no answer came: may be in the log
};

struct DeliveryReport {
  fate what = fate::unknown;
  std::int64_t offset = -1;  ///< where it lies, when stored
  base::error why;           ///< when not stored
};

/// One idempotent producer, waiting for all in-sync replicas. Records of one partition are stored
/// in the order in which they were sent, each once at most.
///
/// Idempotence can break for good ("fatal"): then nothing more is taken, what waits is reported
/// refused or unknown, and a new producer is needed.
/// Threading: any thread; reports come on a thread of its own.
class Producer {
 public:
  using report = std::move_only_function<void(const DeliveryReport&)>;

  struct Outgoing {
    std::string topic;
    std::int32_t partition = 0;
    std::string key;  ///< ignored without has_key
    bool has_key = true;
    std::vector<std::pair<std::string_view, std::string>> headers;
    base::shared_bytes value;  ///< kept until it is reported
  };

  /// `on_fatal` comes once, on the report thread. Errors: failed.
  static base::result<std::unique_ptr<Producer>> open(const properties& given,
                                                      std::chrono::milliseconds append_timeout,
                                                      std::size_t record_bytes_max,
                                                      base::Events* events,
                                                      std::function<void()> on_fatal);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Hands a record over; `done` comes once if this succeeds, and not at all if it does not.
  /// Errors: overloaded (the queue is full), too_large, unavailable (broken for good), failed.
  base::result<void> send(Outgoing record, report done);

  /// Waits until everything was reported, so long at most; then gives up what is left, as refused
  /// or unknown. Nothing may be sent any more. Blocks; not on the report thread.
  void finish(std::chrono::milliseconds patience);

  /// For tests of what follows: breaks it as librdkafka does when idempotence cannot be kept.
  void break_for_good();

 private:
  Producer() = default;
  void serve();
  void on_report(const rd_kafka_message_t& message);

  Callbacks callbacks_;
  std::function<void()> on_fatal_;
  std::atomic<bool> broken_{false};
  std::atomic<bool> stopping_{false};
  handle_ptr handle_;
  std::thread thread_;
};

}  // namespace weft::log::kafka
