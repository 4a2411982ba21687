// From an append to its outcome: sent, reported, read back or looked for.

#include <algorithm>
#include <utility>

#include "weft/base/document_key.h"
#include "weft/log/kafka/core.h"
#include "weft/log/record_codec.h"

namespace weft::log::kafka {
namespace {

/// What a record takes beside its envelope and identity, about: headers and bookkeeping.
constexpr std::size_t record_overhead_bytes = 256;
constexpr std::chrono::milliseconds look_again_delay{500};
constexpr std::chrono::milliseconds new_producer_delay{250};

}  // namespace

base::result<void> KafkaLog::Core::append(const base::DocumentId& document,
                                          std::vector<Record>&& records) {
  std::size_t bytes = 0;
  for (const Record& record : records) {
    if (record.envelope.size() > options_.record_bytes_max ||
        record.identity.size() > identity_bytes_max) {
      return base::fail(errc::too_large, "kafka: an envelope of " +
                                             std::to_string(record.envelope.size()) +
                                             " bytes is larger than record_bytes_max");
    }
    bytes += record.envelope.size() + record.identity.size() + record_overhead_bytes;
  }
  std::vector<Failure> failures;
  bool ask = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return base::fail(errc::closed, "kafka: the log is closed");
    if (inflight_bytes_ != 0 && inflight_bytes_ + bytes > options_.inflight_bytes_max) {
      return base::fail(errc::overloaded, "kafka: " + std::to_string(inflight_bytes_) +
                                              " bytes are waiting for the brokers");
    }
    const auto known = documents_.find(document);
    if (known != documents_.end() && known->second.partition &&
        known->second.partition->connection.replacing) {
      return base::fail(errc::unavailable, "kafka: a new producer is being made");
    }
    Entry& entry = obtain(document);
    for (Record& record : records) {
      if (record.operation.actor == actor_) seq_max_ = std::max(seq_max_, record.operation.seq);
      if (record.trace) {
        record.trace->begun.at = clock::now().time_since_epoch();
      }
      const std::size_t size =
          record.envelope.size() + record.identity.size() + record_overhead_bytes;
      inflight_.emplace(++serial_,
                        InFlight{document, std::move(record), size, clock::now(),
                                 InFlight::state::unsent, entry.partition, 0, std::nullopt});
      entry.unsent.push_back(serial_);
      entry.inflight.insert(serial_);
      inflight_bytes_ += size;
    }
    if (can_send(entry)) {
      send_unsent(entry, failures);
    } else if (!entry.partition && !entry.routing) {
      entry.routing = ask = true;
    }
    forget_idle();
  }
  tell(std::move(failures));
  if (ask) route(document);
  return {};
}

bool KafkaLog::Core::can_send(const Entry& entry) const {
  // A subscriber must hear of what is appended from now on: not before its partition is followed.
  return entry.partition && !entry.partition->connection.replacing &&
         (entry.subscribers == 0 || entry.partition->follow == Partition::state::following);
}

void KafkaLog::Core::send_unsent(Entry& entry, std::vector<Failure>& failures) {
  const auto& producer = entry.partition->connection.producer;
  for (const std::uint64_t serial : std::exchange(entry.unsent, {})) {
    const auto at = inflight_.find(serial);
    InFlight& sending = at->second;
    sending.partition = entry.partition;
    entry.partition->inflight.insert(serial);
    sending.now = InFlight::state::sent;
    const Topic& topic = *entry.partition->topic;
    const Source source{topic.id, actor_, serial};
    auto sent = producer ? producer->send({topic.name,
                                           entry.partition->index,
                                           sending.document.doc_id,
                                           true,
                                           {{record_header, encode_record(sending.record)},
                                            {document_header, base::document_key(sending.document)},
                                            {source_header, encode_source(source)}},
                                           sending.record.envelope},
                                          [this, serial](const DeliveryReport& told) {
                                            on_report(serial, told);
                                          })
                         : base::fail(errc::closed, "kafka: the log is closed");
    if (!sent) fail(at, sent.error(), failures);
  }
}

void KafkaLog::Core::settle(inflight_map::iterator at) {
  const InFlight& done = at->second;
  inflight_bytes_ -= done.bytes;
  if (done.now == InFlight::state::doubtful) --doubtful_;
  const auto entry = documents_.find(done.document);
  if (entry != documents_.end() && entry->second.inflight.erase(at->first) > 0 &&
      entry->second.inflight.empty()) {
    idle_.push_back(done.document);
  }
  if (done.partition) done.partition->inflight.erase(at->first);
  inflight_.erase(at);
  if (inflight_.empty()) settled_.notify_all();
}

void KafkaLog::Core::fail(inflight_map::iterator at, const base::error& why,
                          std::vector<Failure>& failures) {
  const InFlight& failed = at->second;
  ++stats_.failed_records;
  if (!failures.empty() && failures.back().document == failed.document &&
      failures.back().why.code == why.code) {
    failures.back().operations.push_back(failed.record.operation);
  } else {
    failures.push_back({failed.document, {failed.record.operation}, why});
  }
  settle(at);
}

