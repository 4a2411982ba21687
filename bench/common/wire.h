#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The few bytes of RFC 6455 and lib0 that the benchmark programs need. Trusting code: it talks to
/// servers under measurement on the loopback interface, and says so when they send nonsense.
namespace weft::bench {

using byte_vector = std::vector<std::uint8_t>;
using byte_view = std::span<const std::uint8_t>;

enum class opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

/// One frame as it lies in a receive buffer.
struct Frame {
  opcode op = opcode::binary;
  bool final = true;
  bool masked = false;
  std::uint8_t mask[4] = {};
  std::size_t header_bytes = 0;
  std::size_t payload_bytes = 0;
};

/// Reads a frame header. Returns false when `bytes` ends inside it.
bool read_long_frame_header(byte_view bytes, Frame& out);
inline bool read_frame_header(byte_view bytes, Frame& out) {
  // Millions of deliveries a second pass here: final, binary, unmasked, shorter than 126 bytes.
  if (bytes.size() >= 2 && bytes[0] == 0x82 && bytes[1] < 126) [[likely]] {
    out.final = true;
    out.op = opcode::binary;
    out.masked = false;
    out.header_bytes = 2;
    out.payload_bytes = bytes[1];
    return true;
  }
  return read_long_frame_header(bytes, out);
}

/// Appends a server frame header (final, unmasked).
void append_frame_header(byte_vector& out, opcode op, std::size_t payload_bytes);

/// Appends a whole client frame, masked with `key` as clients must.
void append_client_frame(byte_vector& out, opcode op, byte_view payload, std::uint32_t key);

/// XORs `payload` in place with the frame's masking key.
void unmask(std::span<std::uint8_t> payload, const std::uint8_t key[4]);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string accept_key(std::string_view key);

void append_var_uint(byte_vector& out, std::uint64_t value);

/// Reads lib0 integers and byte strings; `failed` latches, reads after it return 0.
struct Reader {
  const std::uint8_t* at;
  const std::uint8_t* end;
  bool failed = false;

  explicit Reader(byte_view bytes) : at(bytes.data()), end(bytes.data() + bytes.size()) {}
  std::uint8_t byte() {
    if (at == end) [[unlikely]] {
      failed = true;
      return 0;
    }
    return *at++;
  }
  std::uint64_t var_uint() {
    // Millions of deliveries a second pass here; most numbers have one byte.
    if (at != end && *at < 0x80) [[likely]] {
      return *at++;
    }
    return long_var_uint();
  }
  byte_view var_bytes() {
    const std::uint64_t n = var_uint();
    if (failed || n > static_cast<std::uint64_t>(end - at)) [[unlikely]] {
      failed = true;
      return {};
    }
    const byte_view view(at, static_cast<std::size_t>(n));
    at += n;
    return view;
  }
  bool empty() const { return at == end; }

 private:
  std::uint64_t long_var_uint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = byte();
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    failed = true;
    return 0;
  }
};

/// Takes host, port and path from ws://IPV4:PORT/PATH. Returns false when the form is another.
struct Url {
  std::string host;
  std::uint16_t port = 0;
  std::string path;
};
bool parse_url(std::string_view text, Url& out);

}  // namespace weft::bench
