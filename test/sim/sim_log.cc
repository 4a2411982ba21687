#include "sim/sim_log.h"

#include <algorithm>

namespace weft::sim {

bool Disk::is_durable(const base::OperationId& operation) const {
  return std::any_of(durable.begin(), durable.end(), [&](const Stored& stored) {
    return stored.entry.record.operation == operation;
  });
}

class SimLog::Subscribed final : public log::Subscription {
 public:
  Subscribed(SimLog& log, log::Subscriber& subscriber) : log_(log), subscriber_(subscriber) {}
  ~Subscribed() override {
    std::erase_if(log_.subscribers_, [&](const auto& item) { return item.second == &subscriber_; });
  }

 private:
  SimLog& log_;
  log::Subscriber& subscriber_;
};

std::uint64_t SimLog::next_seq() const {
  std::uint64_t next = 0;
  for (const auto& stored : disk_.durable) {
    next = std::max(next, stored.entry.record.operation.seq + 1);
  }
  return next;
}

base::result<void> SimLog::append(const base::DocumentId& document,
                                  std::vector<log::Record>&& records) {
  if (fails(faults_.overloaded_one_in)) {
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
  const bool fail = fails(faults_.append_fails_one_in);
  // A failed append may have reached the disk, wholly or in part.
  const bool lands = !fail || world_.one_in(2);
  if (lands) {
    for (const auto& waiting : group) {
      for (const auto& record : waiting.records) {
        disk_.unsynced.push_back({waiting.document, {{disk_.next_offset()}, record}});
      }
    }
  }
  world_.schedule(
      world_.delay(faults_.commit_delay_us_max),
      [this, group = std::move(group), fail]() mutable { finish_commit(std::move(group), fail); });
}

void SimLog::finish_commit(std::vector<Waiting> group, bool fail) {
  std::map<base::DocumentId, log::record_batch> committed;
  for (auto& stored : disk_.unsynced) {
    committed[stored.document].push_back(stored.entry);
    disk_.durable.push_back(std::move(stored));
  }
  disk_.unsynced.clear();
  const auto subscribers = subscribers_;
  if (fail) {
    for (const auto& waiting : group) {
      std::vector<base::OperationId> operations;
      for (const auto& record : waiting.records) operations.push_back(record.operation);
      for (auto [it, end] = subscribers.equal_range(waiting.document); it != end; ++it) {
        it->second->on_append_failed(
            operations, {make_error_code(log::errc::commit_unknown), "simulated failure"});
      }
    }
  } else {
    for (const auto& [document, records] : committed) {
      for (auto [it, end] = subscribers.equal_range(document); it != end; ++it) {
        it->second->on_committed(records);
      }
    }
  }
  if (queue_.empty()) {
    committing_ = false;
  } else {
    start_commit();
  }
}

std::unique_ptr<log::Subscription> SimLog::subscribe(const base::DocumentId& document,
                                                     base::Executor&, log::Subscriber& subscriber) {
  subscribers_.emplace(document, &subscriber);
  return std::make_unique<Subscribed>(*this, subscriber);
}

void SimLog::read(const base::DocumentId& document, base::log_offset from, std::size_t bytes_max,
                  base::Executor&, log::callback<log::ReadResult> done) {
  const bool fail = fails(faults_.load_fails_one_in);
  world_.schedule(world_.delay(faults_.read_delay_us_max),
                  [this, document, from, bytes_max, fail, done = std::move(done)]() mutable {
                    if (fail) return done(base::fail(log::errc::closed, "simulated read failure"));
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
                    done(std::move(out));
                  });
}

void SimLog::read_partition(std::int32_t, base::log_offset from, std::size_t, base::Executor&,
                            log::callback<log::PartitionReadResult> done) {
  log::PartitionReadResult out;
  for (const auto& stored : disk_.durable) {
    if (stored.entry.offset >= from) out.records.push_back({stored.document, stored.entry});
  }
  out.next.value = disk_.durable.size();
  world_.post([out = std::move(out), done = std::move(done)]() mutable { done(std::move(out)); });
}

void SimLog::end(const base::DocumentId& document, base::Executor&,
                 log::callback<base::log_offset> done) {
  base::log_offset out;
  for (const auto& stored : disk_.durable) {
    if (stored.document == document) out.value = stored.entry.offset.value + 1;
  }
  world_.post([out, done = std::move(done)]() mutable { done(out); });
}

void SimLog::documents(const base::DocumentId*, std::size_t, base::Executor&,
                       log::callback<std::vector<base::DocumentId>> done) {
  std::set<base::DocumentId> found;
  for (const auto& stored : disk_.durable) found.insert(stored.document);
  world_.post([out = std::vector<base::DocumentId>(found.begin(), found.end()),
               done = std::move(done)]() mutable { done(std::move(out)); });
}

void SimLog::trim(const base::DocumentId&, base::log_offset, base::Executor&,
                  log::callback<void> done) {
  world_.post([done = std::move(done)]() mutable {
    done(base::fail(log::errc::failed, "the simulated log keeps everything"));
  });
}

log::LogPosition SimLog::position(const base::DocumentId& document, base::log_offset offset) const {
  return {"", id(), "sync-" + document.room_id, 0, offset};
}

void SimLog::load_snapshot(const base::DocumentId& document, base::Executor&,
                           store::callback<std::optional<store::Snapshot>> done) {
  const bool fail = fails(faults_.load_fails_one_in);
  world_.schedule(world_.delay(faults_.read_delay_us_max),
                  [this, document, fail, done = std::move(done)]() mutable {
                    if (fail) {
                      return done(base::fail(store::errc::unavailable, "simulated store failure"));
                    }
                    const auto it = disk_.snapshots.find(document);
                    if (it == disk_.snapshots.end()) return done(std::nullopt);
                    done(it->second);
                  });
}

void SimLog::save_snapshot(const base::DocumentId& document, store::Snapshot snapshot,
                           base::Executor&, store::callback<void> done) {
  const bool fail = fails(faults_.load_fails_one_in);
  world_.schedule(
      world_.delay(faults_.commit_delay_us_max),
      [this, document, snapshot = std::move(snapshot), fail, done = std::move(done)]() mutable {
        if (fail) {
          return done(base::fail(store::errc::unavailable, "simulated store failure"));
        }
        disk_.snapshots[document] = std::move(snapshot);
        done({});
      });
}

}  // namespace weft::sim
