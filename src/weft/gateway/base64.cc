#include "weft/gateway/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace weft::gateway {

namespace {

/// OpenSSL counts in int; a multiple of 3, so that the pieces join without padding between them.
constexpr std::size_t piece_bytes = std::size_t{3} << 20;

bool is_digit_of_both(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

void append_base64(base::byte_view bytes, std::string& out) {
  std::size_t at = out.size();
  const std::size_t end = at + (bytes.size() + 2) / 3 * 4;
  out.resize(end + 1);  // OpenSSL ends what it writes with a zero
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), piece_bytes);
    at += static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(&out[at]),
                                                   bytes.data(), static_cast<int>(size)));
    bytes = bytes.subspan(size);
  }
  out.resize(end);
}

std::string to_base64(base::byte_view bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}

std::string to_base64url(base::byte_view bytes) {
  std::string out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

std::optional<base::byte_vector> from_base64(std::string_view text) {
  if (text.ends_with("==") && text.size() % 4 == 0) {
    text.remove_suffix(2);
  } else if (text.ends_with('=') && text.size() % 4 == 0) {
    text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  bool standard = false, url = false;
  std::string digits;
  digits.reserve(text.size() + 2);
  for (char c : text) {
    standard |= c == '+' || c == '/';
    url |= c == '-' || c == '_';
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    if (!is_digit_of_both(c) && c != '+' && c != '/') return std::nullopt;
    digits.push_back(c);
  }
  if (standard && url) return std::nullopt;
  const std::size_t padding = (4 - digits.size() % 4) % 4;
  digits.append(padding, 'A');  // decodes to zero bits, which are cut off again
  base::byte_vector out(digits.size() / 4 * 3);
  std::size_t written = 0;
  for (std::size_t at = 0; at < digits.size(); at += piece_bytes * 4 / 3) {
    const std::size_t size = std::min(digits.size() - at, piece_bytes * 4 / 3);
    const int decoded =
        EVP_DecodeBlock(out.data() + written, reinterpret_cast<const unsigned char*>(&digits[at]),
                        static_cast<int>(size));
    if (decoded < 0) return std::nullopt;
    written += static_cast<std::size_t>(decoded);
  }
  // The last digit may hold bits beyond the last byte: only zeros are an encoding of anything.
  for (std::size_t i = out.size() - padding; i < out.size(); ++i) {
    if (out[i] != 0) return std::nullopt;
  }
  out.resize(out.size() - padding);
  return out;
}

}  // namespace weft::gateway
