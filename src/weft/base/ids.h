#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace weft::base {

/// Which document: `{room, document, subdocument?}`. Names are any UTF-8 without NUL, at most
/// document_name_bytes_max bytes each; the gateway checks that.
struct DocumentId {
  std::string room_id;
  std::string doc_id;
  std::optional<std::string> subdoc_id;

  auto operator<=>(const DocumentId&) const = default;
};

inline constexpr std::size_t document_name_bytes_max = 1024;

/// "room/doc" or "room/doc/subdoc"; for logs and error messages, not for keys (not injective).
std::string to_string(const DocumentId& document);

/// An integer that cannot be mixed up with another kind of integer.
template <typename Tag>
struct tagged_u64 {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const tagged_u64&) const = default;
};

/// The ordinal of a record in its partition of the log. Starts at 0.
using log_offset = tagged_u64<struct log_offset_tag>;

/// A number that changes when a log is recreated or restored; a version from another identity
/// is not comparable and means full recovery.
using log_identity = tagged_u64<struct log_identity_tag>;

/// (actor, seq): assigned once where an edit enters Weft and kept across bridges. An actor is one
/// incarnation of a data directory.
struct OperationId {
  std::uint64_t actor = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const OperationId&) const = default;
};

/// "a1b2…:42": actor in hexadecimal, seq in decimal, as logs and traces print it.
std::string to_string(OperationId operation);

}  // namespace weft::base

template <>
struct std::hash<weft::base::DocumentId> {
  std::size_t operator()(const weft::base::DocumentId& document) const noexcept;
};
