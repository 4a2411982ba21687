#include "weft/yjs/value.h"

#include <algorithm>

namespace weft::yjs {

bool is_array_index(std::string_view key, std::uint32_t& index) {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return false;
  std::uint64_t value = 0;
  for (const char c : key) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value >= 0xffffffffULL) return false;
  index = static_cast<std::uint32_t>(value);
  return true;
}

void order_properties(const Writer& arena, std::vector<Property>& properties) {
  const auto key_of = [&](const Property& p) {
    return base::as_text(arena.view()).substr(p.key_begin, p.key_end - p.key_begin);
  };
  // Equal keys become neighbours; they keep their order of appearance.
  std::vector<std::uint32_t> by_key(properties.size());
  for (std::uint32_t i = 0; i < by_key.size(); ++i) by_key[i] = i;
  std::sort(by_key.begin(), by_key.end(), [&](std::uint32_t a, std::uint32_t b) {
    const int order = key_of(properties[a]).compare(key_of(properties[b]));
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < by_key.size();) {
    std::size_t last = i;
    while (last + 1 < by_key.size() &&
           key_of(properties[by_key[last + 1]]) == key_of(properties[by_key[i]])) {
      ++last;
    }
    properties[by_key[i]].value_begin = properties[by_key[last]].value_begin;
    properties[by_key[i]].value_end = properties[by_key[last]].value_end;
    kept.push_back(by_key[i]);
    i = last + 1;
  }
  std::sort(kept.begin(), kept.end(), [&](std::uint32_t a, std::uint32_t b) {
    std::uint32_t index_a = 0;
    std::uint32_t index_b = 0;
    const bool is_a = is_array_index(key_of(properties[a]), index_a);
    const bool is_b = is_array_index(key_of(properties[b]), index_b);
    if (is_a != is_b) return is_a;
    return is_a ? index_a < index_b : a < b;
  });
  std::vector<Property> ordered;
  ordered.reserve(kept.size());
  for (const std::uint32_t i : kept) ordered.push_back(properties[i]);
  properties = std::move(ordered);
}

}  // namespace weft::yjs
