// Topics by name: found or made, told apart by their markers.

#include <algorithm>
#include <future>
#include <utility>

#include "weft/base/random.h"
#include "weft/log/kafka/core.h"

namespace weft::log::kafka {

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
  std::erase_if(connection.topics,
                [&](const auto& one) { return one.second.topic && !used.contains(one.first); });
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
  auto search = find_marker(reader, name);
  if (search && !search->marker) {
    // Nothing of ours precedes a marker.
    if (!create) return nullptr;
    const Marker mine{{base::system_seed() | 1}, **count, search->trimmed};
    if (auto ok = write_marker(connection, name, mine); !ok) {
      return base::fail(std::move(ok.error()));
    }
    // Others may have written one, too: the first counts, for all.
    search = find_marker(reader, name);
    if (search && !search->marker) {
      return base::fail(errc::unavailable, "kafka: topic " + name + ": no marker is there yet");
    }
  }
  if (!search) return base::fail(std::move(search.error()));
  if (search->marker->partitions > **count) {
    return base::fail(errc::failed,
                      "kafka: topic " + name + " has fewer partitions than its " + "marker says");
  }
  return std::make_shared<const Topic>(name, *search->marker, search->offset);
}

base::result<MarkerSearch> KafkaLog::Core::find_marker(Reader& reader, const std::string& name) {
  const auto range = reader.watermarks(name, 0);
  if (!range) return base::fail(base::error(range.error()));
  MarkerSearch out;
  out.trimmed = range->first != 0;
  bool unreadable = false;
  const auto scanned =
      reader.scan(name, 0, range->first, range->end, [&](const rd_kafka_message_t& message) {
        const auto headers = headers_of(message);
        if (!find_header(headers, marker_header)) return true;
        const Decoded decoded = decode_headers(headers);
        const auto* const marker = std::get_if<Marker>(&decoded);
        unreadable = marker == nullptr;
        // A copy stands for one that was trimmed, so it counts only where something was; and there
        // nothing else does, or one that came second would become the first.
        if (marker != nullptr && marker->copy == out.trimmed) {
          out.marker = *marker;
          out.offset = static_cast<std::uint64_t>(message.offset);
        }
        return !out.marker && !unreadable;
      });
  if (!scanned) {
    // What it began with was deleted meanwhile: that says nothing of where a caller reads.
    if (scanned.error().code != errc::trimmed) return base::fail(base::error(scanned.error()));
    return base::fail(errc::unavailable, "kafka: topic " + name + " is being trimmed");
  }
  if (unreadable) {
    return base::fail(errc::failed, "kafka: topic " + name + " has a marker that needs another " +
                                        "version of this program");
  }
  return out;
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

}  // namespace weft::log::kafka
