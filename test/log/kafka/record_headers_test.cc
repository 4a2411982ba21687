#include "weft/log/kafka/record_headers.h"

#include <gtest/gtest.h>

#include <vector>

#include "log/log_listener.h"
#include "weft/base/document_key.h"

namespace weft::log::kafka {
namespace {

const base::DocumentId document{"room", "doc", "sub"};
const Source source{{0x1122334455667788}, 0x99, 300};

struct Written {
  Written()
      : record(encode_record(conformance::record(7, 9))),
        key(base::document_key(document)),
        from(encode_source(source)) {}
  std::vector<Header> headers() const {
    return {{record_header, base::as_bytes(record)},
            {"traceparent", base::as_bytes("somebody else's")},
            {document_header, base::as_bytes(key)},
            {source_header, base::as_bytes(from)}};
  }
  std::string record;
  std::string key;
  std::string from;
};

TEST(kafka_record_headers, what_is_written_is_read_among_headers_of_others) {
  const Written written;
  const Decoded decoded = decode_headers(written.headers());
  const auto* const read = std::get_if<DocumentRecord>(&decoded);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->document, document);
  EXPECT_EQ(read->source, source);
  EXPECT_EQ(read->record.operation, (base::OperationId{7, 9}));
  EXPECT_EQ(read->record.identity, "ada");
  EXPECT_EQ(read->record.received_at_ms, 1700000000009);
  EXPECT_TRUE(read->record.envelope.empty());
}

TEST(kafka_record_headers, the_bytes_are_those_of_the_format) {
  EXPECT_EQ(encode_source({{1}, 2, 0x0304}), std::string("\1"
                                                         "\1\0\0\0\0\0\0\0"
                                                         "\2\0\0\0\0\0\0\0"
                                                         "\4\3\0\0\0\0\0\0",
                                                         25));
  EXPECT_EQ(encode_marker({{5}, 8, true}), std::string("\1\1"
                                                       "\5\0\0\0\0\0\0\0"
                                                       "\x8\0\0\0",
                                                       14));
}

TEST(kafka_record_headers, a_marker_is_read_back) {
  for (const bool copy : {false, true}) {
    const Marker marker{{42}, 1024, copy};
    const std::string bytes = encode_marker(marker);
    const std::vector<Header> headers = {{marker_header, base::as_bytes(bytes)}};
    const Decoded decoded = decode_headers(headers);
    ASSERT_TRUE(std::holds_alternative<Marker>(decoded));
    EXPECT_EQ(std::get<Marker>(decoded), marker);
  }
}

TEST(kafka_record_headers, records_of_others_are_foreign) {
  EXPECT_TRUE(std::holds_alternative<Foreign>(decode_headers({})));
  const std::vector<Header> headers = {{"weft-later", base::as_bytes("x")}, {"", {}}};
  EXPECT_TRUE(std::holds_alternative<Foreign>(decode_headers(headers)));
}

TEST(kafka_record_headers, each_missing_cut_or_repeated_header_damages_the_record_alone) {
  const Written written;
  const auto damaged = [](const std::vector<Header>& headers) {
    const Decoded decoded = decode_headers(headers);
    const auto* const found = std::get_if<Damaged>(&decoded);
    EXPECT_NE(found, nullptr);
    return found != nullptr && found->document.has_value();
  };
  auto headers = written.headers();
  headers.push_back(headers[0]);
  EXPECT_TRUE(damaged(headers));
  EXPECT_EQ(find_header(headers, record_header), std::nullopt);
  EXPECT_NE(find_header(headers, document_header), std::nullopt);
  headers = written.headers();
  headers.push_back(headers[2]);
  EXPECT_FALSE(damaged(headers));  // whose it is cannot be told
  headers = written.headers();
  headers.erase(headers.begin() + 2);
  EXPECT_FALSE(damaged(headers));
  for (const std::size_t missing : {0u, 3u}) {
    headers = written.headers();
    headers.erase(headers.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_TRUE(damaged(headers));
    headers = written.headers();
    headers[missing].value = headers[missing].value.first(headers[missing].value.size() - 1);
    EXPECT_TRUE(damaged(headers));
  }
  headers = written.headers();
  const std::string longer = written.record + "x";
  headers[0].value = base::as_bytes(longer);
  EXPECT_TRUE(damaged(headers));
  headers = written.headers();
  const std::string marker = encode_marker({{1}, 1, false});
  headers.push_back({marker_header, base::as_bytes(marker)});
  EXPECT_FALSE(damaged(headers));
}

TEST(kafka_record_headers, markers_that_say_nothing_possible_are_damaged) {
  std::string none = encode_marker({{1}, 1, false});
  for (const auto& [at, byte] : {std::pair<std::size_t, char>{0, 2}, {1, 2}, {2, 0}, {10, 0}}) {
    std::string bytes = none;
    bytes[at] = byte;
    const std::vector<Header> headers = {{marker_header, base::as_bytes(bytes)}};
    EXPECT_TRUE(std::holds_alternative<Damaged>(decode_headers(headers))) << at;
  }
}

}  // namespace
}  // namespace weft::log::kafka
