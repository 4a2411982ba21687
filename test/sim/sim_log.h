#pragma once

#include <map>
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

  std::uint64_t next_offset() const { return durable.size() + unsynced.size(); }
  bool is_durable(const base::OperationId& operation) const;
};

struct Faults {
  std::uint64_t overloaded_one_in = 0;    ///< 0: never
  std::uint64_t append_fails_one_in = 0;  ///< a commit that fails, landed or not
  std::uint64_t load_fails_one_in = 0;
  std::uint64_t commit_delay_us_max = 2000;
  std::uint64_t read_delay_us_max = 2000;
};

/// An OpLog and a DocumentStore on the simulated disk, with delays and faults from the seed.
class SimLog final : public log::OpLog, public store::DocumentStore {
 public:
  SimLog(World& world, Disk& disk, const Faults& faults)
      : world_(world), disk_(disk), faults_(faults) {}

  base::log_identity id() const override { return {7}; }
  std::uint64_t actor() const override { return disk_.actor; }
  std::uint64_t next_seq() const override;
  base::result<void> append(const base::DocumentId& document,
                            std::vector<log::Record>&& records) override;
  std::unique_ptr<log::Subscription> subscribe(const base::DocumentId& document,
                                               base::Executor& executor,
                                               log::Subscriber& subscriber) override;
  void read(const base::DocumentId& document, base::log_offset from, std::size_t bytes_max,
            base::Executor& executor, log::callback<log::ReadResult> done) override;
  void read_partition(std::int32_t partition, base::log_offset from, std::size_t bytes_max,
                      base::Executor& executor,
                      log::callback<log::PartitionReadResult> done) override;
  void end(const base::DocumentId& document, base::Executor& executor,
           log::callback<base::log_offset> done) override;
  void documents(const base::DocumentId* after, std::size_t count_max, base::Executor& executor,
                 log::callback<std::vector<base::DocumentId>> done) override;
  void trim(const base::DocumentId& document, base::log_offset before, base::Executor& executor,
            log::callback<void> done) override;
  log::LogPosition position(const base::DocumentId& document,
                            base::log_offset offset) const override;
  bool writable() const override { return true; }
  void load_snapshot(const base::DocumentId& document, base::Executor& executor,
                     store::callback<std::optional<store::Snapshot>> done) override;
  void save_snapshot(const base::DocumentId& document, store::Snapshot snapshot,
                     base::Executor& executor, store::callback<void> done) override;
  void close() override {}

 private:
  class Subscribed;
  struct Waiting {
    base::DocumentId document;
    std::vector<log::Record> records;
  };

  void start_commit();
  void finish_commit(std::vector<Waiting> group, bool fails);
  bool fails(std::uint64_t one_in) { return one_in != 0 && world_.one_in(one_in); }

  World& world_;
  Disk& disk_;
  const Faults& faults_;
  std::multimap<base::DocumentId, log::Subscriber*> subscribers_;
  std::vector<Waiting> queue_;
  bool committing_ = false;
};

}  // namespace weft::sim
