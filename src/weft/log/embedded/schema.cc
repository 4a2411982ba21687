#include "weft/log/embedded/schema.h"

#include <cstdio>

#include "weft/base/crc32c.h"
#include "weft/base/document_key.h"
#include "weft/log/record_codec.h"
#include "weft/log/varint.h"

namespace weft::log::embedded {
namespace {

constexpr std::uint8_t value_version = 1;
constexpr std::size_t value_head_bytes = 5;  // version and checksum

std::string prefixed(char prefix, std::uint64_t number) {
  std::string out(1, prefix);
  put_big_endian(out, number);
  return out;
}

std::unexpected<base::error> corrupt(std::string_view key, const char* what) {
  std::string message = "embedded log: key ";
  char hex[3];
  for (const char byte : key.substr(0, 24)) {
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<std::uint8_t>(byte)));
    message += hex;
  }
  return base::fail(errc::corrupt, message + ": " + what);
}

/// The checksum covers the key as well, so that a value under another key is seen as corrupt.
std::uint32_t checksum(std::string_view key, base::byte_view body) {
  return base::crc32c().add(base::as_bytes(key)).add(body).value();
}

std::string sealed(std::string_view key, std::string_view body) {
  std::string out(1, static_cast<char>(value_version));
  put_little_endian(out, checksum(key, base::as_bytes(body)));
  out.append(body);
  return out;
}

base::result<base::byte_view> unseal(std::string_view key, std::string_view value) {
  if (value.size() < value_head_bytes) return corrupt(key, "value cut off");
  if (static_cast<std::uint8_t>(value[0]) != value_version) return corrupt(key, "unknown version");
  Reader reader(base::as_bytes(value.substr(1)));
  const auto expected = reader.little_endian<std::uint32_t>();
  if (!expected || *expected != checksum(key, reader.rest())) {
    return corrupt(key, "checksum mismatch");
  }
  return reader.rest();
}

}  // namespace

std::string meta_key(std::string_view name) { return "m" + std::string(name); }
std::string number_key(const base::DocumentId& document) {
  return number_prefix + base::document_key(document);
}
std::string name_key(doc_number document) { return prefixed(name_prefix, document); }
std::string chunks_begin(doc_number document) { return prefixed(chunk_prefix, document); }
std::string commit_key(std::uint64_t offset) { return prefixed(commit_prefix, offset); }
std::string floor_key(doc_number document) { return prefixed('t', document); }
std::string chunk_key(doc_number document, std::uint64_t offset) {
  std::string out = prefixed(chunk_prefix, document);
  put_big_endian(out, offset);
  return out;
}

std::uint64_t key_offset(std::string_view key) {
  if (key.size() < 8) return 0;
  return *Reader(base::as_bytes(key.substr(key.size() - 8))).big_endian();
}

std::string encode_number(std::string_view key, std::uint64_t value) {
  std::string body;
  put_big_endian(body, value);
  return sealed(key, body);
}

base::result<std::uint64_t> decode_number(std::string_view key, std::string_view value) {
  const auto body = unseal(key, value);
  if (!body) return base::fail(base::error(body.error()));
  if (body->size() != 8) return corrupt(key, "not a number");
  return *Reader(*body).big_endian();
}

void encode_chunk(std::string_view key, std::uint64_t previous_end, const CommittedRecord* first,
                  std::size_t count, EncodedChunk& out) {
  // All bytes but the envelopes go to one scratch string first; pieces are cut from it only when
  // it no longer moves.
  out.scratch.clear();
  out.pieces.clear();
  out.scratch.append(value_head_bytes, '\0');
  put_varint(out.scratch, previous_end);
  put_varint(out.scratch, count);
  std::vector<std::size_t> cuts;
  cuts.reserve(count);
  std::string head;
  for (std::size_t i = 0; i < count; ++i) {
    head.clear();
    encode_record_head(first[i].record, head);
    put_varint(out.scratch, head.size() + first[i].record.envelope.size());
    out.scratch.append(head);
    cuts.push_back(out.scratch.size());
  }
  std::size_t from = 0;
  const base::byte_view scratch = base::as_bytes(out.scratch);
  for (std::size_t i = 0; i < count; ++i) {
    out.pieces.push_back(scratch.subspan(from, cuts[i] - from));
    out.pieces.push_back(first[i].record.envelope.view());
    from = cuts[i];
  }
  base::crc32c sum;
  sum.add(base::as_bytes(key));
  for (std::size_t i = 0; i < out.pieces.size(); ++i) {
    sum.add(i == 0 ? out.pieces[i].subspan(value_head_bytes) : out.pieces[i]);
  }
  out.scratch[0] = static_cast<char>(value_version);
  for (std::size_t i = 0; i < 4; ++i) {
    out.scratch[1 + i] = static_cast<char>(sum.value() >> (8 * i));
  }
}

base::result<ChunkHead> decode_chunk_head(std::string_view key, std::string_view value) {
  auto body = detail::open_chunk(key, value);
  if (!body) return base::fail(std::move(body.error()));
  return body->head;
}

std::string encode_commit(std::string_view key, const Commit& commit) {
  std::string body;
  put_varint(body, commit.seq_max);
  put_varint(body, commit.entries.size());
  for (const CommitEntry& entry : commit.entries) {
    put_varint(body, entry.document);
    put_varint(body, entry.count);
  }
  return sealed(key, body);
}

base::result<Commit> decode_commit(std::string_view key, std::string_view value) {
  const auto body = unseal(key, value);
  if (!body) return base::fail(base::error(body.error()));
  Reader reader(*body);
  Commit out;
  const auto seq_max = reader.varint();
  const auto count = seq_max ? reader.varint() : std::nullopt;
  if (!count || *count > body->size() / 2) return corrupt(key, "bad commit");
  out.seq_max = *seq_max;
  out.entries.reserve(static_cast<std::size_t>(*count));
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto document = reader.varint();
    const auto records = document ? reader.varint() : std::nullopt;
    if (!records || *records == 0) return corrupt(key, "bad commit entry");
    out.entries.push_back({*document, *records});
  }
  if (!reader.rest().empty()) return corrupt(key, "bytes after the commit");
  return out;
}

namespace detail {

base::result<ChunkBody> open_chunk(std::string_view key, std::string_view value) {
  const auto body = unseal(key, value);
  if (!body) return base::fail(base::error(body.error()));
  Reader reader(*body);
  const auto previous_end = reader.varint();
  const auto count = previous_end ? reader.varint() : std::nullopt;
  if (!count || *count == 0 || *count > body->size()) return corrupt(key, "bad chunk head");
  ChunkBody out;
  out.head.first = key_offset(key);
  out.head.end = out.head.first + *count;
  out.head.previous_end = *previous_end;
  out.count = *count;
  out.records = reader.rest();
  return out;
}

std::optional<base::byte_view> take_record(base::byte_view& records) {
  Reader reader(records);
  const auto size = reader.varint();
  if (!size) return std::nullopt;
  const auto out = reader.take(*size);
  records = reader.rest();
  return out;
}

base::result<Record> read_record(const base::shared_bytes& bytes) { return decode_record(bytes); }

std::unexpected<base::error> corrupt_chunk(std::string_view key, const char* what) {
  return corrupt(key, what);
}

}  // namespace detail
}  // namespace weft::log::embedded
