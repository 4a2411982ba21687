#include "entries.h"

#include <string>

#include "weft/base/crc32c.h"
#include "weft/base/result.h"
#include "weft/log/embedded/schema.h"
#include "weft/log/record_codec.h"
#include "weft/log/varint.h"

namespace weft::fuzz {
namespace {

std::string seal(const std::string& key, base::byte_view body) {
  std::string out(1, '\1');
  log::put_little_endian(out, base::crc32c().add(base::as_bytes(key)).add(body).value());
  out.append(base::as_text(body));
  return out;
}

}  // namespace

void log_record(base::byte_view bytes) {
  const auto record = log::decode_record(base::shared_bytes::copy_of(bytes));
  if (!record) return;
  std::string again;
  log::encode_record_head(*record, again);
  again.append(base::as_text(record->envelope));
  WEFT_CHECK(base::equal(base::as_bytes(again), bytes));
}

void log_chunk(base::byte_view bytes) {
  const std::string key = log::embedded::chunk_key(1, 100);
  std::size_t records = 0;
  std::size_t envelope_bytes = 0;
  const auto head =
      log::embedded::decode_chunk(key, seal(key, bytes), [&](log::CommittedRecord&& entry) {
        ++records;
        envelope_bytes += entry.record.envelope.size();
        return true;
      });
  WEFT_CHECK(envelope_bytes <= bytes.size());
  if (head) WEFT_CHECK(head->end - head->first == records);
}

void log_commit(base::byte_view bytes) {
  const std::string key = log::embedded::commit_key(100);
  const std::string value = seal(key, bytes);
  const auto commit = log::embedded::decode_commit(key, value);
  if (commit) WEFT_CHECK(log::embedded::encode_commit(key, *commit) == value);
}

}  // namespace weft::fuzz
