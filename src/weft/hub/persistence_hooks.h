#pragma once

#include <optional>
#include <string>

#include "weft/base/ids.h"
#include "weft/log/op_log.h"
#include "weft/store/document_store.h"

namespace weft::hub {

/// What an embedding program hears of persistence: every edit that became durable, and every
/// snapshot that was stored. Where edits and snapshots go is decided by the log and the store that
/// the hub is built on; this only tells.
///
/// Best effort: what became durable right before a crash may not have been told. Who must miss
/// nothing reads the log.
/// Threading: the document's executor, which waits: hand work on, and do not call the hub back.
class PersistenceHooks {
 public:
  virtual ~PersistenceHooks() = default;

  /// The record is in the log for good. Each at most once, in log order of a document but for what
  /// turns up after a failed append.
  virtual void persist_update(const base::DocumentId& document,
                              const log::CommittedRecord& record) = 0;

  /// A snapshot of everything up to `version` lies at `storage_location`
  /// (DocumentStore::snapshot_location).
  virtual void persist_result(const base::DocumentId& document, base::log_offset version,
                              const std::string& storage_location) = 0;
};

}  // namespace weft::hub
