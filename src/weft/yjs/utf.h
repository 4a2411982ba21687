#pragma once

#include <cstdint>

#include "weft/base/bytes.h"

/// UTF-8 text measured as Yjs measures it: in UTF-16 code units.
namespace weft::yjs {

inline constexpr std::uint64_t invalid_text = ~std::uint64_t{0};

/// Number of UTF-16 code units, or `invalid_text` when the bytes are not well-formed UTF-8.
std::uint64_t utf16_length(base::byte_view text);

/// A position inside well-formed UTF-8.
struct TextPosition {
  std::size_t byte = 0;      ///< of the character that contains or follows the position
  bool inside_pair = false;  ///< the position lies between the halves of that character
};

/// Where `units` UTF-16 code units end. `units` must not exceed the text's length.
TextPosition find_utf16(base::byte_view text, std::uint64_t units);

/// How Yjs writes half a surrogate pair: U+FFFD.
inline constexpr std::uint8_t replacement_character[3] = {0xef, 0xbf, 0xbd};

}  // namespace weft::yjs
