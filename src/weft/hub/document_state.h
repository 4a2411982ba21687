#pragma once

#include <optional>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/hub/run.h"
#include "weft/yjs/update.h"

namespace weft::hub {

/// What a document holds, without a heap of objects: compacted runs, the updates committed since
/// (`tail`), and the clock ranges and deletions that all of them cover.
///
/// Runs are in log order and shrink: a compaction takes the tail and those runs at the end that are
/// not much larger than what it has taken already. So an edit is compacted some log2(document /
/// tail) times in its life, and the large old run is left alone while people type. `held` runs
/// ahead: it includes edits that are appended but not yet committed, so that a repeated edit in
/// flight is recognised. Runs and tail hold committed edits only: nothing else is shown. Memory:
/// the compacted bytes and their marks, the tail, and a few dozen bytes per client and deleted
/// range. Threading: the document's executor; runs and tail are immutable and may be read
/// elsewhere.
class DocumentState {
 public:
  /// Starts from a snapshot and what it holds.
  void load(shared_run snapshot, yjs::Knowledge held, base::log_offset covered_end);

  /// Keeps what was loaded, but lets every record of the log come after it.
  void forget_position() { runs_end_ = end_ = {}; }

  /// Adds a committed update, in any order of offsets; `foreign` when `held` does not know it yet.
  base::result<void> commit(base::shared_bytes update, base::log_offset offset, bool foreign);

  /// Registers an update that is being appended. It must have been classified before.
  void submit(base::byte_view update);

  /// Forgets what was submitted and never committed.
  void forget_uncommitted();

  const yjs::Knowledge& held() const { return held_; }
  const std::vector<shared_run>& runs() const { return runs_; }
  const std::vector<base::shared_bytes>& tail() const { return tail_; }
  std::size_t tail_bytes() const { return tail_bytes_; }
  /// Of runs and tail.
  std::size_t bytes() const { return runs_bytes_ + tail_bytes_; }
  bool empty() const { return runs_.empty() && tail_.empty(); }

  /// Every committed record lies below this offset.
  base::log_offset end() const { return end_; }

  /// Runs and tail as one list of updates, oldest first.
  std::vector<base::shared_bytes> parts() const;

  /// The state as one compacted update, if it lies in memory as one; else nullopt.
  std::optional<base::shared_bytes> whole() const;

  /// All of tail in one update; made once per end().
  base::result<base::shared_bytes> merged_tail();

  /// What a client with this state vector lacks. Costs the tail and the answer.
  base::result<base::byte_vector> diff(base::byte_view state_vector);

  /// As yjs::same_content against everything committed and `in_flight`.
  base::result<bool> same_content(base::byte_view update,
                                  std::vector<base::byte_view> in_flight) const;

  /// What a compaction takes: the tail, and the runs from `first_run` on.
  struct Plan {
    std::size_t first_run = 0;
    std::size_t tail_records = 0;
    base::log_offset end;  ///< behind the last record taken
    std::vector<base::shared_bytes> updates;
  };
  Plan plan(bool everything) const;

  /// Puts the compacted run in the place of what the plan took; edits may have come meanwhile.
  void replace(const Plan& plan, shared_run run);

 private:
  std::vector<shared_run> runs_;
  std::size_t runs_bytes_ = 0;
  base::log_offset runs_end_;  ///< every record below this is part of runs
  std::vector<base::shared_bytes> tail_;
  std::vector<base::log_offset> tail_ends_;  ///< end_ when each of tail had come
  std::size_t tail_bytes_ = 0;
  base::log_offset end_;
  yjs::Knowledge held_;
  std::optional<base::shared_bytes> merged_tail_;
};

}  // namespace weft::hub
