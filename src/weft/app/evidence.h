#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "weft/base/events.h"
#include "weft/base/result.h"
#include "weft/base/worker_pool.h"
#include "weft/hub/quarantine.h"

namespace weft::app {

/// One thing that is wrong with the stored bytes of a document, or of the log itself (commit).
struct Finding {
  enum class where : std::uint8_t { record, index, snapshot, state, commit };
  where what = where::record;
  /// Of records and commits: the offsets concerned, [first, end).
  std::uint64_t first = 0, end = 0;
  std::string problem;  ///< what is wrong
  std::string remedy;   ///< what to do
  std::string key;      ///< where it lies in the database; empty for snapshots
  std::string bytes;    ///< what lies there
};
const char* name_of(Finding::where what);

/// The directory in which the evidence of what could not be read is kept.
///
/// One incident of a document is a directory of its own; nothing in it is ever overwritten but the
/// line that says when the incident ended. Format: docs/formats/quarantine.md.
/// Threading: any thread, one incident at a time.
class EvidenceDirectory {
 public:
  explicit EvidenceDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Writes down an incident, synced. Errors: start (the disk does not take it).
  base::result<void> keep(const hub::QuarantineEntry& incident,
                          const std::vector<Finding>& findings) const;

  /// Writes down that an incident is over.
  base::result<void> close(const hub::QuarantineEntry& incident, std::int64_t left_ms,
                           const std::string& how) const;

  /// Writes down what a repair of the log itself is about to replace, synced; where that is.
  /// Errors: start.
  base::result<std::filesystem::path> keep_of_log(std::int64_t since_ms,
                                                  const std::vector<Finding>& findings) const;

  /// How many incidents of a document are kept.
  std::size_t incidents_of(const base::DocumentId& document) const;
  /// Whether an incident was written down.
  bool holds(const hub::QuarantineEntry& incident) const;

  /// The incidents that are not over. What cannot be read there is skipped and named in `skipped`.
  std::vector<hub::QuarantineEntry> open_incidents(std::string& skipped) const;

  /// Where an incident's evidence lies.
  std::filesystem::path place_of(const hub::QuarantineEntry& incident) const;

 private:
  std::filesystem::path directory_;
};

/// Below the data directory: documents whose bytes are sound, but that typed reading broke down on.
inline constexpr const char* unreadable_folder = "unreadable";
/// What to do about them.
inline constexpr const char* reading_remedy =
    "a fault of the reader: report it with state.bin of the evidence; edits and updates go on";

/// What to do about commits that cannot be read.
inline constexpr const char* log_remedy =
    "stop the server and run weft doctor --repair-log, or weft restore of a backup";

/// A document's name as a file name: injective up to 180 bytes, beyond that cut and told apart by a
/// 64-bit hash. Source: docs/formats/quarantine.md.
std::string escaped_name(const base::DocumentId& document);

/// Writes a file and syncs it and its directory. Errors: start.
base::result<void> write_synced(const std::filesystem::path& file, std::string_view bytes);

}  // namespace weft::app
