#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weft/log/kafka/follower.h"
#include "weft/log/kafka/kafka_log.h"
#include "weft/log/kafka/producer.h"
#include "weft/log/kafka/reader.h"
#include "weft/log/registry.h"

namespace weft::log::kafka {

/// A topic as it was found: a recreated one is another object.
struct Topic {
  Topic(std::string named, const Marker& marker, std::uint64_t at)
      : name(std::move(named)), id(marker.log), partitions(marker.partitions), marker_at(at) {}

  const std::string name;
  const base::log_identity id;
  const std::int32_t partitions;                 ///< over how many documents are spread
  mutable std::atomic<std::uint64_t> marker_at;  ///< where the marker lay when last looked for
};

/// What a partition 0 was found to begin with.
struct MarkerSearch {
  std::optional<Marker> marker;
  std::uint64_t offset = 0;  ///< of the marker
  bool trimmed = false;      ///< its first records were deleted
};

/// One reader's wish: of one document, or of all.
struct PartitionRead {
  std::optional<std::string> key;  ///< base::document_key; none: all documents
  std::uint64_t from = 0;
  std::uint64_t limit = 0;
  std::size_t bytes_max = 0;
  std::move_only_function<void(base::result<PartitionReadResult>)> done;

  PartitionReadResult result = {};
  std::size_t bytes = 0;
  bool full = false;
};

struct Connection;

using watermarks_done = std::move_only_function<void(const base::result<Watermarks>&)>;

/// A partition that somebody uses. All but `end`, which is the registry's, is the core's to lock.
struct Partition {
  Partition(Connection& of, std::shared_ptr<const Topic> in, std::int32_t at)
      : connection(of), topic(std::move(in)), index(at) {}

  Connection& connection;
  const std::shared_ptr<const Topic> topic;
  const std::int32_t index;
  VisibleEnd end;

  enum class state { idle, starting, following };
  state follow = state::idle;
  Follower::number number = 0;  ///< of what is being followed
  std::uint64_t start = 0;      ///< the first offset that was followed
  bool gone = false;            ///< the follower said so, or its records do
  bool held = false;            ///< nothing is delivered before that is looked into
  bool overtaken = false;       ///< something was stored below what was seen
  std::optional<std::chrono::steady_clock::time_point> short_since;  ///< it ends before that
  std::uint64_t trusted_below = 0;       ///< records below here are this topic's, whatever they say
  std::set<base::DocumentId> documents;  ///< those with subscribers

  std::set<std::uint64_t> inflight;     ///< serials of what was sent to it and is not settled
  std::vector<std::uint64_t> doubtful;  ///< serials of what is to be looked for next
  bool looking = false;                 ///< for others before them

  std::vector<watermarks_done> asking;  ///< for its watermarks, by a query that has not begun
  std::vector<std::unique_ptr<PartitionRead>> reads;  ///< that have not begun
};
using partition_ptr = std::shared_ptr<Partition>;

/// nullptr: there is no such topic.
using topic_done = std::move_only_function<void(base::result<std::shared_ptr<const Topic>>)>;

/// What is known of a topic by its name.
struct KnownTopic {
  struct Waiting {
    bool create = false;
    topic_done done;
  };
  std::shared_ptr<const Topic> topic;
  std::vector<Waiting> waiting;
  bool verifying = false;
  bool verify_again = false;  ///< asked for while it was under way
  int absences = 0;           ///< how often in a row it was said not to exist
};

/// One cluster.
struct Connection {
  std::string name;
  properties given;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<Follower> follower;
  std::shared_ptr<Producer> producer;
  bool replacing = false;  ///< the producer broke
  bool down = false;       ///< no broker could be reached
  std::map<std::string, KnownTopic> topics;
  std::map<std::pair<std::string, std::int32_t>, partition_ptr> partitions;
};

/// All of the Kafka log's state, behind one lock. Nothing is called with the lock held but the
/// registry (which only posts), Producer::send and the Follower's commands.
class KafkaLog::Core final : public Follower::Listener,
                             public std::enable_shared_from_this<KafkaLog::Core> {
 public:
  Core(KafkaLogOptions options, TopicResolver& resolver);
  base::result<void> connect();

  base::log_identity id() const { return id_; }
  std::uint64_t actor() const { return actor_; }
  std::uint64_t next_seq() const;
  bool writable() const;
  KafkaLogStats stats() const;
  LogPosition position(const base::DocumentId& document, log_offset offset) const;
  void close();
  void break_producers();

  base::result<void> append(const base::DocumentId& document, std::vector<Record>&& records);
  std::unique_ptr<Subscription> subscribe(const base::DocumentId& document,
                                          base::Executor& executor, Subscriber& subscriber);
  void read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
            base::Executor& executor, callback<ReadResult> done);
  void read_partition(const LogPosition& from, std::size_t bytes_max, base::Executor& executor,
                      callback<PartitionReadResult> done);
  void end(const base::DocumentId& document, base::Executor& executor, callback<log_offset> done);
  void trim_partition(const LogPosition& before, base::Executor& executor, callback<void> done);

