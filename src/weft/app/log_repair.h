#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "weft/base/result.h"

namespace weft::app {

/// What a repair of the log itself did.
struct LogRepairReport {
  std::vector<std::string> steps;  ///< in order; empty: there was nothing to do
  std::filesystem::path evidence;  ///< where what was replaced is kept
};

/// Makes the commits of the log anew that cannot be read or are not there: for a data directory
/// that no server uses, and that may be unable to serve one for that. What was replaced is kept in
/// data/quarantine first. Blocks.
/// Errors: start (the evidence could not be kept: then nothing was changed); those of
/// log::embedded::repair_commits.
base::result<LogRepairReport> repair_log(const std::filesystem::path& data, std::int64_t now_ms);

}  // namespace weft::app
