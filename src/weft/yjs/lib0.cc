#include "weft/yjs/lib0.h"

#include <algorithm>
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
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("weft.yjs");
  return {static_cast<int>(code), category};
}

std::unexpected<base::error> decode_failure(errc code) { return base::fail(code, describe(code)); }

std::uint64_t Reader::long_uint() {
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

void Writer::grow(std::size_t needed) {
  const std::size_t next = std::max(needed, std::max<std::size_t>(64, capacity_ + capacity_ / 2));
  auto data = std::make_unique_for_overwrite<std::uint8_t[]>(next);
  if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = next;
}

}  // namespace weft::yjs
