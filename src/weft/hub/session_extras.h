#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"

/// Internal to hub.
namespace weft::hub {

class Session;

/// What only sessions need that have edits acknowledged or hear control messages; an idle
/// y-websocket connection pays nothing for it.
struct SessionExtras {
  explicit SessionExtras(Session& s) : session(s) {}

  struct Due {
    std::uint64_t token;
    std::optional<base::log_offset> record;  ///< sent once the cursor has passed it
  };

  Session& session;      ///< whose they are; valid while they live
  std::deque<Due> acks;  ///< versions rise; bounded by what its client waits for
  std::optional<base::log_offset> delivered;  ///< the latest version of a frame beside the ring
  bool whole = false;                         ///< see Acknowledgement
  std::deque<base::shared_bytes> control;     ///< frames, bounded by options.control_bytes_max
  std::size_t control_bytes = 0;
};

}  // namespace weft::hub
