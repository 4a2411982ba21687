#pragma once

#include <span>
#include <vector>

#include "weft/base/bytes.h"

/// What codec_yrs measures; its calls go straight to the crate, with nothing of Weft
/// before them. Any failure ends the program.
namespace weft::bench {

/// Updates one behind the other, as the bridge takes them; made once, outside the timing.
struct YrsInput {
  explicit YrsInput(std::span<const base::byte_view> updates);
  std::vector<std::uint8_t> bytes;
  std::vector<std::size_t> ends;
};

/// `yrs::merge_updates_v1`. Returns the size of what it made.
std::size_t yrs_merge(const YrsInput& input);

}  // namespace weft::bench
