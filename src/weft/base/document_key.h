#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/ids.h"

namespace weft::base {

/// Bytes that name a document in key-value stores: each name as its length (uint32, big-endian)
/// and its bytes; room, document and, where there is one, subdocument. Injective for any names.
inline std::string document_key(const DocumentId& document) {
  std::string out;
  const auto put = [&out](std::string_view name) {
    const auto size = static_cast<std::uint32_t>(name.size());
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
    out.append(name);
  };
  out.reserve(document.room_id.size() + document.doc_id.size() + 12 +
              (document.subdoc_id ? document.subdoc_id->size() : 0));
  put(document.room_id);
  put(document.doc_id);
  if (document.subdoc_id) put(*document.subdoc_id);
  return out;
}

/// The inverse of document_key; nullopt for anything that document_key cannot have made.
inline std::optional<DocumentId> parse_document_key(std::string_view key) {
  const auto take = [&key]() -> std::optional<std::string> {
    if (key.size() < 4) return std::nullopt;
    std::uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size = (size << 8) | static_cast<std::uint8_t>(key[i]);
    if (key.size() - 4 < size) return std::nullopt;
    std::string name(key.substr(4, size));
    key.remove_prefix(4 + std::size_t{size});
    return name;
  };
  DocumentId out;
  auto room = take();
  auto doc = room ? take() : std::nullopt;
  if (!doc) return std::nullopt;
  out.room_id = std::move(*room);
  out.doc_id = std::move(*doc);
  if (key.empty()) return out;
  out.subdoc_id = take();
  if (!out.subdoc_id || !key.empty()) return std::nullopt;
  return out;
}

}  // namespace weft::base
