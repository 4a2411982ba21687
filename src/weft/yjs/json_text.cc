#include "weft/yjs/json_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "weft/yjs/utf.h"

namespace weft::yjs {
namespace {

unsigned unit_at(base::byte_view inner, std::size_t at) {
  unsigned unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    unit = unit * 16 + static_cast<unsigned>(hex_digit(inner[at + i]));
  }
  return unit;
}

void append_utf8(unsigned code, std::string& out) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

bool surrogate_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]) == 0xed && at + 2 < text.size() &&
         static_cast<std::uint8_t>(text[at + 1]) > 0x9f;
}

}  // namespace

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string json_unescape(base::byte_view inner) {
  std::string out;
  out.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size();) {
    if (inner[i] != '\\') {
      out += static_cast<char>(inner[i++]);
      continue;
    }
    const std::uint8_t escape = inner[i + 1];
    i += 2;
    if (escape == 'u') {
      unsigned unit = unit_at(inner, i);
      i += 4;
      if (unit >= 0xd800 && unit <= 0xdbff && i + 6 <= inner.size() && inner[i] == '\\' &&
          inner[i + 1] == 'u') {
        const unsigned low = unit_at(inner, i + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
          unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
      }
      append_utf8(unit, out);
    } else {
      constexpr std::string_view names = "\"\\/bfnrt";
      constexpr std::string_view values = "\"\\/\b\f\n\r\t";
      out += values[names.find(static_cast<char>(escape))];
    }
  }
  return out;
}

void write_json_text(std::string_view text, Writer& out) {
  constexpr char hex_digits[] = "0123456789abcdef";
  out.byte('"');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    constexpr std::string_view values = "\"\\\b\f\n\r\t";
    constexpr std::string_view names = "\"\\bfnrt";
    const std::size_t named = values.find(static_cast<char>(c));
    if (named != std::string_view::npos) {
      out.byte('\\');
      out.byte(static_cast<std::uint8_t>(names[named]));
    } else if (c < 0x20) {
      out.raw(std::string_view("\\u00"));
      out.byte(static_cast<std::uint8_t>(hex_digits[c >> 4]));
      out.byte(static_cast<std::uint8_t>(hex_digits[c & 15]));
    } else if (surrogate_at(text, i)) {
      const unsigned unit = 0xd000u | ((static_cast<unsigned>(text[i + 1]) & 0x3f) << 6) |
                            (static_cast<unsigned>(text[i + 2]) & 0x3f);
      out.raw(std::string_view("\\u"));
      for (int shift = 12; shift >= 0; shift -= 4) {
        out.byte(static_cast<std::uint8_t>(hex_digits[(unit >> shift) & 15]));
      }
      i += 2;
    } else {
      out.byte(c);
    }
  }
  out.byte('"');
}

void write_json_number(double value, Writer& out) {
  if (!std::isfinite(value)) return out.raw(std::string_view("null"));
  if (value == 0) return out.byte('0');
  if (value < 0) out.byte('-');
  char buffer[40];
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const std::size_t mark = shortest.find('e');
  std::string digits(1, shortest[0]);
  if (mark > 2) digits += shortest.substr(2, mark - 2);
  const int point = std::atoi(std::string(shortest.substr(mark + 1)).c_str()) + 1;
  const int count = static_cast<int>(digits.size());
  if (count <= point && point <= 21) {
    digits.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    digits.insert(static_cast<std::size_t>(point), ".");
  } else if (-6 < point && point <= 0) {
    digits.insert(0, "0." + std::string(static_cast<std::size_t>(-point), '0'));
  } else {
    if (count > 1) digits.insert(1, ".");
    digits += point > 0 ? "e+" : "e-";
    digits += std::to_string(std::abs(point - 1));
  }
  out.raw(std::string_view(digits));
}

std::string without_lone_surrogates(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i + 2 < out.size(); ++i) {
    if (!surrogate_at(out, i)) continue;
    std::memcpy(out.data() + i, replacement_character, sizeof replacement_character);
    i += 2;
  }
  return out;
}

}  // namespace weft::yjs