void KafkaLog::Core::tell(std::vector<Failure> failures) {
  if (failures.empty()) return;
  for (const Failure& failure : failures) {
    report(base::severity::warn, "kafka.append_failed",
           {{"document", base::to_string(failure.document)},
            {"records", std::to_string(failure.operations.size())},
            {"reason", failure.why.message}});
  }
  registry_->fail(std::move(failures));
}

void KafkaLog::Core::on_report(std::uint64_t serial, const DeliveryReport& told) {
  std::vector<Failure> failures;
  partition_ptr in_doubt;
  partition_ptr overtaken;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = inflight_.find(serial);
    if (at == inflight_.end()) return;  // it was read back before
    InFlight& record = at->second;
    Partition& partition = *record.partition;
    switch (told.what) {
      case fate::stored:
        record.offset = static_cast<std::uint64_t>(told.offset);
        record.now = InFlight::state::stored;
        if (partition.follow == Partition::state::idle ||
            (partition.follow == Partition::state::following && record.offset < partition.start)) {
          settle(at);  // nobody reads it back
        } else if (partition.follow == Partition::state::following && told.offset >= 0 &&
                   record.offset < registry_->end(partition.end)) {
          // What was seen there was another record: the partition is not what it was.
          partition.overtaken = true;
          overtaken = record.partition;
        }
        break;
      case fate::refused:
        fail(at, told.why, failures);
        break;
      case fate::unknown:
        if (partition.follow == Partition::state::idle) {
          settle(at);
          break;
        }
        record.now = InFlight::state::doubtful;
        ++doubtful_;
        partition.doubtful.push_back(serial);
        if (!std::exchange(partition.looking, true)) in_doubt = record.partition;
        break;
    }
    forget_idle();
  }
  tell(std::move(failures));
  if (in_doubt) look_for_doubtful(in_doubt);
  if (overtaken) verify(overtaken->connection, overtaken->topic->name);
}

void KafkaLog::Core::look_for_doubtful(const partition_ptr& partition) {
  std::vector<std::uint64_t> sought;
  {
    const std::scoped_lock lock(mutex_);
    sought = std::exchange(partition->doubtful, {});
    partition->looking = !sought.empty();
  }
  if (sought.empty()) return;
  // They lie below the end that the partition has now, or nowhere. Those that come into doubt
  // meanwhile wait for the next query, all together.
  ask_watermarks(partition, [this, partition,
                             sought = std::move(sought)](const base::result<Watermarks>& found) {
    {
      const std::scoped_lock lock(mutex_);
      if (!found && closing_) return;
      for (const std::uint64_t serial : sought) {
        const auto at = inflight_.find(serial);
        if (at == inflight_.end() || at->second.now != InFlight::state::doubtful) continue;
        if (found) {
          at->second.sought_below = found->end;
        } else {
          partition->doubtful.push_back(serial);
        }
      }
    }
    if (found) {
      settle_doubts(*partition);
      return look_for_doubtful(partition);
    }
    partition->connection.follower->after(look_again_delay,
                                          [this, partition] { look_for_doubtful(partition); });
  });
}

void KafkaLog::Core::settle_doubts(const Partition& partition) {
  const base::error why{make_error_code(errc::commit_unknown),
                        "kafka: the brokers did not say whether they stored it, and it was not "
                        "found"};
  std::vector<Failure> failures;
  {
    const std::scoped_lock lock(mutex_);
    if (doubtful_ == 0) return;
    const std::uint64_t seen = registry_->end(partition.end);
    for (auto next = partition.inflight.begin(); next != partition.inflight.end();) {
      const auto at = inflight_.find(*next++);
      const InFlight& record = at->second;
      if (record.now == InFlight::state::doubtful && record.sought_below &&
          *record.sought_below <= seen) {
        fail(at, why, failures);
      }
    }
    forget_idle();
  }
  tell(std::move(failures));
}

base::result<std::shared_ptr<Producer>> KafkaLog::Core::make_producer(Connection& connection) {
  auto made =
      Producer::open(connection.given, options_.append_timeout, options_.record_bytes_max,
                     options_.events, [this, &connection] { replace_producer(connection); });
  if (!made) return base::fail(std::move(made.error()));
  return std::shared_ptr<Producer>(std::move(*made));
}

void KafkaLog::Core::replace_producer(Connection& connection) {
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return;
    connection.replacing = true;
  }
  report(base::severity::warn, "kafka.producer_broke", {{"cluster", connection.name}});
  // Not here: this is the old producer's own thread.
  connection.follower->after({}, [this, &connection] {
    std::shared_ptr<Producer> old;
    {
      const std::scoped_lock lock(mutex_);
      old = std::exchange(connection.producer, nullptr);
    }
    // What it still had is told here: not stored, or not known.
    if (old) old->finish(std::chrono::milliseconds(0));
    old.reset();
    auto made = make_producer(connection);
    if (!made) {
      connection.follower->after(new_producer_delay,
                                 [this, &connection] { replace_producer(connection); });
      return;
    }
    std::vector<Failure> failures;
    {
      const std::scoped_lock lock(mutex_);
      connection.producer = std::move(*made);
      connection.replacing = false;
      ++stats_.producers_replaced;
      for (auto& [document, entry] : documents_) {
        if (can_send(entry)) send_unsent(entry, failures);
      }
      forget_idle();
    }
    tell(std::move(failures));
  });
}

}  // namespace weft::log::kafka
