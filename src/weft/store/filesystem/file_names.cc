#include "weft/store/filesystem/file_names.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/document_key.h"

namespace weft::store::filesystem {
namespace {

constexpr char separator = '+';
constexpr char before_hash = '~';
constexpr std::size_t kept_of_long_name = 120;
constexpr std::string_view digits = "0123456789abcdef";

void append_hex(std::string& out, std::uint8_t byte) {
  out.push_back(digits[byte >> 4]);
  out.push_back(digits[byte & 15]);
}

/// Upper case is escaped too: some file systems do not tell it from lower case.
bool is_plain(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

void append_escaped(std::string& out, std::string_view part) {
  for (const char byte : part) {
    if (is_plain(byte)) {
      out.push_back(byte);
    } else {
      out.push_back('%');
      append_hex(out, static_cast<std::uint8_t>(byte));
    }
  }
}

/// `escaped` itself, or when it is long, its beginning and the SHA-256 of the name it is made of.
std::string bounded(std::string escaped, std::string_view name) {
  if (escaped.size() <= file_name_bytes_max) return escaped;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> hash;
  const base::byte_view bytes = base::as_bytes(name);
  SHA256(bytes.data(), bytes.size(), hash.data());
  escaped.resize(kept_of_long_name);
  escaped.push_back(before_hash);
  for (const std::uint8_t byte : hash) append_hex(escaped, byte);
  return escaped;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_plain(text[at])) {
      out.push_back(text[at]);
      continue;
    }
    if (text[at] != '%' || text.size() - at < 3) return std::nullopt;
    const std::size_t high = digits.find(text[at + 1]);
    const std::size_t low = digits.find(text[at + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  return out;
}

/// The parts of a name that was written in full; empty when there is none.
std::vector<std::string> parts_of(std::string_view file_name) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= file_name.size();) {
    const std::size_t end = std::min(file_name.find(separator, from), file_name.size());
    auto part = unescaped(file_name.substr(from, end - from));
    if (!part) return {};
    out.push_back(std::move(*part));
    from = end + 1;
  }
  return out;
}

}  // namespace

std::string document_file_name(const base::DocumentId& document) {
  std::string out;
  append_escaped(out, document.room_id);
  out.push_back(separator);
  append_escaped(out, document.doc_id);
  if (document.subdoc_id) {
    out.push_back(separator);
    append_escaped(out, *document.subdoc_id);
  }
  return bounded(std::move(out), base::document_key(document));
}

std::optional<base::DocumentId> document_of_file_name(std::string_view file_name) {
  std::vector<std::string> parts = parts_of(file_name);
  if (parts.size() != 2 && parts.size() != 3) return std::nullopt;
  base::DocumentId out{std::move(parts[0]), std::move(parts[1]), std::nullopt};
  if (parts.size() == 3) out.subdoc_id = std::move(parts[2]);
  // One name only: an escape that was not needed makes another file.
  if (document_file_name(out) != file_name) return std::nullopt;
  return out;
}

std::string location_file_name(std::string_view location) {
  std::string out;
  for (std::size_t from = 0; from <= location.size();) {
    const std::size_t end = std::min(location.find('/', from), location.size());
    if (from > 0) out.push_back(separator);
    append_escaped(out, location.substr(from, end - from));
    from = end + 1;
  }
  return bounded(std::move(out), location);
}

std::optional<std::string> location_of_file_name(std::string_view file_name) {
  std::string out;
  bool first = true;
  for (const std::string& part : parts_of(file_name)) {
    if (!std::exchange(first, false)) out.push_back('/');
    out += part;
  }
  if (out.empty() || location_file_name(out) != file_name) return std::nullopt;
  return out;
}

}  // namespace weft::store::filesystem
