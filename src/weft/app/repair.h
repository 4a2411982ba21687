#pragma once

#include <string>
#include <vector>

#include "weft/app/evidence.h"
#include "weft/log/embedded/embedded_log.h"
#include "weft/store/directory_store.h"

namespace weft::app {

/// A data directory that is open: the server's own, or that of a stopped one.
struct Storage {
  log::embedded::EmbeddedLog& log;
  store::DirectoryStore& store;
};

/// What one document's stored bytes are like.
struct Examination {
  std::uint64_t records = 0;  ///< readable ones
  std::uint64_t end = 0;      ///< after the last record, readable or not
  bool has_snapshot = false;
  std::vector<Finding> findings;  ///< empty: all is as it was written
};

/// Reads every record and the snapshot of a document: checksums, decoding, and whether the snapshot
/// holds what it says it covers. Writes nothing. Blocks.
/// Errors: those of log and store when a database itself cannot be read on.
base::result<Examination> examine(const Storage& storage, const base::DocumentId& document);

/// What a repair did.
struct RepairReport {
  Examination before;
  bool repaired = false;            ///< false: there was nothing to do
  std::filesystem::path evidence;   ///< where what was replaced is kept; empty: nothing was
  std::vector<std::string> steps;   ///< what was done, in order
  std::vector<std::string> losses;  ///< what no readable bytes hold any more
};

/// Makes a document readable again from what is readable of it: damaged records are replaced by
/// empty ones, the first of which carries what only the snapshot (or `from_backup`, a state out of
/// a backup) still holds; a snapshot that cannot be read, or does not hold what it should, is made
/// anew out of the log. What was replaced is kept in `evidence` first.
/// Blocks; nobody may be writing to the document.
/// Errors: start, with what to do: the evidence could not be kept (then nothing was changed), or
/// there is no way but a backup; those of log and store.
base::result<RepairReport> repair(const Storage& storage, const EvidenceDirectory& evidence,
                                  const base::DocumentId& document,
                                  const base::shared_bytes& from_backup, std::int64_t now_ms);

/// The state that a backup holds of a document, as one update; empty when it has none.
/// Errors: start (it cannot be read there).
base::result<base::shared_bytes> state_in_backup(const std::filesystem::path& backup,
                                                 const base::DocumentId& document);

}  // namespace weft::app
