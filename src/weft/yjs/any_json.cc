#include "weft/yjs/json_text.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

/// What JSON.stringify makes of a value.
enum class Outcome {
  text,
  nothing,  ///< of undefined: no property, or null in an array
  refused,  ///< of a bigint: a TypeError
};

Outcome convert(Reader& in, Writer& out);

std::string_view decimal(std::uint64_t value, char (&buffer)[20]) {
  char* at = buffer + sizeof buffer;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return {at, buffer + sizeof buffer};
}

/// A Uint8Array is to JSON.stringify an object with a property for each index.
void convert_bytes(base::byte_view bytes, Writer& out) {
  char buffer[20];
  out.byte('{');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) out.byte(',');
    out.byte('"');
    out.raw(decimal(i, buffer));
    out.raw(std::string_view("\":"));
    out.raw(decimal(bytes[i], buffer));
  }
  out.byte('}');
}

Outcome convert_array(Reader& in, Writer& out) {
  const std::uint64_t count = in.uint();
  out.byte('[');
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i != 0) out.byte(',');
    const Outcome outcome = convert(in, out);
    if (outcome == Outcome::refused) return outcome;
    if (outcome == Outcome::nothing) out.raw(std::string_view("null"));
  }
  out.byte(']');
  return Outcome::text;
}

Outcome convert_object(Reader& in, Writer& out) {
  Writer arena;
  std::vector<Property> properties;
  const auto position = [&] { return static_cast<std::uint32_t>(arena.size()); };
  const std::uint64_t count = in.uint();
  for (std::uint64_t i = 0; i < count; ++i) {
    Property property{};
    const base::byte_view key = in.bytes();
    property.key_begin = position();
    arena.raw(key);
    property.key_end = property.value_begin = position();
    write_json_text(base::as_text(key), arena);
    arena.byte(':');
    const Outcome outcome = convert(in, arena);
    if (outcome == Outcome::refused) return outcome;
    property.value_end = outcome == Outcome::text ? position() : property.value_begin;
    // Assigning to __proto__ makes no property in JavaScript.
    if (base::as_text(key) != "__proto__") properties.push_back(property);
  }
  order_properties(arena, properties);
  out.byte('{');
  bool first = true;
  for (const Property& p : properties) {
    if (p.value_begin == p.value_end) continue;
    if (!first) out.byte(',');
    first = false;
    const std::uint8_t* const data = arena.view().data();
    out.raw(data + p.value_begin, data + p.value_end);
  }
  out.byte('}');
  return Outcome::text;
}

Outcome convert(Reader& in, Writer& out) {
  const std::uint8_t tag = in.byte();
  switch (tag) {
    case undefined_tag:
      return Outcome::nothing;
    case null_tag:
      out.raw(std::string_view("null"));
      return Outcome::text;
    case true_tag:
    case false_tag:
      out.raw(std::string_view(tag == true_tag ? "true" : "false"));
      return Outcome::text;
    case integer_tag:
    case float32_tag:
    case float64_tag:
      write_json_number(read_any_number(in, tag), out);
      return Outcome::text;
    case string_tag:
      write_json_text(base::as_text(in.bytes()), out);
      return Outcome::text;
    case bytes_tag:
      convert_bytes(in.bytes(), out);
      return Outcome::text;
    case array_tag:
      return convert_array(in, out);
    case object_tag:
      return convert_object(in, out);
    default:
      return Outcome::refused;
  }
}

}  // namespace

bool any_to_json(Reader& in, Writer& out) { return convert(in, out) == Outcome::text; }

}  // namespace weft::yjs
