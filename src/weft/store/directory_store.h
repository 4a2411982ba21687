#pragma once

#include <filesystem>
#include <functional>

#include "weft/store/document_store.h"

namespace weft::store {

/// A stored snapshot and the bytes it was read from, or why those are none.
struct StoredValue {
  base::DocumentId document;
  base::byte_view bytes;
  base::result<Snapshot> snapshot;
};
using snapshot_visitor = std::function<void(StoredValue&&)>;

/// A DocumentStore in a directory of this machine, which belongs to it alone: what doctor, repair
/// and backup need besides. All of it blocks. Threading: any thread.
class DirectoryStore : public DocumentStore {
 public:
  /// Calls `each` for the snapshot of a document, or for all with nullptr.
  /// Errors: corrupt (there is something that is no document's snapshot; all others were visited
  /// where the medium can be read on), unavailable.
  virtual base::result<void> audit(const base::DocumentId* document,
                                   const snapshot_visitor& each) const = 0;

  /// Puts a snapshot in the place of whatever is there, which is moved aside; durable when it
  /// returns. For repair: nothing is compared. Errors: unavailable.
  virtual base::result<void> replace_snapshot(const base::DocumentId& document,
                                              const Snapshot& snapshot) = 0;

  /// A copy in a directory that must not exist yet, each snapshot whole and none older than when
  /// it began. Saving goes on meanwhile. Errors: unavailable.
  virtual base::result<void> checkpoint(const std::filesystem::path& directory) const = 0;
};

}  // namespace weft::store
