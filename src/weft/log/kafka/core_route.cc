// From a document to its partition, and from subscribers to partitions that are followed.

#include <algorithm>
#include <utility>

#include "weft/log/kafka/core.h"

namespace weft::log::kafka {
namespace {

constexpr std::chrono::milliseconds retry_delay{250};

}  // namespace

void KafkaLog::Core::find_topic(
    const base::DocumentId& document, bool create,
    std::move_only_function<void(Connection*, base::result<std::shared_ptr<const Topic>>)> done) {
  resolver_.resolve(
      document, protocol::Channel::doc,
      [self = weak_from_this(), create,
       done = std::move(done)](base::result<TopicName> name) mutable {
        const auto core = self.lock();
        if (!core) return;
        if (!name) return done(nullptr, base::fail(std::move(name.error())));
        const auto found = core->connections_.find(name->cluster);
        if (found == core->connections_.end()) {
          return done(nullptr, base::fail(errc::failed, "kafka: topic " + name->topic +
                                                            " is said to be in cluster '" +
                                                            name->cluster + "', which is unknown"));
        }
        Connection& connection = found->second;
        core->open_topic(connection, name->topic, create,
                         [&connection, done = std::move(done)](
                             base::result<std::shared_ptr<const Topic>> topic) mutable {
                           done(&connection, std::move(topic));
                         });
      });
}

void KafkaLog::Core::route(const base::DocumentId& document) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = documents_.find(document);
    if (found == documents_.end()) return;
    if (found->second.subscribers == 0 && found->second.unsent.empty()) {
      // Everybody has gone since it was asked for.
      found->second.routing = false;
      return forget_if_idle(document);
    }
  }
  find_topic(
      document, true,
      [this, document](Connection* connection, base::result<std::shared_ptr<const Topic>> topic) {
        routed(document, connection, std::move(topic));
      });
}

void KafkaLog::Core::routed(const base::DocumentId& document, Connection* connection,
                            base::result<std::shared_ptr<const Topic>> topic) {
  std::vector<Failure> failures;
  std::vector<readable_done> answered;
  std::vector<std::pair<readable_done, Readable>> ready;
  std::vector<partition_ptr> to_start;
  bool again = false;
  bool outdated = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = documents_.find(document);
    if (found == documents_.end()) return;
    Entry& entry = found->second;
    entry.routing = false;
    if (topic) {
      WEFT_CHECK(*topic != nullptr);
      // It may have been lost since it was found: then nothing may begin with it.
      outdated = !is_current(*connection, *topic);
    }
    if (outdated) {
      entry.routing = !closing_;
    } else if (topic) {
      entry.partition =
          partition_for(*connection, *topic, partition_of(document.doc_id, (*topic)->partitions));
      remember(document, *entry.partition);
      if (entry.subscribers > 0) join(document, entry, to_start);
      if (can_send(entry)) send_unsent(entry, failures);
      if (entry.partition->follow == Partition::state::following) {
        const std::uint64_t limit = registry_->end(entry.partition->end);
        for (auto& done : std::exchange(entry.readers, {})) {
          ready.emplace_back(std::move(done), Readable{entry.partition, limit});
        }
      }
    } else {
      answered = std::exchange(entry.readers, {});
      again = entry.subscribers > 0 && !closing_;
      const auto expired = clock::now() - options_.append_timeout;
      for (const std::uint64_t serial : std::exchange(entry.unsent, {})) {
        const auto at = inflight_.find(serial);
        if (again && at->second.since > expired) {
          entry.unsent.push_back(serial);
        } else {
          fail(at, topic.error(), failures);
        }
      }
      entry.routing = again;
    }
    forget_if_idle(document);
    forget_idle();
  }
  tell(std::move(failures));
  for (auto& [done, where] : ready) done(std::move(where));
  for (auto& done : answered) done(base::fail(base::error(topic.error())));
  for (const partition_ptr& partition : to_start) start_following(partition);
  if (again || outdated) {
    // Any follower's thread does: all it needs is a clock.
    connections_.begin()->second.follower->after(
        outdated ? std::chrono::milliseconds(0) : retry_delay,
        [this, document] { route(document); });
  }
}

partition_ptr KafkaLog::Core::partition_for(Connection& connection,
                                            const std::shared_ptr<const Topic>& topic,
                                            std::int32_t index) {
  partition_ptr& known = connection.partitions[{topic->name, index}];
  if (!known || known->topic != topic) {
    known = std::make_shared<Partition>(connection, topic, index);
  }
  return known;
}

