#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "sim/sim_world.h"
#include "weft/log/op_log.h"
#include "weft/store/document_store.h"

namespace weft::sim {

/// What survives a crash: synced records and snapshots. Lives as long as the simulation.
struct Disk {
  struct Stored {
    base::DocumentId document;
    log::CommittedRecord entry;
  };
  std::vector<Stored> durable;   ///< in offset order
  std::vector<Stored> unsynced;  ///< written, lost with a crash (or not, if lucky)
  std::map<base::DocumentId, store::Snapshot> snapshots;
  std::uint64_t actor = 1;
  base::log_identity log{7};
  base::log_offset first;            ///< what lay below was trimmed away, of whatever document
  std::size_t commit_bytes_max = 0;  ///< envelopes of one document in the largest commit so far

  /// Who watches the disk; may be empty.
  std::function<void(const Stored&)> on_durable;
  std::function<void(const base::DocumentId&, const store::Snapshot&)> on_snapshot;

  std::uint64_t next_offset() const { return durable.size() + unsynced.size(); }
  void make_durable(Stored stored);
  /// The process died. Of what was written and not synced, `kept` records had reached the disk.
  void crash(std::size_t kept);
};

struct Faults {
  std::uint64_t overloaded_one_in = 0;    ///< 0: never
  std::uint64_t append_fails_one_in = 0;  ///< a commit that fails, landed whole, in part or not
  std::uint64_t log_dies_one_in = 0;      ///< of those, how many end the log until the next start
  std::uint64_t load_fails_one_in = 0;
  std::uint64_t commit_delay_us_max = 2000;
  std::uint64_t read_delay_us_max = 2000;
  bool disk_full = false;              ///< nothing is taken until there is room again
  std::set<base::DocumentId> damaged;  ///< what is read of these is not what was written
};

/// An OpLog and a DocumentStore on the simulated disk, with delays and faults from the seed.
///
/// A commit is several tasks: written, synced, told to each subscriber. So a crash may come between
/// any two of them.
class SimLog final : public log::OpLog, public store::DocumentStore {
 public:
  SimLog(World& world, Disk& disk, const Faults& faults)
      : world_(world), disk_(disk), faults_(faults) {}

  /// Another than its documents' positions carry, as where each topic has its own: whoever takes
  /// one for the other is found out.
  base::log_identity id() const override { return {~disk_.log.value}; }
  std::uint64_t actor() const override { return disk_.actor; }
  std::uint64_t next_seq() const override;
  base::result<void> append(const base::DocumentId& document,
                            std::vector<log::Record>&& records) override;
  std::unique_ptr<log::Subscription> subscribe(const base::DocumentId& document,
                                               base::Executor& executor,
                                               log::Subscriber& subscriber) override;
  void read(const base::DocumentId& document, base::log_offset from, std::size_t bytes_max,
            base::Executor& executor, log::callback<log::ReadResult> done) override;
  void read_partition(const log::LogPosition& from, std::size_t bytes_max, base::Executor& executor,
                      log::callback<log::PartitionReadResult> done) override;
  void end(const base::DocumentId& document, base::Executor& executor,
           log::callback<base::log_offset> done) override;
  void documents(const base::DocumentId* after, std::size_t count_max, base::Executor& executor,
                 log::callback<std::vector<base::DocumentId>> done) override;
  void trim(const base::DocumentId& document, base::log_offset before, base::Executor& executor,
            log::callback<void> done) override;
  log::LogPosition position(const base::DocumentId& document,
                            base::log_offset offset) const override;
  bool writable() const override { return !dead_ && !faults_.disk_full; }
  void load_snapshot(const base::DocumentId& document, base::Executor& executor,
                     store::callback<std::optional<store::Snapshot>> done) override;
  void save_snapshot(const base::DocumentId& document, store::Snapshot snapshot,
                     base::Executor& executor, store::callback<void> done) override;
  std::string snapshot_location(const base::DocumentId& document) const override {
    return "sim:" + base::to_string(document);
  }
  void close() override {}

  /// Somebody deletes the log and makes it again: its subscribers are told that theirs is lost.
  void recreate();

  /// A snapshot of the document is being written.
  bool saving(const base::DocumentId& document) const { return saving_.contains(document); }

 private:
  struct Slot {
    base::DocumentId document;
    base::Executor& executor;
    log::Subscriber* subscriber;  ///< null once it has gone
  };
  class Subscribed;
  struct Waiting {
    base::DocumentId document;
    std::vector<log::Record> records;
  };

  void start_commit();
  void finish_commit(std::vector<Waiting> group, bool fails, bool dies);
  void tell_failed(const std::vector<Waiting>& group, log::errc why);
  base::result<log::ReadResult> read_now(const base::DocumentId& document, base::log_offset from,
                                         std::size_t bytes_max);
  base::result<std::optional<store::Snapshot>> load_now(const base::DocumentId& document);
  bool fails(std::uint64_t one_in, const char* what);
  /// Calls `work` on what was read by then, and gives its result to `done` in another task.
  template <typename Done, typename Work>
  void later(base::Executor& executor, std::uint64_t delay_us_max, Done done, Work work);

  World& world_;
  Disk& disk_;
  const Faults& faults_;
  std::vector<std::shared_ptr<Slot>> slots_;
  std::vector<Waiting> queue_;
  std::multiset<base::DocumentId> saving_;
  std::set<base::DocumentId> known_;  ///< of which something was read or committed
  bool committing_ = false;
  bool dead_ = false;
};

}  // namespace weft::sim
