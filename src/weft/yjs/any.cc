#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "weft/yjs/utf.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

constexpr double integer_max = 2147483647;
constexpr std::size_t plain_keys_max = 8;

template <typename Int>
Int big_endian(base::byte_view bytes) {
  Int value = 0;
  for (const std::uint8_t b : bytes) value = static_cast<Int>(value << 8) | b;
  return value;
}

bool is_integer(double value) {
  return std::isfinite(value) && std::trunc(value) == value && std::abs(value) <= integer_max;
}

bool is_float32(double value) {
  if (std::isinf(value)) return true;
  if (std::isnan(value) || std::abs(value) > double{std::numeric_limits<float>::max()})
    return false;
  return static_cast<double>(static_cast<float>(value)) == value;
}

base::byte_view read_text(Reader& in) {
  const base::byte_view text = in.bytes();
  if (utf16_length(text) == invalid_text) in.fail(errc::corrupt);
  return text;
}

void skip_value(Reader& in, bool& plain, unsigned depth);

void skip_object(Reader& in, bool& plain, unsigned depth) {
  const std::uint64_t count = in.uint();
  base::byte_view keys[plain_keys_max];
  if (count > plain_keys_max) plain = false;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const base::byte_view key = read_text(in);
    if (plain) {
      if (!key.empty() && (key[0] == '_' || (key[0] >= '0' && key[0] <= '9'))) plain = false;
      for (std::uint64_t k = 0; k < i && k < plain_keys_max; ++k) {
        if (base::equal(keys[k], key)) plain = false;
      }
      if (i < plain_keys_max) keys[i] = key;
    }
    skip_value(in, plain, depth);
  }
}

void skip_value(Reader& in, bool& plain, unsigned depth) {
  const std::uint8_t tag = in.byte();
  if (!in.ok()) return;
  switch (tag) {
    case undefined_tag:
    case null_tag:
    case true_tag:
    case false_tag:
      return;
    case integer_tag: {
      if (in.left() > 1 && *in.pos() >= 0x80 && in.pos()[1] == 0) plain = false;
      const double value = read_any_number(in, tag);
      if (!is_integer(value)) plain = false;
      return;
    }
    case float32_tag:
    case float64_tag: {
      const double value = read_any_number(in, tag);
      if (std::isnan(value) || is_integer(value) || is_float32(value) != (tag == float32_tag)) {
        plain = false;
      }
      return;
    }
    case bigint_tag:
      in.take(8);
      return;
    case string_tag:
      read_text(in);
      return;
    case bytes_tag:
      in.bytes();
      return;
    case array_tag:
    case object_tag: {
      if (depth >= value_depth_max) return in.fail(errc::too_large);
      if (tag == object_tag) return skip_object(in, plain, depth + 1);
      const std::uint64_t count = in.uint();
      for (std::uint64_t i = 0; i < count && in.ok(); ++i) skip_value(in, plain, depth + 1);
      return;
    }
    default:
      in.fail(errc::corrupt);
  }
}

/// How the properties of objects are ordered.
enum class Order { javascript, keys };

void rewrite_value(Reader& in, Order order, Writer& out);

void rewrite_object(Reader& in, Order order, Writer& out) {
  Writer arena;
  std::vector<Property> properties;
  const auto position = [&] { return static_cast<std::uint32_t>(arena.size()); };
  const std::uint64_t count = in.uint();
  properties.reserve(count);  // so many have been read before; growth would hold copies
  for (std::uint64_t i = 0; i < count; ++i) {
    Property property{};
    const base::byte_view key = in.bytes();
    property.key_begin = position();
    arena.raw(key);
    property.key_end = property.value_begin = position();
    arena.bytes(key);
    rewrite_value(in, order, arena);
    property.value_end = position();
    // Assigning to __proto__ makes no property in JavaScript.
    if (base::as_text(key) != "__proto__") properties.push_back(property);
  }
  order_properties(arena, properties);
  const std::uint8_t* const data = arena.view().data();
  if (order == Order::keys) {
    const auto key_of = [data](const Property& p) {
      return base::as_text({data + p.key_begin, data + p.key_end});
    };
    std::ranges::sort(properties, {}, key_of);
  }
  out.byte(object_tag);
  out.uint(properties.size());
  for (const Property& p : properties) out.raw(data + p.value_begin, data + p.value_end);
}

void rewrite_value(Reader& in, Order order, Writer& out) {
  const std::uint8_t tag = in.byte();
  switch (tag) {
    case integer_tag:
    case float32_tag:
    case float64_tag:
      return write_any_number(read_any_number(in, tag), out);
    case bigint_tag:
      out.byte(tag);
      return out.raw(in.take(8));
    case string_tag:
    case bytes_tag:
      out.byte(tag);
      return out.bytes(in.bytes());
    case array_tag: {
      const std::uint64_t count = in.uint();
      out.byte(tag);
      out.uint(count);
      for (std::uint64_t i = 0; i < count; ++i) rewrite_value(in, order, out);
      return;
    }
    case object_tag:
      return rewrite_object(in, order, out);
    default:
      out.byte(tag);
  }
}

}  // namespace

double read_any_number(Reader& in, std::uint8_t tag) {
  if (tag == float32_tag) {
    return static_cast<double>(std::bit_cast<float>(big_endian<std::uint32_t>(in.take(4))));
  }
  if (tag == float64_tag) return std::bit_cast<double>(big_endian<std::uint64_t>(in.take(8)));
  bool negative = false;
  const auto magnitude = static_cast<double>(in.sint(negative));
  return negative ? -magnitude : magnitude;
}

void write_any_number(double value, Writer& out) {
  if (is_integer(value)) {
    out.byte(integer_tag);
    return out.sint(static_cast<std::uint64_t>(std::abs(value)), std::signbit(value));
  }
  const bool narrow = is_float32(value);
  std::uint64_t bits = narrow ? std::bit_cast<std::uint32_t>(static_cast<float>(value))
                              : std::bit_cast<std::uint64_t>(value);
  if (std::isnan(value)) bits = 0x7ff8000000000000ULL;
  out.byte(narrow ? float32_tag : float64_tag);
  for (int shift = narrow ? 24 : 56; shift >= 0; shift -= 8) {
    out.byte(static_cast<std::uint8_t>(bits >> shift));
  }
}

void skip_any(Reader& in, bool& plain) { skip_value(in, plain, 0); }

void rewrite_any(Reader& in, Writer& out) { rewrite_value(in, Order::javascript, out); }

void sort_any(Reader& in, Writer& out) { rewrite_value(in, Order::keys, out); }

}  // namespace weft::yjs
