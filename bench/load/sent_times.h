#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::bench {

/// When each message of one client was sent, or was due to be. The client's thread appends before
/// it sends; the threads of the receivers read. Entries never move, and the size is published after
/// the entry, so an entry below a size that was read is complete: no lock.
class SentTimes {
 public:
  std::size_t size() const { return size_.load(std::memory_order_acquire); }

  void push(std::int64_t ns) {
    const std::size_t i = size_.load(std::memory_order_relaxed);
    const Place place = place_of(i);
    if (chunks_[place.chunk] == nullptr) {
      chunks_[place.chunk] = std::make_unique<std::int64_t[]>(first_chunk << place.chunk);
    }
    chunks_[place.chunk][place.at] = ns;
    size_.store(i + 1, std::memory_order_release);
  }

  /// `i` is below a size() that this thread has read.
  std::int64_t at(std::size_t i) const {
    const Place place = place_of(i);
    return chunks_[place.chunk][place.at];
  }

 private:
  struct Place {
    std::size_t chunk;
    std::size_t at;
  };
  static constexpr std::size_t first_chunk = 64;  ///< entries; each further chunk has twice as many
  static Place place_of(std::size_t i) {
    const std::size_t shifted = i + first_chunk;
    const auto chunk =
        static_cast<std::size_t>(std::bit_width(shifted) - std::bit_width(first_chunk));
    return {chunk, shifted - (first_chunk << chunk)};
  }

  std::array<std::unique_ptr<std::int64_t[]>, 40> chunks_;
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace weft::bench
