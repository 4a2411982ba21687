// What the followers bring: decoded, matched with what was appended here, published.

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "weft/log/kafka/core.h"

namespace weft::log::kafka {

void KafkaLog::Core::on_records(Follower::number what, std::span<const message_ptr> messages,
                                std::uint64_t end) {
  struct Arrived {
    const rd_kafka_message_t* message;
    DocumentRecord record;
  };
  std::vector<Arrived> arrived;
  std::vector<Damaged> damaged;
  std::uint64_t foreign = 0;
  for (const message_ptr& message : messages) {
    Decoded decoded = decode(*message);
    if (auto* const record = std::get_if<DocumentRecord>(&decoded)) {
      arrived.push_back({message.get(), std::move(*record)});
    } else if (auto* const bad = std::get_if<Damaged>(&decoded)) {
      ++foreign;
      damaged.push_back(std::move(*bad));
    } else if (std::holds_alternative<Foreign>(decoded)) {
      ++foreign;
    }
  }
  partition_ptr partition;
  bool held = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followed_.find(what);
    if (found == followed_.end()) return;
    partition = found->second;
    if (partition->held) return;
    // A writer that knows another topic of this name: one of us is behind. If it is us, none of
    // this belongs to what was followed; if not, it comes again.
    held = std::any_of(arrived.begin(), arrived.end(), [&](const Arrived& one) {
      return one.record.source.log != partition->topic->id &&
             static_cast<std::uint64_t>(one.message->offset) >= partition->trusted_below;
    });
    partition->gone = partition->held = held;
  }
  if (held) return verify(partition->connection, partition->topic->name);
  {
    // Until the records are published: whoever subscribes meanwhile finds them by reading.
    const std::scoped_lock lock(mutex_);
    if (!followed_.contains(what)) return;
    stats_.foreign_records += foreign;
    std::unordered_map<base::DocumentId, std::shared_ptr<record_batch>> batches;
    std::vector<Delivery> commit;
    for (Arrived& one : arrived) {
      auto& [document, record, source] = one.record;
      const auto mine = source.writer == actor_ ? inflight_.find(source.serial) : inflight_.end();
      if (mine != inflight_.end()) {
        record.envelope = std::move(mine->second.record.envelope);
        record.trace = std::move(mine->second.record.trace);
        if (record.trace) {
          record.trace->written.at = clock::now().time_since_epoch();
          record.trace->records = arrived.size();
        }
        ++stats_.records;
        settle(mine);
      }
      const auto entry = documents_.find(document);
      if (entry == documents_.end() || entry->second.subscribers == 0) continue;
      // One that lies where its document does not would have an offset among those of another.
      if (entry->second.partition != partition) {
        ++stats_.foreign_records;
        continue;
      }
      const auto offset = static_cast<std::uint64_t>(one.message->offset);
      entry->second.delivered_end = offset + 1;
      if (record.envelope.empty()) {
        record.envelope = base::shared_bytes::copy_of(value_of(*one.message));
      }
      auto& batch = batches[document];
      if (!batch) {
        batch = std::make_shared<record_batch>();
        commit.push_back({document, batch});
      }
      batch->push_back({{offset}, std::move(record)});
    }
    registry_->publish(commit, partition->end, end);
    forget_idle();
  }
  settle_doubts(*partition);
  std::vector<base::DocumentId> unreadable;
  for (Damaged& one : damaged) {
    report(base::severity::error, "kafka.record_damaged",
           {{"topic", partition->topic->name},
            {"partition", std::to_string(partition->index)},
            {"before", std::to_string(end)},
            {"reason", one.why}});
    if (one.document) unreadable.push_back(std::move(*one.document));
  }
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(unreadable, [&](const base::DocumentId& document) {
      const auto entry = documents_.find(document);
      return entry == documents_.end() || entry->second.partition != partition;
    });
  }
  if (!unreadable.empty()) {
    lose(unreadable, {make_error_code(errc::corrupt), "kafka: a record is not what was written"});
  }
}

void KafkaLog::Core::on_gone(Follower::number what, rd_kafka_resp_err_t why) {
  Connection* connection = nullptr;
  std::string name;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followed_.find(what);
    if (found == followed_.end()) return;
    found->second->gone = true;
    connection = &found->second->connection;
    name = found->second->topic->name;
  }
  report(base::severity::warn, "kafka.partition_gone",
         {{"topic", name}, {"says", rd_kafka_err2str(why)}});
  verify(*connection, name);
}

}  // namespace weft::log::kafka
