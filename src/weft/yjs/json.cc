#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

/// How many keys of one object are compared pair by pair before it is simply rewritten.
constexpr std::size_t plain_keys_max = 8;

bool is_digit(std::uint8_t c) { return c >= '0' && c <= '9'; }

/// A recursive-descent reader of RFC 8259 JSON; depth is bounded by value_depth_max.
class JsonReader {
 public:
  explicit JsonReader(base::byte_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool check(bool& plain) {
    const bool good = value(0) && at_end();
    if (!plain_) plain = false;
    return good;
  }

  void rewrite(Writer& out) {
    space();
    copy_value(out);
  }

 private:
  bool at_end() {
    space();
    return at_ == end_;
  }

  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
      ++at_;
      plain_ = false;
    }
  }

  bool literal(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() ||
        std::memcmp(at_, word.data(), word.size()) != 0) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  bool value(unsigned depth) {
    space();
    if (at_ == end_) return false;
    switch (*at_) {
      case '{':
        return depth < value_depth_max && object(depth + 1);
      case '[':
        return depth < value_depth_max && array(depth + 1);
      case '"': {
        base::byte_view ignored;
        return string(ignored);
      }
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number();
    }
  }

  bool object(unsigned depth) {
    ++at_;
    space();
    if (at_ != end_ && *at_ == '}') return ++at_, true;
    base::byte_view keys[plain_keys_max];
    std::size_t count = 0;
    for (;;) {
      space();
      base::byte_view key;
      if (at_ == end_ || *at_ != '"' || !string(key)) return false;
      note_key(key, keys, count++);
      space();
      if (at_ == end_ || *at_++ != ':') return false;
      if (!value(depth)) return false;
      space();
      if (at_ == end_) return false;
      if (*at_ == '}') return ++at_, true;
      if (*at_++ != ',') return false;
    }
  }

  void note_key(base::byte_view key, base::byte_view* keys, std::size_t count) {
    if (count >= plain_keys_max || (!key.empty() && is_digit(key[0]))) {
      plain_ = false;
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (base::equal(keys[i], key)) plain_ = false;
    }
    keys[count] = key;
  }

  bool array(unsigned depth) {
    ++at_;
    space();
    if (at_ != end_ && *at_ == ']') return ++at_, true;
    for (;;) {
      if (!value(depth)) return false;
      space();
      if (at_ == end_) return false;
      if (*at_ == ']') return ++at_, true;
      if (*at_++ != ',') return false;
    }
  }

  /// Leaves the text between the quotes, escapes as they are, in `inner`.
  bool string(base::byte_view& inner) {
    const std::uint8_t* const begin = ++at_;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ < 0x20) return false;
      if (*at_ != '\\') {
        ++at_;
        continue;
      }
      plain_ = false;
      if (++at_ == end_) return false;
      const std::uint8_t escape = *at_++;
      if (escape == 'u') {
        for (int i = 0; i < 4; ++i, ++at_) {
          if (at_ == end_ || hex(*at_) < 0) return false;
        }
      } else if (std::string_view("\"\\/bfnrt").find(static_cast<char>(escape)) ==
                 std::string_view::npos) {
        return false;
      }
    }
    if (at_ == end_) return false;
    inner = {begin, at_};
    ++at_;
    return true;
  }

  static int hex(std::uint8_t c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  bool digits() {
    if (at_ == end_ || !is_digit(*at_)) return false;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  }

  bool number() {
    const std::uint8_t* const begin = at_;
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0') {
      ++at_;
      if (*begin == '-') plain_ = false;
    } else if (!digits()) {
      return false;
    }
    if (at_ - begin > 15) plain_ = false;
    if (at_ != end_ && *at_ == '.') {
      plain_ = false;
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      plain_ = false;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  void copy_value(Writer& out) {
    if (*at_ == '{') return copy_object(out);
    if (*at_ == '[') return copy_array(out);
    if (*at_ == '"') {
      base::byte_view inner;
      string(inner);
      return write_text(unescape(inner), out);
    }
    const std::uint8_t* const begin = at_;
    if (literal("true") || literal("false") || literal("null")) return out.raw(begin, at_);
    number();
    write_number(std::string(begin, at_), out);
  }

  void copy_array(Writer& out) {
    out.byte('[');
    ++at_;
    space();
    for (bool first = true; *at_ != ']'; first = false) {
      if (!first) {
        ++at_;
        space();
        out.byte(',');
      }
      copy_value(out);
      space();
    }
    ++at_;
    out.byte(']');
  }

  void copy_object(Writer& out) {
    Writer arena;
    std::vector<Property> properties;
    const auto position = [&] { return static_cast<std::uint32_t>(arena.size()); };
    ++at_;
    space();
    for (bool first = true; *at_ != '}'; first = false) {
      if (!first) {
        ++at_;
        space();
      }
      Property property{};
      base::byte_view inner;
      string(inner);
      const std::string key = unescape(inner);
      property.key_begin = position();
      arena.raw(std::string_view(key));
      property.key_end = property.value_begin = position();
      write_text(key, arena);
      arena.byte(':');
      space();
      ++at_;
      space();
      copy_value(arena);
      property.value_end = position();
      properties.push_back(property);
      space();
    }
    ++at_;
    order_properties(arena, properties);
    out.byte('{');
    for (std::size_t i = 0; i < properties.size(); ++i) {
      if (i != 0) out.byte(',');
      const std::uint8_t* const data = arena.view().data();
      out.raw(data + properties[i].value_begin, data + properties[i].value_end);
    }
    out.byte('}');
  }

  /// To generalized UTF-8: a lone surrogate keeps its three-byte form.
  static std::string unescape(base::byte_view inner) {
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

  static unsigned unit_at(base::byte_view inner, std::size_t at) {
    unsigned unit = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      unit = unit * 16 + static_cast<unsigned>(hex(inner[at + i]));
    }
    return unit;
  }

  static void append_utf8(unsigned code, std::string& out) {
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

  static void write_text(std::string_view text, Writer& out) {
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
      } else if (c == 0xed && i + 2 < text.size() &&
                 static_cast<std::uint8_t>(text[i + 1]) > 0x9f) {
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

  /// JavaScript's Number::toString of the nearest double.
  static void write_number(const std::string& text, Writer& out) {
    const double value = std::strtod(text.c_str(), nullptr);
    if (!std::isfinite(value)) return out.raw(std::string_view("null"));
    if (value == 0) return out.byte('0');
    if (value < 0) out.byte('-');
    char buffer[40];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, std::abs(value),
                                       std::chars_format::scientific);
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

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool plain_ = true;
};

}  // namespace

bool check_json(base::byte_view text, bool& plain) { return JsonReader(text).check(plain); }

void write_json(base::byte_view text, Writer& out) { JsonReader(text).rewrite(out); }

}  // namespace weft::yjs
