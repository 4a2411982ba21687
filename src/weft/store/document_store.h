#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/store/errc.h"

namespace weft::store {

/// The state of a document up to a position of its log.
struct Snapshot {
  base::log_identity log;        ///< the log that `covered_end` counts in
  base::log_offset covered_end;  ///< every record with offset < covered_end is contained
  base::shared_bytes update;     ///< compacted Yjs update, format v1
};

/// Whether `next` may take the place of `present`: it covers at least as much of the same log, or
/// comes from another log, whose positions do not compare. Errors: stale.
base::result<void> may_replace(const Snapshot& present, const Snapshot& next);

/// Snapshots by document.
///
/// A snapshot and its covered position are stored atomically: a reader sees both or neither.
/// Threading: any thread; callbacks run on the executor passed in.
class DocumentStore {
 public:
  virtual ~DocumentStore() = default;

  /// The newest snapshot, or nullopt when the store was really read and has none.
  /// Errors: unavailable, corrupt: never to be taken for an empty document.
  virtual void load_snapshot(const base::DocumentId& document, base::Executor& executor,
                             callback<std::optional<Snapshot>> done) = 0;

  /// Replaces the snapshot if may_replace allows it. Durable before `done` says so.
  /// Errors: stale, unavailable.
  virtual void save_snapshot(const base::DocumentId& document, Snapshot snapshot,
                             base::Executor& executor, callback<void> done) = 0;

  /// Where a document's snapshot is kept, for people. No I/O.
  virtual std::string snapshot_location(const base::DocumentId& document) const = 0;

  /// Finishes accepted work, then refuses. Blocks.
  virtual void close() = 0;
};

}  // namespace weft::store
