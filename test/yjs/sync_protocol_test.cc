#include "weft/yjs/sync_protocol.h"

#include <gtest/gtest.h>

namespace weft::yjs {
namespace {

using base::byte_vector;

TEST(SyncProtocol, MessagesRoundTrip) {
  const byte_vector body(300, 7);
  std::size_t consumed = 0;
  for (const sync_type type : {sync_type::step1, sync_type::step2, sync_type::update}) {
    const byte_vector bytes = type == sync_type::step1   ? encode_sync_step1(body)
                              : type == sync_type::step2 ? encode_sync_step2(body)
                                                         : encode_sync_update(body);
    const auto message = decode_message(bytes, consumed);
    ASSERT_TRUE(message);
    EXPECT_EQ(consumed, bytes.size());
    EXPECT_EQ(message->type, message_type::sync);
    EXPECT_EQ(message->sync, type);
    EXPECT_TRUE(base::equal(message->body, body));
  }
  EXPECT_EQ(encode_sync_step1(byte_vector{0}), (byte_vector{0, 0, 1, 0}));
  EXPECT_EQ(encode_auth_denied("no"), (byte_vector{2, 0, 2, 'n', 'o'}));
}

TEST(SyncProtocol, SeveralMessagesInOneFrameAreReadOneByOne) {
  byte_vector frame = encode_sync_update(byte_vector{0, 0});
  frame.push_back(3);
  std::size_t consumed = 0;
  ASSERT_TRUE(decode_message(frame, consumed));
  EXPECT_EQ(consumed, 5u);
  const auto query = decode_message(base::byte_view(frame).subspan(consumed), consumed);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->type, message_type::query_awareness);
  EXPECT_EQ(consumed, 1u);
}

TEST(SyncProtocol, HostileMessagesAreRefused) {
  std::size_t consumed = 0;
  const std::vector<byte_vector> hostile = {
      {}, {0}, {0, 2}, {0, 2, 5, 1}, {4}, {0, 3, 0}, {1, 0xff, 0xff, 0xff, 0xff, 0x7f}, {2, 0}};
  for (const byte_vector& bytes : hostile) EXPECT_FALSE(decode_message(bytes, consumed));
}

TEST(SyncProtocol, AwarenessRoundTrips) {
  const std::vector<AwarenessEntry> entries = {{7, 3, R"({"name":"x"})"}, {900, 4, "null"}};
  const byte_vector bytes = encode_awareness_update(entries);
  const auto decoded = decode_awareness(bytes);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ((*decoded)[0].client, 7u);
  EXPECT_EQ((*decoded)[0].clock, 3u);
  EXPECT_EQ((*decoded)[0].state, R"({"name":"x"})");
  EXPECT_EQ((*decoded)[1].state, "null");
  EXPECT_FALSE(decode_awareness(byte_vector{1, 7, 3, 1, '{'}));
  EXPECT_FALSE(decode_awareness(byte_vector{1, 7, 3, 3, '"', 0xff, '"'}));
  EXPECT_FALSE(decode_awareness(byte_vector{0xff, 0xff, 0xff, 0xff, 0x0f}));
  EXPECT_TRUE(decode_awareness(byte_vector{0}));
}

}  // namespace
}  // namespace weft::yjs
