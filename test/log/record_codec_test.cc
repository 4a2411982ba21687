#include "weft/log/record_codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "weft/base/crc32c.h"
#include "weft/base/random.h"

namespace weft::log {
namespace {

base::shared_bytes encode(const Record& record) {
  std::string bytes;
  encode_record_head(record, bytes);
  bytes.append(base::as_text(record.envelope));
  return base::shared_bytes::copy_of(base::as_bytes(bytes));
}

Record sample() {
  Record out;
  out.operation = {0x0102030405060708, 300};
  out.received_at_ms = -3;
  out.identity = "ada";
  out.envelope = base::shared_bytes::copy_of(base::as_bytes("{}!"));
  return out;
}

TEST(record_codec, bytes_are_those_of_the_format_page) {
  const base::byte_vector expected = {1,    8, 7, 6,   5,   4,   3,   2,   1,  0xac,
                                      0x02, 5, 3, 'a', 'd', 'a', '{', '}', '!'};
  EXPECT_TRUE(base::equal(encode(sample()), expected));
}

TEST(record_codec, round_trips) {
  for (const std::uint64_t seq : {std::uint64_t{0}, std::uint64_t{127}, ~std::uint64_t{0}}) {
    for (const std::int64_t time : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::max()}) {
      Record record = sample();
      record.operation.seq = seq;
      record.received_at_ms = time;
      const auto back = decode_record(encode(record));
      ASSERT_TRUE(back);
      EXPECT_EQ(back->operation, record.operation);
      EXPECT_EQ(back->received_at_ms, time);
      EXPECT_EQ(back->identity, record.identity);
      EXPECT_TRUE(base::equal(back->envelope, record.envelope));
    }
  }
}

TEST(record_codec, the_envelope_is_not_copied) {
  const base::shared_bytes bytes = encode(sample());
  const auto back = decode_record(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->envelope.data(), bytes.data() + bytes.size() - 3);
}

TEST(record_codec, every_prefix_without_an_envelope_is_refused) {
  const base::shared_bytes bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size() - 1; ++size) {
    const auto result = decode_record(bytes.slice(0, size));
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error().code, errc::corrupt);
  }
}

TEST(record_codec, refuses_other_versions_and_overlong_integers) {
  const base::shared_bytes encoded = encode(sample());
  const base::byte_vector bytes(encoded.data(), encoded.data() + encoded.size());
  base::byte_vector version = bytes;
  version[0] = 2;
  EXPECT_FALSE(decode_record(base::shared_bytes::adopt(std::move(version))));
  base::byte_vector overlong = bytes;
  overlong[10] = 0x80;  // seq 300 becomes a two-byte 44 that ends in zero
  overlong.insert(overlong.begin() + 11, 0x00);
  EXPECT_FALSE(decode_record(base::shared_bytes::adopt(std::move(overlong))));
}

TEST(crc32c, has_the_check_value_of_its_definition_on_both_paths) {
  EXPECT_EQ(base::crc32c().add(base::as_bytes("123456789")).value(), 0xe3069283u);
  EXPECT_EQ(base::crc32c().add(base::as_bytes("1234")).add(base::as_bytes("56789")).value(),
            0xe3069283u);
  base::random random(1);
  base::byte_vector bytes(1000);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t size = 0; size < 64; ++size) {
    const base::byte_view view = base::byte_view(bytes).subspan(size, 3 * size);
    EXPECT_EQ(base::crc32c().add(view).value(), ~base::crc32c_detail::extend_portable(~0u, view));
  }
}

}  // namespace
}  // namespace weft::log
