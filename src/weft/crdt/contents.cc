#include "weft/crdt/contents.h"

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

namespace weft::crdt {
namespace {

using nlohmann::json;

/// lib0's tags of values.
enum tag : std::uint8_t {
  array_tag = 117,
  object_tag,
  string_tag,
  true_tag,
  false_tag,
  float64_tag = 123,
  null_tag = 126,
  undefined_tag,
};

void put_text(std::string_view text, yjs::Writer& out) { out.bytes(base::as_bytes(text)); }

void put_number(double value, yjs::Writer& out) {
  out.byte(float64_tag);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out.byte(static_cast<std::uint8_t>(bits >> shift));
}

/// Recursion is bounded: the update was validated, so the nesting is at most yjs::value_depth_max.
void put_value(const json& value, yjs::Writer& out) {
  switch (value.type()) {
    case json::value_t::object:
      out.byte(object_tag);
      out.uint(value.size());
      for (const auto& [key, member] : value.items()) {
        put_text(key, out);
        put_value(member, out);
      }
      return;
    case json::value_t::array:
      out.byte(array_tag);
      out.uint(value.size());
      for (const json& item : value) put_value(item, out);
      return;
    case json::value_t::string:
      out.byte(string_tag);
      return put_text(value.get_ref<const std::string&>(), out);
    case json::value_t::boolean:
      return out.byte(value.get<bool>() ? true_tag : false_tag);
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return put_number(value.get<double>(), out);
    default:
      return out.byte(null_tag);
  }
}

bool put_json_text(std::string_view text, yjs::Writer& out) {
  if (text == "undefined") {
    out.byte(undefined_tag);
    return true;
  }
  constexpr bool throwing = false;
  const json value = json::parse(text, nullptr, throwing);
  if (value.is_discarded()) return false;
  put_value(value, out);
  return true;
}

}  // namespace

bool rewrite(const yjs::Struct& s, yjs::Writer& out) {
  yjs::write_item_header(s, 0, yjs::any_ref, true, out);
  yjs::Reader in({s.content, s.end});
  if (s.ref() == yjs::doc_ref) {
    out.uint(1);
    out.byte(object_tag);
    out.uint(1);
    put_text("guid", out);
    out.byte(string_tag);
    out.bytes(in.bytes());
    return true;
  }
  const std::uint64_t count = in.uint();
  out.uint(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!put_json_text(base::as_text(in.bytes()), out)) return false;
  }
  return true;
}

}  // namespace weft::crdt
