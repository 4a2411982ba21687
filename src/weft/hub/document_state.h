#pragma once

#include <optional>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/yjs/update.h"

namespace weft::hub {

/// What a document holds, without a heap of objects: one compacted update (`base`) and the updates
/// committed since (`tail`), beside the clock ranges and deletions they cover.
///
/// `held` runs ahead: it includes edits that are appended but not yet committed, so that a repeated
/// edit in flight is recognised. base and tail hold committed edits only: nothing else is shown.
/// Memory: the compacted bytes, the tail, and a few dozen bytes per client and deleted range.
/// Threading: the document's executor; base and tail are immutable and may be read elsewhere.
class DocumentState {
 public:
  /// Starts from a snapshot. Errors: what yjs::learn says of it.
  base::result<void> load(base::shared_bytes snapshot, base::log_offset covered_end);

  /// Keeps what was loaded, but lets every record of the log come after it.
  void forget_position() { base_end_ = end_ = {}; }

  /// Adds a committed update, in any order of offsets; `foreign` when `held` does not know it yet.
  base::result<void> commit(base::shared_bytes update, base::log_offset offset, bool foreign);

  /// Registers an update that is being appended. It must have been classified before.
  void submit(base::byte_view update);

  /// Forgets what was submitted and never committed.
  void forget_uncommitted();

  const yjs::Knowledge& held() const { return held_; }
  const base::shared_bytes& base() const { return base_; }
  const std::vector<base::shared_bytes>& tail() const { return tail_; }
  std::size_t tail_bytes() const { return tail_bytes_; }

  /// Every committed record lies below this offset.
  base::log_offset end() const { return end_; }
  /// Every record below this offset is part of base.
  base::log_offset base_end() const { return base_end_; }

  /// base and tail as one list, for codec functions.
  std::vector<base::byte_view> parts() const;

  /// All of tail in one update; made once per end().
  base::result<base::shared_bytes> merged_tail();

  /// What a client with this state vector lacks.
  base::result<base::byte_vector> diff(base::byte_view state_vector);

  /// Puts a compaction of base and the first `records` of tail in their place.
  void replace_base(base::shared_bytes compacted, std::size_t records, base::log_offset end);

  /// The offset behind the i-th tail record.
  base::log_offset tail_end(std::size_t records) const;

 private:
  base::shared_bytes base_;
  base::log_offset base_end_;
  std::vector<base::shared_bytes> tail_;
  std::vector<base::log_offset> tail_ends_;  ///< end_ when each of tail had come
  std::size_t tail_bytes_ = 0;
  base::log_offset end_;
  yjs::Knowledge held_;
  std::optional<base::shared_bytes> merged_tail_;
};

}  // namespace weft::hub
