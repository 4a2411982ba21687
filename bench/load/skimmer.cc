#include "load/skimmer.h"

namespace weft::bench {

std::size_t Skimmer::take_header(byte_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    header_.push_back(bytes[taken++]);
    if (!read_frame_header(header_, frame_)) continue;
    header_.clear();
    inside_ = true;
    frame_left_ = frame_.payload_bytes;
    break;
  }
  return taken;
}

}  // namespace weft::bench
