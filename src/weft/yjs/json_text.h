#pragma once

#include <string>
#include <string_view>

#include "weft/yjs/lib0.h"

/// Strings and numbers of JSON as JavaScript reads and writes them. Text between JSON and lib0 is
/// in generalized UTF-8 here: a lone surrogate, which an escape can make, keeps its three bytes.
namespace weft::yjs {

/// The value of a hexadecimal digit, or -1.
int hex_digit(std::uint8_t c);

/// The text of a well-formed JSON string, given without its quotes.
std::string json_unescape(base::byte_view inner);

/// Appends the text as JSON.stringify quotes it.
void write_json_text(std::string_view text, Writer& out);

/// Appends JavaScript's Number::toString, or null for what JSON has no number for.
void write_json_number(double value, Writer& out);

/// The text as TextEncoder writes it: U+FFFD for each lone surrogate.
std::string without_lone_surrogates(std::string_view text);

}  // namespace weft::yjs
