// Topics by name: found or made, told apart by their markers, noticed when they are lost.

#include <algorithm>
#include <future>
#include <utility>

#include "weft/base/random.h"
#include "weft/log/kafka/core.h"

namespace weft::log::kafka {
namespace {

constexpr std::chrono::milliseconds verify_again_delay{500};
/// A broker that has just started may not know of a topic yet.
constexpr int absences_believed = 4;

}  // namespace

void KafkaLog::Core::open_topic(Connection& connection, const std::string& name, bool create,
                                topic_done done) {
  std::unique_lock lock(mutex_);
  auto known = connection.topics.find(name);
  if (known == connection.topics.end()) {
    if (connection.topics.size() >= options_.topics_max) drop_unused(connection);
    if (connection.topics.size() >= options_.topics_max) {
      lock.unlock();
      return done(base::fail(errc::overloaded, "kafka: " + std::to_string(options_.topics_max) +
                                                   " topics are in use (topics_max)"));
    }
    known = connection.topics.try_emplace(name).first;
  }
  if (auto open = known->second.topic) {
    lock.unlock();
    return done(std::move(open));
  }
  known->second.waiting.push_back({create, std::move(done)});
  // Whoever came first has it looked for.
  if (known->second.waiting.size() > 1) return;
  lock.unlock();
  run_open(connection, name, create);
}

void KafkaLog::Core::drop_unused(Connection& connection) {
  std::set<std::string> used;
  std::erase_if(connection.partitions, [&](const auto& one) {
    if (one.second.use_count() == 1) return true;
    used.insert(one.first.first);
    return false;
  });
  std::erase_if(connection.topics, [&](const auto& one) {
    return one.second.topic && !one.second.verifying && !used.contains(one.first);
  });
}

void KafkaLog::Core::run_open(Connection& connection, const std::string& name, bool create) {
  connection.readers->submit([this, &connection, name, create](Reader& reader) {
    auto topic = find_or_make(reader, connection, name, create);
    std::vector<KnownTopic::Waiting> answered;
    bool again = false;
    {
      const std::scoped_lock lock(mutex_);
      KnownTopic& known = connection.topics.at(name);
      answered = std::exchange(known.waiting, {});
      if (topic && !*topic && !create) {
        // Somebody who came meanwhile wants it made.
        const auto wants = std::stable_partition(answered.begin(), answered.end(),
                                                 [](const auto& one) { return !one.create; });
        known.waiting.assign(std::move_iterator(wants), std::move_iterator(answered.end()));
        answered.erase(wants, answered.end());
        again = !known.waiting.empty();
      }
      if (topic) known.topic = *topic;
      known.absences = 0;
      if (!known.topic && !again) connection.topics.erase(name);
    }
    for (auto& one : answered) {
      one.done(topic ? base::result<std::shared_ptr<const Topic>>(*topic)
                     : base::fail(base::error(topic.error())));
    }
    if (again) run_open(connection, name, true);
  });
}

base::result<std::shared_ptr<const Topic>> KafkaLog::Core::find_or_make(Reader& reader,
                                                                        Connection& connection,
                                                                        const std::string& name,
                                                                        bool create) {
  auto count = reader.partitions(name);
  if (!count) return base::fail(std::move(count.error()));
  if (!*count) {
    if (!create) return nullptr;
    const auto made = reader.create(name, options_.topics, options_.record_bytes_max);
    if (!made) return base::fail(base::error(made.error()));
    if (*made) report(base::severity::info, "kafka.topic_created", {{"topic", name}});
    count = reader.partitions(name);
    if (!count) return base::fail(std::move(count.error()));
    if (!*count) return base::fail(errc::unavailable, "kafka: topic " + name + " vanished");
  }
  auto marker = find_marker(reader, name);
  if (marker && !*marker) {
    // Nothing of ours precedes a marker.
    if (!create) return nullptr;
    Marker mine{{base::system_seed() | 1}, **count, false};
    if (auto ok = write_marker(connection, name, mine); !ok) {
      return base::fail(std::move(ok.error()));
    }
    // Others may have written one, too: the first counts, for all.
    marker = find_marker(reader, name);
    if (marker && !*marker) {
      return base::fail(errc::unavailable, "kafka: topic " + name + ": no marker is there yet");
    }
  }
  if (!marker) return base::fail(std::move(marker.error()));
  if ((*marker)->partitions > **count) {
    return base::fail(errc::failed,
                      "kafka: topic " + name + " has fewer partitions than its " + "marker says");
  }
  return std::make_shared<const Topic>(Topic{name, (*marker)->log, (*marker)->partitions});
}

base::result<std::optional<Marker>> KafkaLog::Core::find_marker(Reader& reader,
                                                                const std::string& name) {
  const auto range = reader.watermarks(name, 0);
  if (!range) return base::fail(base::error(range.error()));
  std::optional<Marker> found;
  bool unreadable = false;
  const auto scanned =
      reader.scan(name, 0, range->first, range->end, [&](const rd_kafka_message_t& message) {
        const auto headers = headers_of(message);
        if (!find_header(headers, marker_header)) return true;
        const Decoded decoded = decode_headers(headers);
        const auto* const marker = std::get_if<Marker>(&decoded);
        unreadable = marker == nullptr;
        // A copy stands for one that was trimmed: in a topic that was never trimmed it is astray.
        if (marker != nullptr && !(marker->copy && range->first == 0)) found = *marker;
        return !found && !unreadable;
      });
  if (!scanned) return base::fail(base::error(scanned.error()));
  if (unreadable) {
    return base::fail(errc::failed, "kafka: topic " + name + " has a marker that needs another " +
                                        "version of this program");
  }
  return found;
}

base::result<void> KafkaLog::Core::write_marker(Connection& connection, const std::string& name,
                                                Marker marker) {
  std::shared_ptr<Producer> producer;
  {
    const std::scoped_lock lock(mutex_);
    producer = connection.producer;
  }
  if (!producer) return base::fail(errc::unavailable, "kafka: a new producer is being made");
  const auto told = std::make_shared<std::promise<DeliveryReport>>();
  auto outcome = told->get_future();
  auto sent = producer->send({name, 0, {}, false, {{marker_header, encode_marker(marker)}}, {}},
                             [told](const DeliveryReport& report) { told->set_value(report); });
  if (!sent) return sent;
  if (outcome.wait_for(options_.request_timeout) != std::future_status::ready) {
    return base::fail(errc::unavailable, "kafka: topic " + name + ": its marker is not stored yet");
  }
  const DeliveryReport report = outcome.get();
  if (report.what != fate::stored) return base::fail(base::error(report.why));
  return {};
}

void KafkaLog::Core::verify(Connection& connection, const std::string& name) {
  {
    const std::scoped_lock lock(mutex_);
    const auto known = connection.topics.find(name);
    if (known == connection.topics.end() || !known->second.topic) return;
    if (std::exchange(known->second.verifying, true)) return;
  }
  run_verify(connection, name);
}

void KafkaLog::Core::run_verify(Connection& connection, const std::string& name) {
  connection.readers->submit([this, &connection, name](Reader& reader) {
    const auto count = reader.partitions(name);
    auto marker = count && *count ? find_marker(reader, name)
                                  : base::result<std::optional<Marker>>(std::nullopt);
    bool lost = false;
    bool again = false;
    {
      const std::scoped_lock lock(mutex_);
      const auto known = connection.topics.find(name);
      if (known == connection.topics.end() || !known->second.topic || closing_) return;
      KnownTopic& topic = known->second;
      if (count && !*count) {
        lost = ++topic.absences >= absences_believed;
        again = !lost;
      } else if (!count || !marker) {
        again = true;
      } else {
        topic.absences = 0;
        lost = !*marker || (*marker)->log != topic.topic->id;
      }
      topic.verifying = again;
    }
    if (lost) {
      return lose_topic(
          connection, name,
          {make_error_code(errc::replaced),
           "kafka: topic " + name + " was deleted" + (*count ? " and made again" : std::string())});
    }
    if (again) {
      connection.follower->after(verify_again_delay,
                                 [this, &connection, name] { run_verify(connection, name); });
      return;
    }
    restart(connection, reader, name);
  });
}

void KafkaLog::Core::restart(Connection& connection, Reader& reader, const std::string& name) {
  std::vector<partition_ptr> stopped;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [at, partition] : connection.partitions) {
      if (at.first == name && partition->gone) stopped.push_back(partition);
    }
  }
  for (const partition_ptr& partition : stopped) {
    const auto range = reader.watermarks(name, partition->index);
    std::vector<base::DocumentId> missed;
    bool gone = false;
    {
      const std::scoped_lock lock(mutex_);
      if (!partition->gone || partition->follow != Partition::state::following) continue;
      const std::uint64_t seen = registry_->end(partition->end);
      if (!range || range->end < seen) {
        gone = true;  // not reachable again, or a leader that does not know yet what others had
      } else if (range->first > seen) {
        missed.assign(partition->documents.begin(), partition->documents.end());
      } else {
        partition->gone = partition->held = false;
        partition->trusted_below = range->end;
        followed_.erase(partition->number);
        connection.follower->stop(partition->number);
        partition->number = ++number_;
        followed_.emplace(partition->number, partition);
        connection.follower->start(partition->number, name, partition->index, seen);
      }
    }
    if (!missed.empty()) {
      lose(missed, {make_error_code(errc::trimmed),
                    "kafka: records of " + name + " were deleted before they were read"});
    }
    if (gone) {
      connection.follower->after(verify_again_delay,
                                 [this, &connection, name] { verify(connection, name); });
    }
  }
}

