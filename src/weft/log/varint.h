#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/base/bytes.h"

/// The integers of the log's formats (docs/formats/log_record.md, section 1).
namespace weft::log {

/// LEB128: seven bits a byte, lowest first, at most ten bytes.
inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

template <typename Unsigned>
void put_little_endian(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

inline void put_big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

/// Takes values off the front of bytes that may be anything; a failed take leaves it unusable.
class Reader {
 public:
  explicit Reader(base::byte_view bytes) : bytes_(bytes) {}

  /// Refuses more than 64 bits and encodings longer than they need to be.
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < bytes_.size(); ++i) {
      const std::uint64_t byte = bytes_[i];
      if (i == 9 && byte > 1) return std::nullopt;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        if (i > 0 && byte == 0) return std::nullopt;
        bytes_ = bytes_.subspan(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  template <typename Unsigned>
  std::optional<Unsigned> little_endian() {
    if (bytes_.size() < sizeof(Unsigned)) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) value |= std::uint64_t{bytes_[i]} << (8 * i);
    bytes_ = bytes_.subspan(sizeof(Unsigned));
    return static_cast<Unsigned>(value);
  }

  std::optional<std::uint64_t> big_endian() {
    if (bytes_.size() < 8) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = (value << 8) | bytes_[i];
    bytes_ = bytes_.subspan(8);
    return value;
  }

  std::optional<base::byte_view> take(std::uint64_t size) {
    if (size > bytes_.size()) return std::nullopt;
    const base::byte_view out = bytes_.first(static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(size));
    return out;
  }

  base::byte_view rest() const { return bytes_; }

 private:
  base::byte_view bytes_;
};

}  // namespace weft::log
