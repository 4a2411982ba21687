#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../exercise.h"
#include "entries.h"
#include "weft/base/document_key.h"
#include "weft/log/embedded/schema.h"
#include "weft/log/kafka/record_headers.h"
#include "weft/log/record_codec.h"

namespace weft::fuzz {
namespace {

constexpr std::size_t sealed_head_bytes = 5;

log::Record record(std::uint64_t seq) {
  log::Record out;
  out.operation = {42, seq};
  out.received_at_ms = 1700000000000;
  out.identity = "ada";
  out.envelope = base::shared_bytes::copy_of(base::as_bytes("{}payload"));
  return out;
}

TEST(fuzz_record, records) {
  std::string seed;
  log::encode_record_head(record(300), seed);
  exercise(log_record, seed + "{}payload");
}

TEST(fuzz_record, chunks) {
  std::vector<log::CommittedRecord> records;
  for (std::uint64_t i = 0; i < 3; ++i) records.push_back({{100 + i}, record(i)});
  log::embedded::EncodedChunk chunk;
  log::embedded::encode_chunk(log::embedded::chunk_key(1, 100), 7, records.data(), 3, chunk);
  std::string seed;
  for (const base::byte_view piece : chunk.pieces) seed.append(base::as_text(piece));
  exercise(log_chunk, seed.substr(sealed_head_bytes));
}

std::string header(char name, const std::string& value) {
  return std::string{name, static_cast<char>(value.size())} + value;
}

TEST(fuzz_record, kafka_headers) {
  exercise(kafka_headers, header(0, log::kafka::encode_record(record(300))) +
                              header(1, base::document_key({"room", "doc", "sub"})) +
                              header(4, "of others") +
                              header(2, log::kafka::encode_source({{0x1122334455667788}, 5, 300})));
  exercise(kafka_headers, header(3, log::kafka::encode_marker({{0x1122334455667788}, 1024, true})));
}

TEST(fuzz_record, commits) {
  const log::embedded::Commit commit{1000, {{1, 3}, {200, 1}, {3, 100000}}};
  exercise(log_commit, log::embedded::encode_commit(log::embedded::commit_key(100), commit)
                           .substr(sealed_head_bytes));
}

}  // namespace
}  // namespace weft::fuzz
