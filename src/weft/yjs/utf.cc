#include "weft/yjs/utf.h"

#include <cstring>

namespace weft::yjs {
namespace {

/// Length of the valid sequence at `at` that starts with a byte >= 0x80, or 0.
std::size_t sequence_length(const std::uint8_t* at, const std::uint8_t* end) {
  const auto left = static_cast<std::size_t>(end - at);
  const auto tail = [&](std::size_t i) { return (at[i] & 0xc0) == 0x80; };
  const std::uint8_t lead = at[0];
  if (lead >= 0xc2 && lead <= 0xdf) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    if (lead == 0xe0 && at[1] < 0xa0) return 0;  // overlong
    if (lead == 0xed && at[1] > 0x9f) return 0;  // surrogate
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xf0 && at[1] < 0x90) return 0;  // overlong
    if (lead == 0xf4 && at[1] > 0x8f) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

bool eight_ascii(const std::uint8_t* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return (word & 0x8080808080808080ULL) == 0;
}

}  // namespace

std::uint64_t utf16_length(base::byte_view text) {
  const std::uint8_t* at = text.data();
  const std::uint8_t* const end = at + text.size();
  std::uint64_t units = 0;
  while (at != end) {
    if (*at < 0x80) {
      while (end - at >= 8 && eight_ascii(at)) {
        at += 8;
        units += 8;
      }
      while (at != end && *at < 0x80) {
        ++at;
        ++units;
      }
      continue;
    }
    const std::size_t length = sequence_length(at, end);
    if (length == 0) return invalid_text;
    at += length;
    units += length == 4 ? 2 : 1;
  }
  return units;
}

TextPosition find_utf16(base::byte_view text, std::uint64_t units) {
  const std::uint8_t* at = text.data();
  const std::uint8_t* const end = at + text.size();
  while (units > 0 && at != end) {
    if (units >= 8 && end - at >= 8 && eight_ascii(at)) {
      at += 8;
      units -= 8;
      continue;
    }
    const std::uint8_t lead = *at;
    if (lead >= 0xf0) {
      if (units == 1) return {static_cast<std::size_t>(at - text.data()), true};
      at += 4;
      units -= 2;
    } else {
      at += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : 3;
      --units;
    }
  }
  return {static_cast<std::size_t>(at - text.data()), false};
}

void write_text(const TextPart& part, Writer& out) {
  if (part.lead) out.raw(base::byte_view(replacement_character));
  out.raw(part.begin, part.end);
  if (part.tail) out.raw(base::byte_view(replacement_character));
}

}  // namespace weft::yjs
