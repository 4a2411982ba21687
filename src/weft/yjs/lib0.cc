#include "weft/yjs/lib0.h"

#include <algorithm>
#include <bit>
#include <string>

#include "weft/base/errc_category.h"

namespace weft::yjs {

const char* describe(errc code) {
  switch (code) {
    case errc::truncated:
      return "the update ends in the middle of a value";
    case errc::corrupt:
      return "the bytes are not a Yjs update";
    case errc::too_large:
      return "a number or nesting exceeds what Yjs can represent";
    case errc::over_limit:
      return "unpacked, the update is larger than the limit";
    case errc::no_v1_form:
      return "the update holds undefined or a bigint where format v1 has JSON";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("weft.yjs");
  return {static_cast<int>(code), category};
}

std::unexpected<base::error> decode_failure(errc code) { return base::fail(code, describe(code)); }

std::uint64_t Reader::long_uint() {
  // Nearly every number has at most eight bytes and is not at the very end: no loop then.
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t more_bits = 0x8080808080808080ULL;
    std::uint64_t word = 0;
    if (left() >= sizeof word) {
      std::memcpy(&word, pos_, sizeof word);
      const std::uint64_t stops = ~word & more_bits;
      if (stops != 0) {
        const int bits = std::countr_zero(stops) + 1;
        word &= ~std::uint64_t{0} >> (64 - bits);
        word &= ~more_bits;
        word = (word & 0x007f007f007f007fULL) | ((word & 0x7f007f007f007f00ULL) >> 1);
        word = (word & 0x00003fff00003fffULL) | ((word & 0x3fff00003fff0000ULL) >> 2);
        word = (word & 0x000000000fffffffULL) | ((word & 0x0fffffff00000000ULL) >> 4);
        pos_ += bits / 8;
        if (pos_[-1] == 0) padded_ = true;
        if (word <= max_safe_integer) return word;
        fail(errc::too_large);
        return 0;
      }
    }
  }
  // Yjs counts in doubles; a weight of 2^1023 and more would make it infinite.
  constexpr unsigned shift_end = 1022;
  std::uint64_t value = 0;
  for (unsigned shift = 0; pos_ != end_; shift += 7) {
    const std::uint8_t next = *pos_++;
    const std::uint64_t bits = next & 0x7f;
    if (shift < 56) {
      value |= bits << shift;
    } else if (bits != 0 || shift >= shift_end) {
      fail(errc::too_large);
      return 0;
    }
    if (value > max_safe_integer) {
      fail(errc::too_large);
      return 0;
    }
    if (next < 0x80) {
      if (bits == 0) padded_ = true;
      return value;
    }
  }
  fail(errc::truncated);
  return 0;
}

std::uint64_t Reader::sint(bool& negative) {
  const std::uint8_t first = byte();
  negative = (first & 0x40) != 0;
  std::uint64_t value = first & 0x3f;
  if ((first & 0x80) != 0) {
    const std::uint64_t rest = uint();
    if (rest > max_safe_integer >> 6) fail(errc::too_large);
    value |= rest << 6;
  }
  return value;
}

void Writer::grow(std::size_t needed) {
  const std::size_t next = std::max(needed, std::max<std::size_t>(64, capacity_ + capacity_ / 2));
  auto data = std::make_unique_for_overwrite<std::uint8_t[]>(next);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = next;
}

}  // namespace weft::yjs
