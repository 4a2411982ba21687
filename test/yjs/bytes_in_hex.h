#pragma once

#include <string>
#include <string_view>

#include "weft/base/bytes.h"

namespace weft::yjs::testing {

/// Two digits a byte.
inline base::byte_vector hex(std::string_view text) {
  base::byte_vector out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

inline std::vector<base::byte_view> views(std::initializer_list<const base::byte_vector*> list) {
  std::vector<base::byte_view> out;
  for (const base::byte_vector* bytes : list) out.emplace_back(*bytes);
  return out;
}

}  // namespace weft::yjs::testing
