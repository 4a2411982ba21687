#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "weft/log/kafka/client.h"
#include "weft/log/kafka/options.h"

namespace weft::log::kafka {

/// The offsets [first, end) that a partition has; records may be missing in between.
struct Watermarks {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

/// A connection to a cluster for calls that block. One thread at a time.
///
/// All errors are as to_error says; unavailable once `patience` has passed without an answer, and
/// closed when `closing` becomes true.
class Reader {
 public:
  /// One that is connected to nothing and answers everything with this error.
  static std::unique_ptr<Reader> refusing(base::error why);

  static base::result<std::unique_ptr<Reader>> open(const properties& given, base::Events* events,
                                                    std::chrono::milliseconds patience,
                                                    const std::atomic<bool>& closing);

  /// Lets the connection say what it has to.
  void poll();

  /// Whether some broker answers.
  base::result<void> ping();

  /// The cluster's name for itself, which it keeps for life.
  base::result<std::string> cluster_id();

  /// nullopt: there is no such topic.
  base::result<std::optional<std::int32_t>> partitions(const std::string& topic);

  /// Makes a topic and waits until it can be used. False: there was one already.
  base::result<bool> create(const std::string& topic, const TopicSettings& settings,
                            std::size_t record_bytes_max);

  base::result<Watermarks> watermarks(const std::string& topic, std::int32_t partition);

  /// Calls `each` with the records at offsets [from, limit) in order until it returns false.
  /// `limit` must not be beyond the partition's end. Errors: trimmed: `from` lies before the
  /// first record that is left.
  base::result<void> scan(const std::string& topic, std::int32_t partition, std::uint64_t from,
                          std::uint64_t limit,
                          const std::function<bool(const rd_kafka_message_t&)>& each);

  /// Deletes the records before an offset.
  base::result<void> delete_before(const std::string& topic, std::int32_t partition,
                                   std::uint64_t before);

 private:
  Reader(std::chrono::milliseconds patience, const std::atomic<bool>* closing)
      : patience_(patience), closing_(closing) {}

  using event_ptr = std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)>;
  using clock = std::chrono::steady_clock;

  base::result<void> may_go_on() const;
  base::result<rd_kafka_topic_t*> topic_handle(const std::string& topic);
  base::result<event_ptr> wait_for_admin(rd_kafka_queue_t* queue, const std::string& doing);
  base::result<void> consume(rd_kafka_topic_t* topic, std::int32_t partition, std::uint64_t from,
                             std::uint64_t limit,
                             const std::function<bool(const rd_kafka_message_t&)>& each);
  int patience_ms() const { return static_cast<int>(patience_.count()); }

  const std::chrono::milliseconds patience_;
  const std::atomic<bool>* const closing_;  ///< nullptr: it refuses
  base::error refusal_;
  Callbacks callbacks_;
  handle_ptr handle_;
  queue_ptr queue_;
  std::map<std::string, topic_ptr> topics_;
  std::optional<Leftovers> leftovers_;
};

/// Threads with a Reader each, and the work that waits for them.
/// Threading: any thread.
class ReaderPool {
 public:
  using job = std::move_only_function<void(Reader&)>;

  static base::result<std::unique_ptr<ReaderPool>> open(const properties& given,
                                                        base::Events* events,
                                                        std::chrono::milliseconds patience,
                                                        std::size_t threads,
                                                        std::size_t queued_max);
  ~ReaderPool() { close(); }
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  /// Runs `work` once, with a reader that is connected or, at once and on this thread, with one
  /// that says why not: unavailable when too much waits, closed when the pool is. So nobody may
  /// hold a lock that the work takes. What is under way or waits when the pool closes hears closed.
  void submit(job work);

  /// Ends what is under way and waits for it.
  void close();

 private:
  explicit ReaderPool(std::size_t queued_max);
  void run(Reader& reader);

  const std::size_t queued_max_;
  std::atomic<bool> closing_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> queue_;
  const std::unique_ptr<Reader> full_;
  const std::unique_ptr<Reader> closed_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::thread> threads_;
};

}  // namespace weft::log::kafka