  void on_started(Follower::number what, std::uint64_t from) override;
  void on_records(Follower::number what, std::span<const message_ptr> messages,
                  std::uint64_t end) override;
  void on_gone(Follower::number what, rd_kafka_resp_err_t why) override;
  void on_brokers_down(const std::string& cluster) override;

 private:
  friend class FollowedSubscription;
  using clock = std::chrono::steady_clock;

  /// How far a document may be read: nowhere (no partition), or below `limit` of one.
  struct Readable {
    partition_ptr partition;
    std::uint64_t limit = 0;
  };
  using readable_done = std::move_only_function<void(base::result<Readable>)>;

  /// A document that is subscribed to or appended to.
  struct Entry {
    std::uint64_t generation = 0;  ///< changes when its log is lost
    std::size_t subscribers = 0;
    std::set<std::uint64_t> inflight;        ///< serials of its records
    bool routing = false;                    ///< its topic is being looked for
    partition_ptr partition;                 ///< once it was found
    std::vector<std::uint64_t> unsent;       ///< serials of records that wait for the partition
    std::vector<readable_done> readers;      ///< that wait until its partition is followed
    std::optional<std::uint64_t> known_end;  ///< at some time since it was followed
    std::uint64_t delivered_end = 0;         ///< of what came since then
    std::uint64_t tracked_from = 0;          ///< nothing from here on escapes delivered_end
  };

  /// A record that was appended and not read back.
  struct InFlight {
    enum class state { unsent, sent, stored, doubtful };
    base::DocumentId document;
    Record record;
    std::size_t bytes = 0;
    clock::time_point since;
    state now = state::unsent;
    partition_ptr partition;
    std::uint64_t offset = 0;                   ///< once stored
    std::optional<std::uint64_t> sought_below;  ///< doubtful: when not below this, then not there
  };
  using inflight_map = std::map<std::uint64_t, InFlight>;

  /// For the last record of a document, backwards.
  struct EndSearch {
    Readable where;
    std::string key;                ///< base::document_key
    std::uint64_t below = 0;        ///< it does not lie from here on
    std::uint64_t stretch = 1'000;  ///< records to look through next
    std::move_only_function<void(base::result<std::uint64_t>)> done;
  };

  /// Who must be told that documents are lost.
  struct Losses {
    std::vector<Failure> failures;
    std::vector<readable_done> waiting;
  };

  // core.cc
  Entry& obtain(const base::DocumentId& document);
  void forget_if_idle(const base::DocumentId& document);
  void forget_idle();
  void release(const base::DocumentId& document, std::uint64_t generation);
  void remember(const base::DocumentId& document, const Partition& partition);
  void report(base::severity level, std::string_view name,
              std::initializer_list<base::event_field> fields) const;
  void ping(Connection& connection);

  // core_route.cc
  void route(const base::DocumentId& document);
  void routed(const base::DocumentId& document, Connection* connection,
              base::result<std::shared_ptr<const Topic>> topic);
  void find_topic(
      const base::DocumentId& document, bool create,
      std::move_only_function<void(Connection*, base::result<std::shared_ptr<const Topic>>)> done);
  partition_ptr partition_for(Connection& connection, const std::shared_ptr<const Topic>& topic,
                              std::int32_t index);
  void join(const base::DocumentId& document, Entry& entry, std::vector<partition_ptr>& to_start);
  void leave(const base::DocumentId& document, Entry& entry);
  void start_following(const partition_ptr& partition);
  void retry_following(const partition_ptr& partition, Follower::number number,
                       const base::error& why);

