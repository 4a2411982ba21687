#include "weft/log/kafka/core.h"

#include <algorithm>
#include <future>
#include <utility>

#include "weft/base/random.h"

namespace weft::log::kafka {
namespace {

constexpr std::size_t positions_max = 10'000;
constexpr std::chrono::milliseconds ping_interval{500};

std::uint64_t nonzero_seed() {
  std::uint64_t seed = 0;
  while (seed == 0) seed = base::system_seed();
  return seed;
}

/// FNV-1a: a number for the name that a cluster has for itself.
std::uint64_t identity_of(std::string_view cluster_id) {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  for (const char byte : cluster_id) {
    out = (out ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
  }
  return out == 0 ? 1 : out;
}

}  // namespace

/// A subscription that lets go of the document's partition when it ends.
class FollowedSubscription final : public Subscription {
 public:
  FollowedSubscription(std::shared_ptr<KafkaLog::Core> core, base::DocumentId document,
                       std::uint64_t generation, std::unique_ptr<Subscription> registered)
      : core_(std::move(core)),
        document_(std::move(document)),
        generation_(generation),
        registered_(std::move(registered)) {}

  ~FollowedSubscription() override {
    registered_.reset();
    core_->release(document_, generation_);
  }
  FollowedSubscription(const FollowedSubscription&) = delete;
  FollowedSubscription& operator=(const FollowedSubscription&) = delete;

 private:
  const std::shared_ptr<KafkaLog::Core> core_;
  const base::DocumentId document_;
  const std::uint64_t generation_;
  std::unique_ptr<Subscription> registered_;
};

KafkaLog::Core::Core(KafkaLogOptions options, TopicResolver& resolver)
    : options_(std::move(options)), resolver_(resolver), actor_(nonzero_seed()) {}

base::result<void> KafkaLog::Core::connect() {
  if (options_.clusters.empty()) return base::fail(errc::failed, "kafka: no cluster is given");
  for (const auto& [name, given] : options_.clusters) {
    Connection& connection = connections_[name];
    connection.name = name;
    connection.given = given;
    auto readers = ReaderPool::open(given, options_.events, options_.request_timeout,
                                    options_.reader_threads, options_.reads_queued_max);
    if (!readers) return base::fail(std::move(readers.error()));
    connection.readers = std::move(*readers);
    auto follower = Follower::open(name, given, options_.events, *this);
    if (!follower) return base::fail(std::move(follower.error()));
    connection.follower = std::move(*follower);
    auto producer = make_producer(connection);
    if (!producer) return base::fail(std::move(producer.error()));
    connection.producer = std::move(*producer);
    std::promise<base::result<std::string>> named;
    connection.readers->submit([&](Reader& reader) { named.set_value(reader.cluster_id()); });
    auto cluster_id = named.get_future().get();
    if (!cluster_id) return base::fail(std::move(cluster_id.error()));
    if (id_.value == 0) id_.value = identity_of(*cluster_id);
  }
  // Now that all are in place, which from here on does not change.
  for (auto& [name, connection] : connections_) {
    connection.follower->go();
    watch(connection, {});
  }
  return {};
}

std::uint64_t KafkaLog::Core::next_seq() const {
  const std::scoped_lock lock(mutex_);
  return seq_max_ + 1;
}

bool KafkaLog::Core::writable() const {
  const std::scoped_lock lock(mutex_);
  if (closing_) return false;
  for (const auto& [name, connection] : connections_) {
    if (connection.replacing || connection.down) return false;
  }
  return inflight_.empty() || clock::now() - inflight_.begin()->second.since < options_.stall;
}

KafkaLogStats KafkaLog::Core::stats() const {
  const std::scoped_lock lock(mutex_);
  KafkaLogStats out = stats_;
  out.inflight_bytes = inflight_bytes_;
  out.doubtful_records = doubtful_;
  for (const auto& [name, connection] : connections_) {
    for (const auto& [topic, known] : connection.topics) out.topics_open += known.topic ? 1 : 0;
  }
  return out;
}

void KafkaLog::Core::report(base::severity level, std::string_view name,
                            std::initializer_list<base::event_field> fields) const {
  if (options_.events != nullptr) options_.events->report(level, name, fields);
}

KafkaLog::Core::Entry& KafkaLog::Core::obtain(const base::DocumentId& document) {
  const auto [at, made] = documents_.try_emplace(document);
  if (made) at->second.generation = ++generation_;
  return at->second;
}

void KafkaLog::Core::forget_if_idle(const base::DocumentId& document) {
  const auto found = documents_.find(document);
  if (found == documents_.end()) return;
  const Entry& entry = found->second;
  if (entry.subscribers == 0 && entry.inflight.empty() && !entry.routing) documents_.erase(found);
}

void KafkaLog::Core::forget_idle() {
  for (const base::DocumentId& document : std::exchange(idle_, {})) forget_if_idle(document);
}

std::unique_ptr<Subscription> KafkaLog::Core::subscribe(const base::DocumentId& document,
                                                        base::Executor& executor,
                                                        Subscriber& subscriber) {
  // Before the lock: once it is taken, every record that comes finds the subscriber.
  auto registered = registry_->subscribe(document, executor, subscriber);
  std::uint64_t generation = 0;
  std::vector<partition_ptr> to_start;
  bool ask = false;
  {
    const std::scoped_lock lock(mutex_);
    Entry& entry = obtain(document);
    generation = entry.generation;
    if (++entry.subscribers == 1 && !closing_) {
      if (entry.partition) {
        join(document, entry, to_start);
      } else if (!entry.routing) {
        entry.routing = ask = true;
      }
    }
  }
  for (const partition_ptr& partition : to_start) start_following(partition);
  if (ask) route(document);
  return std::make_unique<FollowedSubscription>(shared_from_this(), document, generation,
                                                std::move(registered));
}

void KafkaLog::Core::release(const base::DocumentId& document, std::uint64_t generation) {
  std::vector<readable_done> waiting;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = documents_.find(document);
    if (found == documents_.end() || found->second.generation != generation) return;
    Entry& entry = found->second;
    if (--entry.subscribers > 0) return;
    // Whoever reads without a subscription need not wait for it to be followed.
    waiting = std::exchange(entry.readers, {});
    if (entry.partition) leave(document, entry);
    std::vector<Failure> nobody;
    if (can_send(entry)) send_unsent(entry, nobody);
    forget_if_idle(document);
    forget_idle();
  }
  for (auto& done : waiting) when_readable(document, std::move(done));
}

void KafkaLog::Core::remember(const base::DocumentId& document, const Partition& partition) {
  // Whoever asks for one may have read long before: the last so many stay known.
  if (positions_.size() >= positions_max) older_positions_ = std::exchange(positions_, {});
  positions_[document] = {partition.connection.name, partition.topic->id, partition.topic->name,
                          partition.index, log_offset{}};
}

LogPosition KafkaLog::Core::position(const base::DocumentId& document, log_offset offset) const {
  const std::scoped_lock lock(mutex_);
  LogPosition out;
  const auto entry = documents_.find(document);
  if (entry != documents_.end() && entry->second.partition) {
    const Partition& partition = *entry->second.partition;
    out = {partition.connection.name, partition.topic->id, partition.topic->name, partition.index,
           offset};
  } else if (const auto known = positions_.find(document); known != positions_.end()) {
    out = known->second;
  } else if (const auto old = older_positions_.find(document); old != older_positions_.end()) {
    out = old->second;
  }
  out.offset = offset;
  return out;
}

void KafkaLog::Core::on_brokers_down(const std::string& cluster) {
  Connection& connection = connections_.at(cluster);
  {
    const std::scoped_lock lock(mutex_);
    if (closing_ || std::exchange(connection.down, true)) return;
  }
  report(base::severity::warn, "kafka.unreachable", {{"cluster", cluster}});
  ping(connection);
}

void KafkaLog::Core::ping(Connection& connection) {
  connection.readers->submit([this, &connection](Reader& reader) {
    const bool reached = reader.ping().has_value();
    {
      const std::scoped_lock lock(mutex_);
      if (closing_) return;
      connection.down = !reached;
    }
    if (reached) {
      report(base::severity::info, "kafka.reached", {{"cluster", connection.name}});
    } else {
      connection.follower->after(ping_interval, [this, &connection] { ping(connection); });
    }
  });
}

void KafkaLog::Core::break_producers() {
  std::vector<std::shared_ptr<Producer>> producers;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, connection] : connections_) producers.push_back(connection.producer);
  }
  for (const auto& producer : producers) producer->break_for_good();
}

