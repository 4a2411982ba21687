#include "sim/sim_log.h"

#include <algorithm>

namespace weft::sim {

void Disk::make_durable(Stored stored) {
  durable.push_back(std::move(stored));
  if (on_durable) on_durable(durable.back());
}

void Disk::crash(std::size_t kept) {
  auto written = std::move(unsynced);
  unsynced.clear();
  for (std::size_t i = 0; i < kept; ++i) make_durable(std::move(written[i]));
}

class SimLog::Subscribed final : public log::Subscription {
 public:
  Subscribed(SimLog& log, std::shared_ptr<Slot> slot) : log_(log), slot_(std::move(slot)) {}
  ~Subscribed() override {
    slot_->subscriber = nullptr;
    std::erase(log_.slots_, slot_);
  }

 private:
  SimLog& log_;
  const std::shared_ptr<Slot> slot_;
};

bool SimLog::fails(std::uint64_t one_in, const char* what) {
  if (one_in == 0 || !world_.one_in(one_in)) return false;
  world_.met(what);
  return true;
}

std::uint64_t SimLog::next_seq() const {
  std::uint64_t next = 0;
  for (const auto& stored : disk_.durable) {
    next = std::max(next, stored.entry.record.operation.seq + 1);
  }
  return next;
}

// --- appending ----------------------------------------------------------------------------------

base::result<void> SimLog::append(const base::DocumentId& document,
                                  std::vector<log::Record>&& records) {
  if (dead_) return base::fail(log::errc::failed, "simulated: the log has failed");
  if (faults_.disk_full) {
    world_.met("append to a full disk");
    return base::fail(log::errc::disk_full, "simulated: the disk is full");
  }
  if (fails(faults_.overloaded_one_in, "overloaded append")) {
    return base::fail(log::errc::overloaded, "simulated overload");
  }
  queue_.push_back({document, std::move(records)});
  if (!committing_) {
    committing_ = true;
    world_.post([this] { start_commit(); });
  }
  return {};
}

void SimLog::start_commit() {
  auto group = std::move(queue_);
  queue_.clear();
  if (faults_.disk_full) {
    world_.met("commit to a full disk");
    committing_ = false;
    return tell_failed(group, log::errc::disk_full);
  }
  std::vector<Disk::Stored> written;
  for (const auto& waiting : group) {
    for (const auto& record : waiting.records) written.push_back({waiting.document, {{}, record}});
  }
  const bool fail = fails(faults_.append_fails_one_in, "failed commit");
  const bool dies = fail && fails(faults_.log_dies_one_in, "dead log");
  // A failed one may have reached the disk, wholly or in part.
  if (fail) {
    const std::size_t landed = world_.random().below(written.size() + 1);
    if (landed > 0 && landed < written.size()) world_.met("torn commit");
    written.resize(landed);
  }
  for (auto& stored : written) {
    stored.entry.offset.value = disk_.next_offset();
    disk_.unsynced.push_back(std::move(stored));
  }
  world_.schedule(world_.delay(faults_.commit_delay_us_max),
                  [this, group = std::move(group), fail, dies]() mutable {
                    finish_commit(std::move(group), fail, dies);
                  });
}

void SimLog::finish_commit(std::vector<Waiting> group, bool fail, bool dies) {
  std::map<base::DocumentId, log::record_batch> committed;
  for (auto& stored : disk_.unsynced) {
    committed[stored.document].push_back(stored.entry);
    known_.insert(stored.document);
    disk_.make_durable(std::move(stored));
  }
  disk_.unsynced.clear();
  if (fail) {
    tell_failed(group, log::errc::commit_unknown);
    if (dies) {
      dead_ = true;
      committing_ = false;
      const auto waiting = std::move(queue_);
      queue_.clear();
      return tell_failed(waiting, log::errc::failed);
    }
  } else {
    for (auto& [document, records] : committed) {
      std::size_t bytes = 0;
      for (const auto& entry : records) bytes += entry.record.envelope.size();
      disk_.commit_bytes_max = std::max(disk_.commit_bytes_max, bytes);
      const auto shared = std::make_shared<const log::record_batch>(std::move(records));
      for (const auto& slot : slots_) {
        if (slot->document != document) continue;
        slot->executor.post([slot, shared] {
          if (slot->subscriber) slot->subscriber->on_committed(*shared);
        });
      }
    }
  }
  if (queue_.empty()) {
    committing_ = false;
  } else {
    start_commit();
  }
}

void SimLog::tell_failed(const std::vector<Waiting>& group, log::errc why) {
  for (const auto& waiting : group) {
    std::vector<base::OperationId> operations;
    for (const auto& record : waiting.records) operations.push_back(record.operation);
    for (const auto& slot : slots_) {
      if (slot->document != waiting.document) continue;
      slot->executor.post([slot, operations, why] {
        if (!slot->subscriber) return;
        slot->subscriber->on_append_failed(operations, {make_error_code(why), "simulated failure"});
      });
    }
  }
}

void SimLog::recreate() {
  disk_.durable.clear();
  disk_.first = {};
  ++disk_.log.value;
  for (const auto& slot : std::exchange(slots_, {})) {
    slot->executor.post([slot] {
      if (!slot->subscriber) return;
      auto* const subscriber = std::exchange(slot->subscriber, nullptr);
      subscriber->on_lost({make_error_code(log::errc::replaced), "simulated recreation"});
    });
  }
}

std::unique_ptr<log::Subscription> SimLog::subscribe(const base::DocumentId& document,
                                                     base::Executor& executor,
                                                     log::Subscriber& subscriber) {
  auto slot = std::make_shared<Slot>(Slot{document, executor, &subscriber});
  slots_.push_back(slot);
  return std::make_unique<Subscribed>(*this, std::move(slot));
}

// --- reading ------------------------------------------------------------------------------------

template <typename Done, typename Work>
void SimLog::later(base::Executor& executor, std::uint64_t delay_us_max, Done done, Work work) {
  world_.schedule(world_.delay(delay_us_max), [&executor, done = std::move(done),
                                               work = std::move(work)]() mutable {
    // What was told to subscribers before this moment was posted before this.
    executor.post([done = std::move(done), out = work()]() mutable { done(std::move(out)); });
  });
}

base::result<log::ReadResult> SimLog::read_now(const base::DocumentId& document,
                                               base::log_offset from, std::size_t bytes_max) {
  if (fails(faults_.load_fails_one_in, "failed read")) {
    return base::fail(log::errc::closed, "simulated read failure");
  }
  known_.insert(document);
  if (from < disk_.first) {
    return base::fail(log::errc::trimmed, "simulated: the log begins behind that");
  }
  log::ReadResult out;
  out.next = from;
  std::size_t bytes = 0;
  for (const auto& stored : disk_.durable) {
    if (stored.document != document || stored.entry.offset < from) continue;
    if (bytes != 0 && bytes + stored.entry.record.envelope.size() > bytes_max) {
      out.more = true;
      break;
    }
    bytes += stored.entry.record.envelope.size();
    out.records.push_back(stored.entry);
    out.next.value = stored.entry.offset.value + 1;
  }
  if (!faults_.damaged.contains(document)) return out;
  if (out.records.empty() || world_.one_in(2)) {
    world_.met("corrupt read");
    return base::fail(log::errc::corrupt, "simulated: checksum mismatch");
  }
  world_.met("damaged record");
  auto& envelope = out.records[world_.random().below(out.records.size())].record.envelope;
  envelope = envelope.slice(0, world_.random().below(envelope.size()));
  return out;
}

void SimLog::read(const base::DocumentId& document, base::log_offset from, std::size_t bytes_max,
                  base::Executor& executor, log::callback<log::ReadResult> done) {
  later(executor, faults_.read_delay_us_max, std::move(done),
        [this, document, from, bytes_max] { return read_now(document, from, bytes_max); });
}

void SimLog::read_partition(const log::LogPosition& position, std::size_t, base::Executor& executor,
                            log::callback<log::PartitionReadResult> done) {
  later(executor, faults_.read_delay_us_max, std::move(done),
        [this, from = position.offset]() -> base::result<log::PartitionReadResult> {
          log::PartitionReadResult out;
          for (const auto& stored : disk_.durable) {
            if (stored.entry.offset >= from) out.records.push_back({stored.document, stored.entry});
          }
          out.next.value = disk_.durable.size();
          return out;
        });
}

void SimLog::end(const base::DocumentId& document, base::Executor& executor,
                 log::callback<base::log_offset> done) {
  later(executor, faults_.read_delay_us_max, std::move(done),
        [this, document]() -> base::result<base::log_offset> {
          known_.insert(document);
          base::log_offset out = disk_.first;  // as of a log without an index
          for (const auto& stored : disk_.durable) {
            if (stored.entry.offset < disk_.first) continue;
            if (stored.document == document) out.value = stored.entry.offset.value + 1;
          }
          return out;
        });
}

void SimLog::documents(const base::DocumentId*, std::size_t, base::Executor& executor,
                       log::callback<std::vector<base::DocumentId>> done) {
  later(executor, faults_.read_delay_us_max, std::move(done),
        [this]() -> base::result<std::vector<base::DocumentId>> {
          std::set<base::DocumentId> found;
          for (const auto& stored : disk_.durable) found.insert(stored.document);
          return std::vector<base::DocumentId>(found.begin(), found.end());
        });
}

void SimLog::trim(const base::DocumentId&, base::log_offset, base::Executor& executor,
                  log::callback<void> done) {
  executor.post([done = std::move(done)]() mutable {
    done(base::fail(log::errc::unsupported, "simulated: only all documents can be trimmed"));
  });
}

log::LogPosition SimLog::position(const base::DocumentId& document, base::log_offset offset) const {
  if (!known_.contains(document)) return {"", {}, "", 0, offset};
  return {"", disk_.log, "sync-" + document.room_id, 0, offset};
}

// --- snapshots ----------------------------------------------------------------------------------

base::result<std::optional<store::Snapshot>> SimLog::load_now(const base::DocumentId& document) {
  if (fails(faults_.load_fails_one_in, "failed load")) {
    return base::fail(store::errc::unavailable, "simulated store failure");
  }
  const auto it = disk_.snapshots.find(document);
  const bool found = it != disk_.snapshots.end();
  std::optional<store::Snapshot> out;
  if (found) out = it->second;
  if (!faults_.damaged.contains(document)) return out;
  if (!found || world_.one_in(2)) {
    world_.met("corrupt snapshot");
    return base::fail(store::errc::corrupt, "simulated: checksum mismatch");
  }
  world_.met("damaged snapshot");
  out->update = out->update.slice(0, world_.random().below(out->update.size()));
  return out;
}

void SimLog::load_snapshot(const base::DocumentId& document, base::Executor& executor,
                           store::callback<std::optional<store::Snapshot>> done) {
  later(executor, faults_.read_delay_us_max, std::move(done),
        [this, document] { return load_now(document); });
}

void SimLog::save_snapshot(const base::DocumentId& document, store::Snapshot snapshot,
                           base::Executor& executor, store::callback<void> done) {
  saving_.insert(document);
  later(executor, faults_.commit_delay_us_max, std::move(done),
        [this, document, snapshot = std::move(snapshot)]() mutable -> base::result<void> {
          saving_.erase(saving_.find(document));
          if (faults_.disk_full || fails(faults_.load_fails_one_in, "failed snapshot")) {
            return base::fail(store::errc::unavailable, "simulated store failure");
          }
          const auto it = disk_.snapshots.find(document);
          if (it != disk_.snapshots.end() && it->second.log == snapshot.log &&
              snapshot.covered_end < it->second.covered_end) {
            return base::fail(store::errc::stale, "simulated: a newer snapshot is there");
          }
          if (disk_.on_snapshot) disk_.on_snapshot(document, snapshot);
          disk_.snapshots[document] = std::move(snapshot);
          return {};
        });
}

}  // namespace weft::sim
