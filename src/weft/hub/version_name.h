#pragma once

#include <cstdint>
#include <optional>

#include "weft/base/ids.h"

namespace weft::hub {

/// A version as a client names it; `log` when it says which log it counts in.
struct VersionName {
  base::log_offset offset;
  std::optional<base::log_identity> log;
};

/// Where a version that a client names stands in a document's history.
enum class standing : std::uint8_t {
  known,      ///< a record of the document has it
  unknown,    ///< below the end, and no record of the document
  ahead,      ///< at or behind the end
  other_log,  ///< it counts in another log
  trimmed,    ///< the log does not go back that far any more
};

/// "ahead", as clients are told.
const char* describe(standing where);

}  // namespace weft::hub