void KafkaLog::Core::lose_topic(Connection& connection, const std::string& name,
                                const base::error& why) {
  std::vector<base::DocumentId> documents;
  {
    const std::scoped_lock lock(mutex_);
    if (connection.topics.erase(name) == 0) return;
    ++stats_.topics_lost;
    for (const auto& [document, entry] : documents_) {
      if (entry.partition && &entry.partition->connection == &connection &&
          entry.partition->topic->name == name) {
        documents.push_back(document);
      }
    }
    std::erase_if(connection.partitions, [&](const auto& one) { return one.first.first == name; });
    std::erase_if(positions_, [&](const auto& one) { return one.second.topic == name; });
  }
  report(base::severity::error, "kafka.topic_lost", {{"topic", name}, {"reason", why.message}});
  lose(documents, why);
}

void KafkaLog::Core::lose(const std::vector<base::DocumentId>& documents, const base::error& why) {
  std::vector<Failure> failures;
  std::vector<readable_done> waiting;
  {
    const std::scoped_lock lock(mutex_);
    for (const base::DocumentId& document : documents) {
      const auto found = documents_.find(document);
      if (found == documents_.end()) continue;
      Entry& entry = found->second;
      for (auto at = inflight_.begin(); at != inflight_.end();) {
        const auto next = std::next(at);
        if (at->second.document == document) {
          const bool unsent = at->second.now == InFlight::state::unsent;
          fail(at,
               {make_error_code(unsent ? errc::unavailable : errc::commit_unknown), why.message},
               failures);
        }
        at = next;
      }
      std::move(entry.readers.begin(), entry.readers.end(), std::back_inserter(waiting));
      if (entry.partition && entry.subscribers > 0) leave(document, entry);
      // Whoever subscribes from now on begins anew, beside those who still hold what was lost.
      documents_.erase(found);
    }
    forget_idle();
  }
  tell(std::move(failures));
  registry_->lose(documents, why);
  for (auto& done : waiting) done(base::fail(base::error(why)));
}

}  // namespace weft::log::kafka
