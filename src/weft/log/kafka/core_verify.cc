// Whether a topic is still the one that was found, and what follows when it is not.

#include <algorithm>
#include <limits>
#include <utility>

#include "weft/log/kafka/core.h"

namespace weft::log::kafka {
namespace {

constexpr std::chrono::milliseconds verify_again_delay{500};
/// A broker that has just started may not know of a topic yet.
constexpr int absences_believed = 4;
/// A new leader may not know yet how far the others had come.
constexpr std::chrono::seconds shortness_believed{5};

base::error made_again(const std::string& name) {
  return {make_error_code(errc::replaced), "kafka: topic " + name + " was deleted and made again"};
}

}  // namespace

base::result<bool> KafkaLog::Core::is_still(Reader& reader, const Topic& topic) {
  const auto range = reader.watermarks(topic.name, 0);
  if (!range) return base::fail(base::error(range.error()));
  // Mostly it lies where it was found: one record to read, however long the topic is.
  const std::uint64_t at = topic.marker_at.load();
  if (at >= range->first && at < range->end) {
    bool there = false;
    const auto scanned =
        reader.scan(topic.name, 0, at, at + 1, [&](const rd_kafka_message_t& message) {
          const Decoded decoded = decode_headers(headers_of(message));
          const auto* const marker = std::get_if<Marker>(&decoded);
          there =
              marker != nullptr && marker->log == topic.id && marker->copy == (range->first != 0);
          return false;
        });
    if (!scanned && scanned.error().code != errc::trimmed) {
      return base::fail(base::error(scanned.error()));
    }
    if (there) return true;
  }
  const auto search = find_marker(reader, topic.name);
  if (!search) return base::fail(base::error(search.error()));
  if (!search->marker || search->marker->log != topic.id) return false;
  topic.marker_at.store(search->offset);
  return true;
}

base::result<void> KafkaLog::Core::check_identity(Reader& reader, const Partition& partition) {
  const auto same = is_still(reader, *partition.topic);
  if (!same) return base::fail(base::error(same.error()));
  if (*same) return {};
  base::error why = made_again(partition.topic->name);
  lose_topic(partition.connection, partition.topic, why);
  return base::fail(std::move(why));
}

base::result<Watermarks> KafkaLog::Core::checked_watermarks(Reader& reader,
                                                            const Partition& partition) {
  const std::string& name = partition.topic->name;
  // In this order: what is the old topic now was so when its end was asked for.
  auto range = reader.watermarks(name, partition.index);
  if (range) {
    if (auto same = check_identity(reader, partition); !same) {
      return base::fail(std::move(same.error()));
    }
    return range;
  }
  // Nobody who follows it may be there to hear that it was deleted.
  const auto count = reader.partitions(name);
  if (count && !*count) verify(partition.connection, name);
  return range;
}

bool KafkaLog::Core::is_current(const Connection& connection,
                                const std::shared_ptr<const Topic>& topic) const {
  const auto known = connection.topics.find(topic->name);
  return known != connection.topics.end() && known->second.topic == topic;
}

void KafkaLog::Core::watch(Connection& connection, std::string last) {
  connection.follower->after(options_.identity_check_interval, [this, &connection,
                                                                last = std::move(last)]() mutable {
    std::string next;
    bool busy = false;
    {
      const std::scoped_lock lock(mutex_);
      if (closing_) return;
      // The next by name that is followed, or else the first.
      const auto followed = [](const auto& one) {
        return one.second->follow == Partition::state::following;
      };
      auto& all = connection.partitions;
      const auto behind = std::find_if(
          all.upper_bound({last, std::numeric_limits<std::int32_t>::max()}), all.end(), followed);
      const auto found =
          behind != all.end() ? behind : std::find_if(all.begin(), all.end(), followed);
      if (found != all.end()) {
        next = found->first.first;
        const auto known = connection.topics.find(next);
        busy = known != connection.topics.end() && known->second.verifying;
      }
    }
    if (!next.empty() && !busy) verify(connection, next);
    watch(connection, std::move(next));
  });
}

void KafkaLog::Core::verify(Connection& connection, const std::string& name) {
  std::shared_ptr<const Topic> topic;
  {
    const std::scoped_lock lock(mutex_);
    const auto known = connection.topics.find(name);
    if (known == connection.topics.end() || !known->second.topic) return;
    // What is under way may have looked before that happened which is to be looked into.
    known->second.verify_again = known->second.verifying;
    if (std::exchange(known->second.verifying, true)) return;
    topic = known->second.topic;
  }
  run_verify(connection, std::move(topic));
}

void KafkaLog::Core::run_verify(Connection& connection, std::shared_ptr<const Topic> topic) {
  connection.readers->submit([this, &connection, topic = std::move(topic)](Reader& reader) {
    const std::string& name = topic->name;
    const auto count = reader.partitions(name);
    const auto same = count && *count ? is_still(reader, *topic) : base::result<bool>(false);
    bool lost = false;
    bool again = false;
    bool at_once = false;
    {
      const std::scoped_lock lock(mutex_);
      const auto known = connection.topics.find(name);
      if (known == connection.topics.end() || known->second.topic != topic || closing_) return;
      KnownTopic& of = known->second;
      if (count && !*count) {
        lost = ++of.absences >= absences_believed;
        again = !lost;
      } else if (!count || !same) {
        again = true;
      } else {
        of.absences = 0;
        lost = !*same;
        at_once = std::exchange(of.verify_again, false) && !lost;
      }
      // Nobody else looks into it from here on, if it is lost.
      of.verifying = lost || again || at_once;
    }
    if (lost) {
      return lose_topic(connection, topic,
                        *count ? made_again(name)
                               : base::error{make_error_code(errc::replaced),
                                             "kafka: topic " + name + " was deleted"});
    }
    if (at_once) return run_verify(connection, topic);
    if (again) {
      connection.follower->after(verify_again_delay,
                                 [this, &connection, topic] { run_verify(connection, topic); });
      return;
    }
    restart(connection, reader, name);
  });
}

void KafkaLog::Core::restart(Connection& connection, Reader& reader, const std::string& name) {
  std::vector<partition_ptr> stopped;
  {
    const std::scoped_lock lock(mutex_);
    for (auto at = connection.partitions.lower_bound({name, 0});
         at != connection.partitions.end() && at->first.first == name; ++at) {
      if (at->second->gone || at->second->overtaken) stopped.push_back(at->second);
    }
  }
  bool gone = false;
  for (const partition_ptr& partition : stopped) {
    const auto range = reader.watermarks(name, partition->index);
    std::vector<base::DocumentId> missed;
    std::vector<base::DocumentId> cut;
    {
      const std::scoped_lock lock(mutex_);
      if (partition->follow != Partition::state::following) continue;
      const std::vector<base::DocumentId> all(partition->documents.begin(),
                                              partition->documents.end());
      const std::uint64_t seen = registry_->end(partition->end);
      if (partition->overtaken) {
        cut = all;
      } else if (!partition->gone) {
        continue;
      } else if (!range) {
        gone = true;  // not reachable again
      } else if (range->end < seen) {
        if (!partition->short_since) partition->short_since = clock::now();
        const bool believed = clock::now() - *partition->short_since >= shortness_believed;
        if (believed) cut = all;
        gone = gone || !believed;
      } else if (range->first > seen) {
        missed = all;
      } else {
        partition->short_since.reset();
        partition->gone = partition->held = false;
        partition->trusted_below = range->end;
        followed_.erase(partition->number);
        connection.follower->stop(partition->number);
        partition->number = ++number_;
        followed_.emplace(partition->number, partition);
        connection.follower->start(partition->number, name, partition->index, seen);
      }
    }
    if (!cut.empty()) {
      report(base::severity::error, "kafka.records_lost",
             {{"topic", name}, {"partition", std::to_string(partition->index)}});
      lose(cut, {make_error_code(errc::replaced),
                 "kafka: " + name + " has lost records that were there"});
    }
    if (!missed.empty()) {
      lose(missed, {make_error_code(errc::trimmed),
                    "kafka: records of " + name + " were deleted before they were read"});
    }
  }
  if (gone) {
    connection.follower->after(verify_again_delay,
                               [this, &connection, name] { verify(connection, name); });
  }
}

void KafkaLog::Core::lose_topic(Connection& connection, const std::shared_ptr<const Topic>& topic,
                                const base::error& why) {
  std::vector<base::DocumentId> documents;
  Losses losses;
  {
    // All at once: a partition of the next topic must not be followed beside one of this.
    const std::scoped_lock lock(mutex_);
    if (!is_current(connection, topic)) return;
    connection.topics.erase(topic->name);
    ++stats_.topics_lost;
    for (const auto& [document, entry] : documents_) {
      if (entry.partition && entry.partition->topic == topic) documents.push_back(document);
    }
    std::erase_if(connection.partitions,
                  [&](const auto& one) { return one.second->topic == topic; });
    for (auto* positions : {&positions_, &older_positions_}) {
      std::erase_if(*positions, [&](const auto& one) { return one.second.log == topic->id; });
    }
    for (const base::DocumentId& document : documents) give_up(document, why, losses);
    forget_idle();
  }
  report(base::severity::error, "kafka.topic_lost",
         {{"topic", topic->name}, {"reason", why.message}});
  tell_lost(documents, why, std::move(losses));
}

void KafkaLog::Core::lose(const std::vector<base::DocumentId>& documents, const base::error& why) {
  Losses losses;
  {
    const std::scoped_lock lock(mutex_);
    for (const base::DocumentId& document : documents) give_up(document, why, losses);
    forget_idle();
  }
  tell_lost(documents, why, std::move(losses));
}

void KafkaLog::Core::give_up(const base::DocumentId& document, const base::error& why,
                             Losses& losses) {
  const auto found = documents_.find(document);
  if (found == documents_.end()) return;
  Entry& entry = found->second;
  for (auto next = entry.inflight.begin(); next != entry.inflight.end();) {
    const auto at = inflight_.find(*next++);
    const bool unsent = at->second.now == InFlight::state::unsent;
    fail(at, {make_error_code(unsent ? errc::unavailable : errc::commit_unknown), why.message},
         losses.failures);
  }
  std::move(entry.readers.begin(), entry.readers.end(), std::back_inserter(losses.waiting));
  if (entry.partition && entry.subscribers > 0) leave(document, entry);
  // Whoever subscribes from now on begins anew, beside those who still hold what was lost.
  documents_.erase(found);
}

void KafkaLog::Core::tell_lost(const std::vector<base::DocumentId>& documents,
                               const base::error& why, Losses losses) {
  tell(std::move(losses.failures));
  registry_->lose(documents, why);
  for (auto& done : losses.waiting) done(base::fail(base::error(why)));
}

}  // namespace weft::log::kafka
