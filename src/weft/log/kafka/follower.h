#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "weft/base/executor.h"
#include "weft/log/kafka/client.h"

namespace weft::log::kafka {

/// Reads partitions on from where they are, all of one cluster on one thread, as their records
/// come. Which ones is said by number: whoever follows chooses numbers and never reuses one.
/// Threading: any thread; the listener is called on the follower's own.
class Follower {
 public:
  using number = std::uint64_t;

  class Listener {
   public:
    virtual ~Listener() = default;
    /// Records from `from` on will come.
    virtual void on_started(number what, std::uint64_t from) = 0;
    /// The next records, perhaps none; `end` is the offset behind all that there is up to them.
    virtual void on_records(number what, std::span<const message_ptr> messages,
                            std::uint64_t end) = 0;
    /// Nothing comes any more, or perhaps not: the topic or the offset is said not to exist.
    virtual void on_gone(number what, rd_kafka_resp_err_t why) = 0;
    /// No broker of the follower's cluster can be reached.
    virtual void on_brokers_down(const std::string& cluster) = 0;
  };

  /// `cluster` is what the listener is told it by. Errors: failed.
  static base::result<std::unique_ptr<Follower>> open(std::string cluster, const properties& given,
                                                      base::Events* events, Listener& listener);
  /// Begins; before that nothing is called.
  void go();

  ~Follower() { close(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Calls take effect in the order in which they are made. A partition is followed under one
  /// number at a time.
  void start(number what, std::string topic, std::int32_t partition, std::uint64_t from);
  void stop(number what);

  /// Runs `work` on the follower's thread, after about this time.
  void after(std::chrono::milliseconds delay, base::task work);

  /// Ends the thread. What was not run is dropped.
  void close();

 private:
  using clock = std::chrono::steady_clock;
  struct Followed {
    std::string topic;
    rd_kafka_topic_t* handle = nullptr;
    std::int32_t partition = 0;
  };
  struct Arrived {
    number what = 0;
    std::vector<message_ptr> messages;
    std::uint64_t end = 0;
  };

  explicit Follower(Listener& listener) : listener_(listener) {}
  void run();
  void run_due();
  int wait_ms();
  void begin(number what, const std::string& topic, std::int32_t partition, std::uint64_t from);
  void end(number what);
  void take(message_ptr message, std::vector<Arrived>& arrived);

  Listener& listener_;
  Callbacks callbacks_;
  handle_ptr handle_;
  queue_ptr queue_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::multimap<clock::time_point, base::task> due_;

  // The follower thread's own.
  std::map<std::string, topic_ptr> topics_;
  std::optional<Leftovers> leftovers_;
  std::map<number, Followed> followed_;
  std::map<std::pair<rd_kafka_topic_t*, std::int32_t>, number> numbers_;

  std::thread thread_;
};

}  // namespace weft::log::kafka
