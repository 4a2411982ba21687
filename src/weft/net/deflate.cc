#include "weft/net/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include "weft/base/result.h"

namespace weft::net {

namespace {

/// Fast: the higher levels take up to three times as long for a twentieth less.
constexpr int level = 1;
/// What ends a flushed block; senders leave it out, receivers put it back.
constexpr std::array<std::uint8_t, 4> tail{0x00, 0x00, 0xff, 0xff};
/// More is given back once its message has been handled.
constexpr std::size_t kept_bytes_max = 256 * 1024;
constexpr std::size_t first_bytes = 4 * 1024;
/// zlib counts in 32 bits.
constexpr std::size_t step_bytes_max = 1u << 30;

Bytef* readable(const std::uint8_t* bytes) { return const_cast<Bytef*>(bytes); }  // only read

}  // namespace

struct Inflater::Stream {
  Stream() {
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { inflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  z_stream z{};
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {}
Inflater::~Inflater() = default;

void Inflater::release() {
  if (out_.capacity() > kept_bytes_max) base::byte_vector().swap(out_);
}

Inflater::outcome Inflater::run(base::byte_view input, std::size_t bytes_max) {
  z_stream& z = stream_->z;
  while (true) {
    if (size_ == out_.size()) {
      // One byte beyond what is allowed tells that there is more.
      const std::size_t most = bytes_max + 1;
      if (size_ == most) return outcome::too_big;
      out_.resize(std::min(most, std::max(first_bytes, 2 * size_)));
    }
    z.next_in = readable(input.data());
    z.avail_in = static_cast<uInt>(std::min(input.size(), step_bytes_max));
    z.next_out = out_.data() + size_;
    z.avail_out = static_cast<uInt>(std::min(out_.size() - size_, step_bytes_max));
    const uInt offered = z.avail_in;
    const uInt room = z.avail_out;
    const int got = ::inflate(&z, Z_SYNC_FLUSH);
    input = input.subspan(offered - z.avail_in);
    size_ += room - z.avail_out;
    // What is a stream's last block may be followed by another stream.
    if (got == Z_STREAM_END) {
      inflateReset(&z);
      if (input.empty()) return outcome::done;
    } else if (got == Z_BUF_ERROR || (got == Z_OK && input.empty() && z.avail_out > 0)) {
      return outcome::done;
    } else if (got != Z_OK) {
      return outcome::broken;
    }
  }
}

Inflater::inflated Inflater::inflate(base::byte_view payload, std::size_t bytes_max) {
  WEFT_CHECK(bytes_max < std::numeric_limits<std::size_t>::max() / 2);
  z_stream& z = stream_->z;
  inflateReset(&z);
  size_ = 0;
  auto what = run(payload, bytes_max);
  const bool ended = z.total_in == 0 && !payload.empty();
  if (what == outcome::done && !ended) {
    // The tail is a block that says nothing, unless the message broke off in the middle of one.
    constexpr int between_blocks = 128;
    const std::size_t said = size_;
    what = run(tail, bytes_max);
    const bool whole = (z.data_type & between_blocks) != 0 && size_ == said;
    if (what == outcome::done && !whole) what = outcome::broken;
  }
  if (what == outcome::done && size_ > bytes_max) what = outcome::too_big;
  return {what, what == outcome::done ? base::byte_view(out_).first(size_) : base::byte_view()};
}

std::optional<std::size_t> deflate_message(std::initializer_list<base::byte_view> parts,
                                           std::span<std::uint8_t> out) {
  std::size_t size = 0;
  for (const auto& part : parts) size += part.size();
  // No larger a window than there is to look at: half of the work for a small message is to clear
  // the tables.
  const int window_bits = std::clamp(static_cast<int>(std::bit_width(size)), 9, MAX_WBITS);
  const int memory_level = std::clamp(window_bits - 7, 2, 8);
  z_stream z{};
  if (deflateInit2(&z, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  z.next_out = out.data();
  std::size_t room = out.size();
  std::size_t left = parts.size();
  bool fits = size > 0;
  for (auto part : parts) {
    --left;
    do {
      const std::size_t give = std::min(part.size(), step_bytes_max);
      z.next_in = readable(part.data());
      z.avail_in = static_cast<uInt>(give);
      z.avail_out = static_cast<uInt>(std::min(room, step_bytes_max));
      const uInt offered = z.avail_out;
      part = part.subspan(give);
      ::deflate(&z, left == 0 && part.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      room -= offered - z.avail_out;
      fits = fits && z.avail_in == 0 && z.avail_out > 0;
    } while (fits && !part.empty());
    if (!fits) break;
  }
  const std::size_t made = out.size() - room;
  deflateEnd(&z);
  if (!fits) return std::nullopt;
  WEFT_CHECK(made > tail.size() &&
             std::equal(tail.begin(), tail.end(),
                        out.begin() + static_cast<std::ptrdiff_t>(made - tail.size())));
  return made - tail.size();
}

std::optional<std::size_t> write_deflated_frame(opcode code,
                                                std::initializer_list<base::byte_view> parts,
                                                std::span<std::uint8_t> out) {
  if (out.size() <= frame_header_bytes_max) return std::nullopt;
  const auto body = out.subspan(frame_header_bytes_max);
  const auto size = deflate_message(parts, body);
  if (!size) return std::nullopt;
  const std::size_t header_size = frame_header(code, *size, out.data(), true);
  std::memmove(out.data() + header_size, body.data(), *size);
  return header_size + *size;
}

}  // namespace weft::net