  // core_topics.cc
  void open_topic(Connection& connection, const std::string& name, bool create, topic_done done);
  void run_open(Connection& connection, const std::string& name, bool create);
  base::result<std::shared_ptr<const Topic>> find_or_make(Reader& reader, Connection& connection,
                                                          const std::string& name, bool create);
  base::result<MarkerSearch> find_marker(Reader& reader, const std::string& name);
  base::result<void> write_marker(Connection& connection, const std::string& name, Marker marker);
  void drop_unused(Connection& connection);

  // core_verify.cc
  void watch(Connection& connection, std::string last);
  base::result<bool> is_still(Reader& reader, const Topic& topic);
  base::result<void> check_identity(Reader& reader, const Partition& partition);
  base::result<Watermarks> checked_watermarks(Reader& reader, const Partition& partition);
  bool is_current(const Connection& connection, const std::shared_ptr<const Topic>& topic) const;
  void verify(Connection& connection, const std::string& name);
  void run_verify(Connection& connection, std::shared_ptr<const Topic> topic);
  void restart(Connection& connection, Reader& reader, const std::string& name);
  void lose_topic(Connection& connection, const std::shared_ptr<const Topic>& topic,
                  const base::error& why);
  void lose(const std::vector<base::DocumentId>& documents, const base::error& why);
  void give_up(const base::DocumentId& document, const base::error& why, Losses& losses);
  void tell_lost(const std::vector<base::DocumentId>& documents, const base::error& why,
                 Losses losses);

  // core_append.cc
  bool can_send(const Entry& entry) const;
  void send_unsent(Entry& entry, std::vector<Failure>& failures);
  void settle(inflight_map::iterator at);
  void fail(inflight_map::iterator at, const base::error& why, std::vector<Failure>& failures);
  void tell(std::vector<Failure> failures);
  void on_report(std::uint64_t serial, const DeliveryReport& report);
  void look_for_doubtful(const partition_ptr& partition);
  void settle_doubts(const Partition& partition);
  base::result<std::shared_ptr<Producer>> make_producer(Connection& connection);
  void replace_producer(Connection& connection);

  // core_read.cc
  void when_readable(const base::DocumentId& document, readable_done done);
  void with_partition(const LogPosition& of,
                      std::move_only_function<void(base::result<partition_ptr>)> done);
  void ask_watermarks(const partition_ptr& partition, watermarks_done done);
  void enqueue_read(const partition_ptr& partition, std::unique_ptr<PartitionRead> read);
  void run_reads(Reader& reader, const partition_ptr& partition);

  // core_end.cc
  void find_end(std::unique_ptr<EndSearch> search);
  void learn_end(const base::DocumentId& document, base::Executor& executor, const Readable& where,
                 callback<log_offset> done);

  const KafkaLogOptions options_;
  TopicResolver& resolver_;
  const std::uint64_t actor_;
  base::log_identity id_;
  const std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();

  mutable std::mutex mutex_;
  std::condition_variable settled_;
  bool closing_ = false;
  std::map<std::string, Connection> connections_;
  std::unordered_map<base::DocumentId, Entry> documents_;
  std::vector<base::DocumentId> idle_;  ///< perhaps; looked at when nobody holds an entry
  std::unordered_map<base::DocumentId, LogPosition> positions_;        ///< of those read lately
  std::unordered_map<base::DocumentId, LogPosition> older_positions_;  ///< and before them
  std::map<Follower::number, partition_ptr> followed_;
  inflight_map inflight_;
  std::size_t inflight_bytes_ = 0;
  std::size_t doubtful_ = 0;
  std::uint64_t serial_ = 0;
  std::uint64_t generation_ = 0;
  Follower::number number_ = 0;
  std::uint64_t seq_max_ = 0;
  KafkaLogStats stats_;
};

}  // namespace weft::log::kafka