void KafkaLog::Core::join(const base::DocumentId& document, Entry& entry,
                          std::vector<partition_ptr>& to_start) {
  Partition& partition = *entry.partition;
  partition.documents.insert(document);
  if (partition.follow == Partition::state::following) {
    entry.tracked_from = registry_->end(partition.end);
  }
  if (partition.follow != Partition::state::idle) return;
  partition.follow = Partition::state::starting;
  partition.number = ++number_;
  to_start.push_back(entry.partition);
}

void KafkaLog::Core::leave(const base::DocumentId& document, Entry& entry) {
  Partition& partition = *entry.partition;
  partition.documents.erase(document);
  entry.known_end.reset();
  entry.delivered_end = 0;
  if (!partition.documents.empty()) return;
  partition.follow = Partition::state::idle;
  partition.gone = partition.held = partition.overtaken = false;
  partition.short_since.reset();
  if (followed_.erase(partition.number) > 0) partition.connection.follower->stop(partition.number);
  partition.number = 0;
  // Nobody is left to be told what became of these.
  for (auto next = partition.inflight.begin(); next != partition.inflight.end();) {
    const auto at = inflight_.find(*next++);
    const auto now = at->second.now;
    if (now == InFlight::state::stored || now == InFlight::state::doubtful) settle(at);
  }
}

void KafkaLog::Core::start_following(const partition_ptr& partition) {
  Follower::number number = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (partition->follow != Partition::state::starting) return;
    number = partition->number;
  }
  ask_watermarks(partition, [this, partition, number](const base::result<Watermarks>& found) {
    if (!found) return retry_following(partition, number, found.error());
    const std::scoped_lock lock(mutex_);
    // Asked twice when everybody left and came back meanwhile.
    if (partition->number != number || !followed_.emplace(number, partition).second) return;
    partition->connection.follower->start(number, partition->topic->name, partition->index,
                                          found->end);
  });
}

void KafkaLog::Core::retry_following(const partition_ptr& partition, Follower::number number,
                                     const base::error& why) {
  std::vector<readable_done> answered;
  std::vector<Failure> failures;
  bool again = false;
  {
    const std::scoped_lock lock(mutex_);
    if (partition->number != number) return;
    again = !closing_;
    const auto expired = clock::now() - options_.append_timeout;
    for (const base::DocumentId& document : partition->documents) {
      const auto found = documents_.find(document);
      if (found == documents_.end()) continue;
      Entry& entry = found->second;
      std::move(entry.readers.begin(), entry.readers.end(), std::back_inserter(answered));
      entry.readers.clear();
      for (const std::uint64_t serial : std::exchange(entry.unsent, {})) {
        const auto at = inflight_.find(serial);
        if (at->second.since > expired) {
          entry.unsent.push_back(serial);
        } else {
          fail(at, why, failures);
        }
      }
    }
  }
  tell(std::move(failures));
  for (auto& done : answered) done(base::fail(base::error(why)));
  if (again) {
    partition->connection.follower->after(retry_delay,
                                          [this, partition] { start_following(partition); });
  }
}

void KafkaLog::Core::on_started(Follower::number what, std::uint64_t from) {
  std::vector<std::pair<readable_done, Readable>> ready;
  std::vector<Failure> failures;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followed_.find(what);
    if (found == followed_.end()) return;
    const partition_ptr partition = found->second;
    // Started again where it had come to: nothing is new.
    if (partition->follow == Partition::state::following) return;
    registry_->set_end(partition->end, from);
    partition->follow = Partition::state::following;
    partition->start = from;
    // What was stored before will not come; it was appended before anybody listened.
    for (auto next = partition->inflight.begin(); next != partition->inflight.end();) {
      const auto at = inflight_.find(*next++);
      if (at->second.now == InFlight::state::stored && at->second.offset < from) settle(at);
    }
    for (const base::DocumentId& document : partition->documents) {
      const auto entry = documents_.find(document);
      if (entry == documents_.end()) continue;
      entry->second.tracked_from = from;
      if (can_send(entry->second)) send_unsent(entry->second, failures);
      for (auto& done : entry->second.readers) {
        ready.emplace_back(std::move(done), Readable{partition, from});
      }
      entry->second.readers.clear();
    }
  }
  tell(std::move(failures));
  for (auto& [done, where] : ready) done(std::move(where));
}

}  // namespace weft::log::kafka
