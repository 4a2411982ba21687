#include "weft/protocol/envelope.h"

#include <gtest/gtest.h>

namespace weft::protocol {
namespace {

base::shared_bytes sample(std::string_view payload) {
  const EnvelopeWriter writer({"room \"1\"", "doc", "sub"}, Channel::doc, "alice");
  return writer.write(1700000000123, payload.size(),
                      [&](std::uint8_t* out) { std::memcpy(out, payload.data(), payload.size()); });
}

TEST(Envelope, RoundTripKeepsEveryField) {
  const auto envelope = sample("payload");
  const auto parts = split_envelope(envelope);
  ASSERT_TRUE(parts);
  EXPECT_EQ(base::as_text(parts->payload), "payload");
  const auto metadata = decode_metadata(parts->metadata);
  ASSERT_TRUE(metadata) << metadata.error().message;
  EXPECT_EQ(metadata->document, (base::DocumentId{"room \"1\"", "doc", "sub"}));
  EXPECT_EQ(metadata->channel, Channel::doc);
  EXPECT_EQ(metadata->sender_id, "alice");
  EXPECT_EQ(metadata->timestamp_ms, 1700000000123);
  EXPECT_FALSE(metadata->version);
}

TEST(Envelope, EveryTruncationOfTheMetadataIsRefused) {
  const auto envelope = sample("");
  for (std::size_t n = 0; n < envelope.size(); ++n) {
    const auto parts = split_envelope(envelope.view().first(n));
    ASSERT_FALSE(parts) << n;
    EXPECT_EQ(parts.error().code, make_error_code(errc::truncated));
  }
}

TEST(Envelope, MetadataOfTheWrongShapeIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"roomId":"r","docId":"d"})",
                           R"({"roomId":1,"docId":"d","channel":"doc"})",
                           R"({"roomId":"r","docId":"d","channel":"other"})",
                           R"({"roomId":"r","docId":"d","channel":"doc","version":-1})",
                           R"({"roomId":"r","docId":"d","channel":"doc","timestamp":"now"})"}) {
    const auto metadata = decode_metadata(base::as_bytes(text));
    ASSERT_FALSE(metadata) << text;
    EXPECT_EQ(metadata.error().code, make_error_code(errc::corrupt));
  }
}

}  // namespace
}  // namespace weft::protocol
