#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weft/base/bytes.h"

/// Integers in stored bytes: little-endian, of fixed size.
namespace weft::store {

template <typename Unsigned>
void put_little_endian(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

/// The number whose bytes are these, at most eight.
inline std::uint64_t little_endian(base::byte_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

}  // namespace weft::store
