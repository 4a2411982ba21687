#pragma once

#include <optional>
#include <vector>

#include "weft/base/worker_pool.h"
#include "weft/hub/document_view.h"
#include "weft/hub/logged_edit.h"
#include "weft/hub/version_name.h"
#include "weft/log/op_log.h"
#include "weft/store/document_store.h"
#include "weft/yjs/update.h"

namespace weft::hub {

struct Located {
  standing where = standing::unknown;
  base::log_offset end;    ///< behind the document's last record
  base::log_identity log;  ///< that the document's versions count in
};

/// A part of a document's history, oldest first.
struct HistoryPage {
  std::vector<LoggedEdit> edits;
  base::log_offset next;   ///< where the next page starts
  base::log_identity log;  ///< that these versions count in
  bool more = false;       ///< records at or behind `next` existed when this was read
};

/// A snapshot out of the store.
struct StoredSnapshot {
  store::Snapshot snapshot;
  /// Whether its position means something in this log. If not (the log was recreated, restored or
  /// cut), its content counts all the same, as what was there before the log's first record.
  bool fits = false;
};

struct HistoryOptions {
  /// How much of the log one state of the past may cost to read.
  std::size_t replay_bytes_max = std::size_t{512} << 20;
};

/// What a document was: reads of its log and of its stored snapshot, without opening it.
///
/// Threading: any thread; callbacks run on the executor passed in, decoding and compacting on the
/// workers. Memory: a page, or about two states while one is replayed.
/// Errors of all: those of log and store; broken (a record is not what was written); unavailable
/// (too many reads wait).
class DocumentHistory {
 public:
  /// All parts outlive it.
  DocumentHistory(log::OpLog& log, store::DocumentStore& store, base::WorkerPool& workers,
                  HistoryOptions options)
      : log_(log), store_(store), workers_(workers), options_(options) {}

  void locate(const base::DocumentId& document, VersionName version, base::Executor& executor,
              log::callback<Located> done);

  /// Edits from `from` on: at most `count_max`, and of about `bytes_max` bytes of records (at
  /// least one). Errors: trimmed.
  void page(const base::DocumentId& document, base::log_offset from, std::size_t count_max,
            std::size_t bytes_max, base::Executor& executor, log::callback<HistoryPage> done);

  /// The stored snapshot, if there is one.
  void snapshot(const base::DocumentId& document, base::Executor& executor,
                log::callback<std::optional<StoredSnapshot>> done);

  /// The document as it was when its record at `version`, which must be known, was the last.
  /// Errors: trimmed; too_large (the way there is longer than replay_bytes_max).
  void state_at(const base::DocumentId& document, base::log_offset version,
                base::Executor& executor, log::callback<base::shared_bytes> done);

  /// Which clocks the records from `from` up to `end` carry. Errors: trimmed; too_large (they are
  /// more than replay_bytes_max).
  void clocks_between(const base::DocumentId& document, base::log_offset from, base::log_offset end,
                      base::Executor& executor, log::callback<yjs::IdSet> done);

  /// Runs `work`, which returns a result<T>, on the workers, and hands what it returns to `done`
  /// on `executor`. Errors: unavailable, or those of `work`.
  template <typename T, typename Work>
  void work(base::Executor& executor, log::callback<T> done, Work work) {
    base::run_and_answer<T>(workers_, executor, std::move(done), std::move(work), busy);
  }

  /// The error for work that a pool does not take.
  static base::error busy(base::WorkerPool::verdict why);

  log::OpLog& log() const { return log_; }

 private:
  struct Paging;
  struct Replay;
  struct Learning;

  void read_page(const std::shared_ptr<Paging>& paging);
  void replay(const std::shared_ptr<Replay>& replay);
  void learn(const std::shared_ptr<Learning>& learning);

  log::OpLog& log_;
  store::DocumentStore& store_;
  base::WorkerPool& workers_;
  const HistoryOptions options_;
};

}  // namespace weft::hub
