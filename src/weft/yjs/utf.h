#pragma once

#include "weft/base/bytes.h"
#include "weft/yjs/lib0.h"

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

/// A stretch of text that may begin or end inside a surrogate pair.
struct TextPart {
  bool lead = false;  ///< starts with the second half of a pair
  bool tail = false;  ///< ends with the first half of one
  const std::uint8_t* begin = nullptr;
  const std::uint8_t* end = nullptr;

  /// As it is written.
  std::size_t bytes() const {
    return static_cast<std::size_t>(end - begin) + (lead ? sizeof replacement_character : 0) +
           (tail ? sizeof replacement_character : 0);
  }
};

void write_text(const TextPart& part, Writer& out);

}  // namespace weft::yjs
