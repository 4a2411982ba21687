#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/yjs/errc.h"

/// lib0's primitive encodings; for this module, and for those who read structs (crdt, `weft
/// inspect`). Source: docs/formats/yjs_update_v1.md, section 1.
namespace weft::yjs {

inline constexpr std::uint64_t max_safe_integer = (std::uint64_t{1} << 53) - 1;

/// Reads primitives from bytes it does not own. The first failure sticks: every later read returns
/// zero or nothing, so callers check `ok()` once per loop instead of once per value.
class Reader {
 public:
  Reader() = default;
  explicit Reader(base::byte_view bytes) : pos_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return code_ == errc{}; }
  errc code() const { return code_; }
  const std::uint8_t* pos() const { return pos_; }
  const std::uint8_t* end() const { return end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - pos_); }

  /// True since the last `clear_padded` when some number was not in its shortest form; lib0
  /// itself writes only shortest forms, so such bytes cannot be copied verbatim.
  bool padded() const { return padded_; }
  void clear_padded() { padded_ = false; }

  void fail(errc code) {
    if (ok()) code_ = code;
    pos_ = end_;
  }

  std::uint8_t byte() {
    if (pos_ == end_) {
      fail(errc::truncated);
      return 0;
    }
    return *pos_++;
  }

  std::uint64_t uint() {
    if (pos_ != end_ && *pos_ < 0x80) return *pos_++;
    return long_uint();
  }

  /// A signed number: its magnitude, and its sign apart, for zero has one too.
  std::uint64_t sint(bool& negative);

  /// A length-prefixed byte string.
  base::byte_view bytes() { return take(uint()); }

  base::byte_view take(std::uint64_t count) {
    if (count > left()) {
      fail(errc::truncated);
      return {};
    }
    const base::byte_view out(pos_, static_cast<std::size_t>(count));
    pos_ += count;
    return out;
  }

 private:
  std::uint64_t long_uint();

  const std::uint8_t* pos_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  errc code_{};
  bool padded_ = false;
};

/// Appends primitives to a growing buffer that is never zero-filled.
class Writer {
 public:
  std::size_t size() const { return size_; }
  base::byte_view view() const { return {data_.get(), size_}; }
  void clear() { size_ = 0; }
  void reserve(std::size_t bytes) {
    if (bytes > capacity_) grow(bytes);
  }

  void byte(std::uint8_t value) {
    if (size_ == capacity_) grow(size_ + 1);
    data_[size_++] = value;
  }

  void uint(std::uint64_t value) {
    if (size_ + 10 > capacity_) grow(size_ + 10);
    while (value > 0x7f) {
      data_[size_++] = static_cast<std::uint8_t>(value) | 0x80;
      value >>= 7;
    }
    data_[size_++] = static_cast<std::uint8_t>(value);
  }

  void sint(std::uint64_t magnitude, bool negative) {
    const bool more = magnitude > 0x3f;
    byte(static_cast<std::uint8_t>((more ? 0x80 : 0) | (negative ? 0x40 : 0) | (magnitude & 0x3f)));
    if (more) uint(magnitude >> 6);
  }

  void raw(const std::uint8_t* from, const std::uint8_t* to) {
    const auto count = static_cast<std::size_t>(to - from);
    if (count == 0) return;
    if (size_ + count > capacity_) grow(size_ + count);
    std::memcpy(data_.get() + size_, from, count);
    size_ += count;
  }
  void raw(base::byte_view bytes) { raw(bytes.data(), bytes.data() + bytes.size()); }
  void raw(std::string_view text) { raw(base::as_bytes(text)); }

  /// A length-prefixed byte string.
  void bytes(base::byte_view bytes) {
    uint(bytes.size());
    raw(bytes);
  }

  base::byte_vector take() const { return {data_.get(), data_.get() + size_}; }

 private:
  void grow(std::size_t needed);

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// The error arm for a reader that failed.
std::unexpected<base::error> decode_failure(errc code);

}  // namespace weft::yjs
