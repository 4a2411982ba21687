#pragma once

#include <memory>
#include <span>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/yjs/indexed_update.h"

namespace weft::hub {

/// A stretch of a document's history, compacted and indexed: one update or, where that would be too
/// large for one message, causally closed parts of it, in the order in which they must be sent.
/// Immutable, shared between threads.
struct Run {
  std::vector<yjs::IndexedUpdate> parts;
  std::size_t bytes = 0;
};

using shared_run = std::shared_ptr<const Run>;

/// A run and the one update that it was cut from (the same bytes when it has one part).
struct CompactedRun {
  shared_run run;
  base::shared_bytes whole;
};

/// Cuts and indexes an update. Time: a pass or a few over it. Any thread.
/// Errors: as yjs::validate.
base::result<CompactedRun> index_run(base::shared_bytes update, std::size_t part_bytes_max);

/// Compacts updates, in any order, and indexes the result.
base::result<CompactedRun> compact_run(std::span<const base::byte_view> updates,
                                       std::size_t part_bytes_max);

/// What lies in `runs` or in `tail`, one update, beyond a state vector: one update, the empty one
/// when there is nothing. Any thread. Errors: as yjs::diff.
base::result<base::byte_vector> diff_of(std::span<const shared_run> runs, base::byte_view tail,
                                        base::byte_view state_vector);

}  // namespace weft::hub
