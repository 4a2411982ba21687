#include "entries.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/crc32c.h"
#include "weft/base/document_key.h"
#include "weft/base/result.h"
#include "weft/log/embedded/schema.h"
#include "weft/log/kafka/record_headers.h"
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

void kafka_headers(base::byte_view bytes) {
  namespace kafka = log::kafka;
  static constexpr std::string_view names[] = {kafka::record_header, kafka::document_header,
                                               kafka::source_header, kafka::marker_header, "other"};
  std::vector<kafka::Header> headers;
  while (bytes.size() >= 2) {
    const std::size_t size = std::min<std::size_t>(bytes[1], bytes.size() - 2);
    headers.push_back({names[bytes[0] % std::size(names)], bytes.subspan(2, size)});
    bytes = bytes.subspan(2 + size);
  }
  const auto check = [&](std::string_view name, const std::string& encoded) {
    const auto given = kafka::find_header(headers, name);
    WEFT_CHECK(given && base::equal(*given, base::as_bytes(encoded)));
  };
  const kafka::Decoded decoded = kafka::decode_headers(headers);
  if (const auto* const record = std::get_if<kafka::DocumentRecord>(&decoded)) {
    check(kafka::record_header, kafka::encode_record(record->record));
    check(kafka::document_header, base::document_key(record->document));
    check(kafka::source_header, kafka::encode_source(record->source));
  } else if (const auto* const marker = std::get_if<kafka::Marker>(&decoded)) {
    WEFT_CHECK(marker->log.value != 0 && marker->partitions > 0);
    check(kafka::marker_header, kafka::encode_marker(*marker));
  } else if (std::holds_alternative<kafka::Foreign>(decoded)) {
    for (const kafka::Header& header : headers) WEFT_CHECK(header.name == "other");
  }
}

}  // namespace weft::fuzz