void KafkaLog::Core::close() {
  std::vector<std::shared_ptr<Producer>> producers;
  {
    std::unique_lock lock(mutex_);
    if (std::exchange(closing_, true)) return;
    settled_.wait_for(lock, options_.close_timeout, [this] { return inflight_.empty(); });
  }
  // Followers first: what they run may replace a producer.
  for (auto& [name, connection] : connections_) {
    if (connection.follower) connection.follower->close();
    if (connection.readers) connection.readers->close();
  }
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, connection] : connections_) {
      if (connection.producer) producers.push_back(std::exchange(connection.producer, nullptr));
    }
  }
  producers.clear();
  std::vector<Failure> failures;
  std::vector<readable_done> waiting;
  const base::error why{make_error_code(errc::commit_unknown),
                        "kafka: the log was closed before the brokers answered"};
  const base::error closed{make_error_code(errc::closed), "kafka: the log is closed"};
  {
    const std::scoped_lock lock(mutex_);
    while (!inflight_.empty()) fail(inflight_.begin(), why, failures);
    for (auto& [document, entry] : documents_) {
      entry.unsent.clear();
      std::move(entry.readers.begin(), entry.readers.end(), std::back_inserter(waiting));
      entry.readers.clear();
    }
  }
  tell(std::move(failures));
  for (auto& done : waiting) done(base::fail(base::error(closed)));
}

}  // namespace weft::log::kafka
