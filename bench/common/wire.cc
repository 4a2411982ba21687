#include "common/wire.h"

#include <openssl/evp.h>

#include <charconv>
#include <cstring>

namespace weft::bench {

bool read_long_frame_header(byte_view bytes, Frame& out) {
  if (bytes.size() < 2) return false;
  out.final = (bytes[0] & 0x80) != 0;
  out.op = static_cast<opcode>(bytes[0] & 0x0f);
  out.masked = (bytes[1] & 0x80) != 0;
  std::size_t length = bytes[1] & 0x7f;
  std::size_t at = 2;
  const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < at + wide + (out.masked ? 4 : 0)) return false;
  if (wide != 0) {
    length = 0;
    for (std::size_t i = 0; i < wide; ++i) length = length << 8 | bytes[at++];
  }
  if (out.masked) {
    std::memcpy(out.mask, bytes.data() + at, 4);
    at += 4;
  }
  out.header_bytes = at;
  out.payload_bytes = length;
  return true;
}

namespace {

void append_header(byte_vector& out, opcode op, std::size_t payload_bytes, std::uint8_t mask_bit) {
  out.push_back(static_cast<std::uint8_t>(0x80 | static_cast<std::uint8_t>(op)));
  if (payload_bytes < 126) {
    out.push_back(static_cast<std::uint8_t>(mask_bit | payload_bytes));
    return;
  }
  const bool wide = payload_bytes > 0xffff;
  out.push_back(static_cast<std::uint8_t>(mask_bit | (wide ? 127 : 126)));
  for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(payload_bytes >> shift));
  }
}

}  // namespace

void append_frame_header(byte_vector& out, opcode op, std::size_t payload_bytes) {
  append_header(out, op, payload_bytes, 0);
}

void append_client_frame(byte_vector& out, opcode op, byte_view payload, std::uint32_t key) {
  append_header(out, op, payload.size(), 0x80);
  std::uint8_t mask[4];
  std::memcpy(mask, &key, 4);
  out.insert(out.end(), mask, mask + 4);
  const std::size_t start = out.size();
  out.insert(out.end(), payload.begin(), payload.end());
  unmask(std::span(out).subspan(start), mask);
}

void unmask(std::span<std::uint8_t> payload, const std::uint8_t key[4]) {
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] ^= key[i & 3];
}

std::string accept_key(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &digest_bytes, EVP_sha1(), nullptr);
  char out[64];
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out), digest,
                                static_cast<int>(digest_bytes));
  return {out, static_cast<std::size_t>(n)};
}

void append_var_uint(byte_vector& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

bool parse_url(std::string_view text, Url& out) {
  constexpr std::string_view scheme = "ws://";
  if (!text.starts_with(scheme)) return false;
  text.remove_prefix(scheme.size());
  const auto slash = text.find('/');
  const auto authority = text.substr(0, slash);
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos) return false;
  out.host = authority.substr(0, colon);
  out.path = slash == std::string_view::npos ? "/" : text.substr(slash);
  const auto port = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  return error == std::errc() && end == port.data() + port.size();
}

}  // namespace weft::bench
