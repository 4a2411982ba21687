#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/log/op_log.h"

/// Keys and values of the embedded log. Source: docs/formats/embedded_log.md.
namespace weft::log::embedded {

using doc_number = std::uint64_t;

std::string meta_key(std::string_view name);
std::string number_key(const base::DocumentId& document);          ///< document -> number
std::string name_key(doc_number document);                         ///< number -> document
std::string chunk_key(doc_number document, std::uint64_t offset);  ///< one document's records
std::string chunks_begin(doc_number document);  ///< before all its chunks, no key itself
std::string commit_key(std::uint64_t offset);   ///< the partition's order
std::string floor_key(doc_number document);     ///< trimmed below

inline constexpr char number_prefix = 'n';
inline constexpr char name_prefix = 'd';
inline constexpr char chunk_prefix = 'r';
inline constexpr char commit_prefix = 'g';
inline constexpr std::size_t chunk_key_bytes = 17;
inline constexpr std::size_t commit_key_bytes = 9;
inline constexpr std::size_t name_key_bytes = 9;

/// The offset at the end of a chunk's or commit's key.
std::uint64_t key_offset(std::string_view key);

/// A 64-bit value (document numbers, floors, identities) with its checksum.
std::string encode_number(std::string_view key, std::uint64_t value);
base::result<std::uint64_t> decode_number(std::string_view key, std::string_view value);

/// A chunk's value in pieces: `pieces` in order are the bytes to store. They point into `scratch`
/// and into the records' envelopes; both must outlive their use.
struct EncodedChunk {
  std::string scratch;
  std::vector<base::byte_view> pieces;
};
void encode_chunk(std::string_view key, std::uint64_t previous_end, const CommittedRecord* first,
                  std::size_t count, EncodedChunk& out);

/// What a chunk says of itself.
struct ChunkHead {
  std::uint64_t first = 0;         ///< offset of its first record
  std::uint64_t end = 0;           ///< offset after its last record
  std::uint64_t previous_end = 0;  ///< end of the document's chunk before; 0: there was none
};

/// Verifies the checksum and reads the head; for a whole read use decode_chunk.
base::result<ChunkHead> decode_chunk_head(std::string_view key, std::string_view value);

/// Reads a chunk and calls `each(CommittedRecord&&)`; stops early when that returns false.
/// Envelopes share one copy of the value.
template <typename Each>
base::result<ChunkHead> decode_chunk(std::string_view key, std::string_view value, Each&& each);

/// One document's chunk within a commit.
struct CommitEntry {
  doc_number document = 0;
  std::uint64_t count = 0;
};

/// One commit: its chunks in offset order without gaps, and the largest seq of the log's own
/// actor in this and every earlier commit.
struct Commit {
  std::uint64_t seq_max = 0;
  std::vector<CommitEntry> entries;
};
std::string encode_commit(std::string_view key, const Commit& commit);
base::result<Commit> decode_commit(std::string_view key, std::string_view value);

namespace detail {
struct ChunkBody {
  ChunkHead head;
  std::uint64_t count = 0;
  base::byte_view records;
};
base::result<ChunkBody> open_chunk(std::string_view key, std::string_view value);
std::optional<base::byte_view> take_record(base::byte_view& records);
base::result<Record> read_record(const base::shared_bytes& bytes);
std::unexpected<base::error> corrupt_chunk(std::string_view key, const char* what);
}  // namespace detail

template <typename Each>
base::result<ChunkHead> decode_chunk(std::string_view key, std::string_view value, Each&& each) {
  const base::shared_bytes copy = base::shared_bytes::copy_of(base::as_bytes(value));
  auto body = detail::open_chunk(key, base::as_text(copy.view()));
  if (!body) return base::fail(std::move(body.error()));
  base::byte_view left = body->records;
  for (std::uint64_t i = 0; i < body->count; ++i) {
    const auto bytes = detail::take_record(left);
    if (!bytes) return detail::corrupt_chunk(key, "a record is cut off");
    const auto at = static_cast<std::size_t>(bytes->data() - copy.data());
    auto record = detail::read_record(copy.slice(at, bytes->size()));
    if (!record) return base::fail(std::move(record.error()));
    if (!each(CommittedRecord{log_offset{body->head.first + i}, std::move(*record)})) break;
  }
  return body->head;
}

}  // namespace weft::log::embedded
