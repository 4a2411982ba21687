#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "weft/base/bytes.h"

namespace weft::base {

namespace crc32c_detail {

/// Byte-wise table of the reflected Castagnoli polynomial.
consteval std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}

inline constexpr auto table = make_table();

inline std::uint32_t extend_portable(std::uint32_t state, byte_view bytes) {
  for (const std::uint8_t byte : bytes) state = (state >> 8) ^ table[(state ^ byte) & 0xff];
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) inline std::uint32_t extend_sse42(std::uint32_t state,
                                                                    byte_view bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = state;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) narrow = __builtin_ia32_crc32qi(narrow, *at);
  return narrow;
}
#endif

}  // namespace crc32c_detail

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) over pieces of bytes; guards everything Weft stores.
class crc32c {
 public:
  crc32c& add(byte_view bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
      state_ = crc32c_detail::extend_sse42(state_, bytes);
      return *this;
    }
#endif
    state_ = crc32c_detail::extend_portable(state_, bytes);
    return *this;
  }

  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = ~0u;
};

}  // namespace weft::base
