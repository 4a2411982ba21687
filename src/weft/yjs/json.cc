#include <cstdlib>
#include <string>

#include "weft/yjs/json_text.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

/// How many keys of one object are compared pair by pair before it is simply rewritten.
constexpr std::size_t plain_keys_max = 8;

bool is_digit(std::uint8_t c) { return c >= '0' && c <= '9'; }

/// Values written as JSON.stringify writes them.
struct JsonForm {
  static constexpr std::string_view array = "[]";
  static constexpr std::string_view object = "{}";

  static void word(std::string_view word, Writer& out) { out.raw(word); }
  static void number(double value, Writer& out) { write_json_number(value, out); }
  static void text(std::string_view text, Writer& out) { write_json_text(text, out); }
  static void key(std::string_view key, Writer& out) {
    write_json_text(key, out);
    out.byte(':');
  }
  static void open(std::string_view brackets, std::uint64_t, Writer& out) {
    out.byte(static_cast<std::uint8_t>(brackets[0]));
  }
  static void separate(Writer& out) { out.byte(','); }
  static void close(std::string_view brackets, Writer& out) {
    out.byte(static_cast<std::uint8_t>(brackets[1]));
  }
};

/// Values written as lib0's `any`.
struct AnyForm {
  static constexpr any_tag array = array_tag;
  static constexpr any_tag object = object_tag;

  static void word(std::string_view word, Writer& out) {
    out.byte(word == "true" ? true_tag : word == "false" ? false_tag : null_tag);
  }
  static void number(double value, Writer& out) { write_any_number(value, out); }
  static void text(std::string_view text, Writer& out) {
    out.byte(string_tag);
    key(text, out);
  }
  static void key(std::string_view key, Writer& out) {
    const std::string text = without_lone_surrogates(key);
    out.bytes(base::as_bytes(text));
  }
  static void open(any_tag tag, std::uint64_t count, Writer& out) {
    out.byte(tag);
    out.uint(count);
  }
  static void separate(Writer&) {}
  static void close(any_tag, Writer&) {}
};

/// A recursive-descent reader of RFC 8259 JSON; depth is bounded by value_depth_max.
class JsonReader {
 public:
  explicit JsonReader(base::byte_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool check(bool& plain) {
    const bool good = value(0) && at_end();
    if (!plain_) plain = false;
    return good;
  }

  template <typename Form>
  void copy(Writer& out) {
    space();
    copy_value<Form>(out);
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
          if (at_ == end_ || hex_digit(*at_) < 0) return false;
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

  template <typename Form>
  void copy_value(Writer& out) {
    if (*at_ == '{') return copy_object<Form>(out);
    if (*at_ == '[') return copy_array<Form>(out);
    if (*at_ == '"') {
      base::byte_view inner;
      string(inner);
      return Form::text(json_unescape(inner), out);
    }
    const std::uint8_t* const begin = at_;
    if (literal("true") || literal("false") || literal("null")) {
      return Form::word(base::as_text({begin, at_}), out);
    }
    number();
    Form::number(std::strtod(std::string(begin, at_).c_str(), nullptr), out);
  }

  template <typename Form>
  void copy_array(Writer& out) {
    Writer elements;
    std::uint64_t count = 0;
    ++at_;
    space();
    for (; *at_ != ']'; ++count) {
      if (count != 0) {
        ++at_;
        space();
        Form::separate(elements);
      }
      copy_value<Form>(elements);
      space();
    }
    ++at_;
    Form::open(Form::array, count, out);
    out.raw(elements.view());
    Form::close(Form::array, out);
  }

  template <typename Form>
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
      const std::string key = json_unescape(inner);
      property.key_begin = position();
      arena.raw(std::string_view(key));
      property.key_end = property.value_begin = position();
      Form::key(key, arena);
      space();
      ++at_;
      space();
      copy_value<Form>(arena);
      property.value_end = position();
      properties.push_back(property);
      space();
    }
    ++at_;
    order_properties(arena, properties);
    Form::open(Form::object, properties.size(), out);
    for (std::size_t i = 0; i < properties.size(); ++i) {
      if (i != 0) Form::separate(out);
      const std::uint8_t* const data = arena.view().data();
      out.raw(data + properties[i].value_begin, data + properties[i].value_end);
    }
    Form::close(Form::object, out);
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool plain_ = true;
};

}  // namespace

bool check_json(base::byte_view text, bool& plain) { return JsonReader(text).check(plain); }

void write_json(base::byte_view text, Writer& out) { JsonReader(text).copy<JsonForm>(out); }

void json_to_any(base::byte_view text, Writer& out) { JsonReader(text).copy<AnyForm>(out); }

}  // namespace weft::yjs
