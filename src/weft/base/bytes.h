#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace weft::base {

using byte_view = std::span<const std::uint8_t>;
using byte_vector = std::vector<std::uint8_t>;

/// Immutable bytes with shared ownership; a slice shares its parent's allocation.
///
/// Invariant: once visible to a second holder the bytes never change, so they cross threads
/// without locks. Copying costs one reference count, never a copy of the bytes.
class shared_bytes {
 public:
  shared_bytes() = default;

  /// Copies `source` into one fresh allocation.
  static shared_bytes copy_of(byte_view source) {
    return build(source.size(), [&](std::uint8_t* out) {
      if (!source.empty()) std::memcpy(out, source.data(), source.size());
    });
  }

  /// Takes over a vector without copying its bytes.
  static shared_bytes adopt(byte_vector&& source) {
    auto holder = std::make_shared<const byte_vector>(std::move(source));
    shared_bytes out;
    out.data_ = holder->data();
    out.size_ = holder->size();
    out.owner_ = std::shared_ptr<const void>(std::move(holder));
    return out;
  }

  /// One allocation of `size` bytes that `fill(std::uint8_t*)` writes before anyone else sees it.
  template <typename Fill>
  static shared_bytes build(std::size_t size, Fill&& fill) {
    shared_bytes out;
    if (size == 0) return out;
    auto buffer = std::make_shared_for_overwrite<std::uint8_t[]>(size);
    fill(buffer.get());
    out.data_ = buffer.get();
    out.size_ = size;
    out.owner_ = std::shared_ptr<const void>(std::move(buffer));
    return out;
  }

  const std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  byte_view view() const { return {data_, size_}; }
  operator byte_view() const { return view(); }

  /// The bytes [from, from + length), sharing ownership. Both must lie inside.
  shared_bytes slice(std::size_t from, std::size_t length) const {
    shared_bytes out;
    out.owner_ = owner_;
    out.data_ = data_ + from;
    out.size_ = length;
    return out;
  }

 private:
  std::shared_ptr<const void> owner_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

inline byte_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(byte_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool equal(byte_view a, byte_view b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace weft::base
