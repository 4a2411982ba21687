#pragma once

#include <algorithm>
#include <cstdint>

#include "common/wire.h"

namespace weft::bench {

/// Takes a stream of server frames apart and keeps of each message only its beginning: so that a
/// hundred joiners of a document of 20 MB fit beside the server under test.
class Skimmer {
 public:
  static constexpr std::size_t head_bytes_max = 64 * 1024;

  /// Takes the next bytes. For each complete binary message calls
  /// on_message(head, message_bytes): its first bytes, at most head_bytes_max, and its length.
  /// False when the server closes the connection or sends what it must not.
  template <class OnMessage>
  bool feed(byte_view bytes, OnMessage&& on_message);

 private:
  /// Collects a frame header; returns how many of `bytes` belong to it.
  std::size_t take_header(byte_view bytes);

  byte_vector header_;   ///< of the frame that is being read, while it is incomplete
  bool inside_ = false;  ///< of a frame
  Frame frame_;
  std::size_t frame_left_ = 0;
  byte_vector head_;
  std::size_t message_bytes_ = 0;
};

template <class OnMessage>
bool Skimmer::feed(byte_view bytes, OnMessage&& on_message) {
  while (!bytes.empty()) {
    if (!inside_) {
      bytes = bytes.subspan(take_header(bytes));
      if (!inside_) return true;  // all bytes were taken, and the header wants more
      if (frame_.op == opcode::close || frame_.masked) return false;
    }
    const std::size_t n = std::min(bytes.size(), frame_left_);
    const bool data = frame_.op == opcode::binary || frame_.op == opcode::continuation;
    if (data) {
      const std::size_t kept = std::min(n, head_bytes_max - head_.size());
      head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
      message_bytes_ += n;
    }
    bytes = bytes.subspan(n);
    frame_left_ -= n;
    if (frame_left_ != 0) return true;
    inside_ = false;
    if (!data || !frame_.final) continue;
    on_message(byte_view(head_), message_bytes_);
    head_.clear();
    message_bytes_ = 0;
  }
  return true;
}

}  // namespace weft::bench
