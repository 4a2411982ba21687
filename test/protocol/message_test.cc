// Messages and their envelopes, held to the vectors that other implementations are held to as well.

#include "weft/protocol/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace weft::protocol {
namespace {

using nlohmann::ordered_json;

ordered_json vectors() {
  std::ifstream file(WEFT_ENVELOPE_VECTORS);
  EXPECT_TRUE(file) << WEFT_ENVELOPE_VECTORS;
  return ordered_json::parse(file);
}

base::byte_vector unhex(std::string_view text) {
  base::byte_vector out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

/// The bytes of a vector: `bytes`, or `parts`: what stands there and how often.
base::byte_vector bytes_of(const ordered_json& vector) {
  if (vector.contains("bytes")) return unhex(vector["bytes"].get<std::string>());
  base::byte_vector out;
  for (const auto& part : vector["parts"]) {
    const auto piece = unhex(part[0].get<std::string>());
    for (std::size_t n = part[1].get<std::size_t>(); n > 0; --n) {
      out.insert(out.end(), piece.begin(), piece.end());
    }
  }
  return out;
}

/// Everything that a message says, as JSON.
ordered_json said(const Message& message) {
  ordered_json out = {{"roomId", message.metadata.document.room_id},
                      {"docId", message.metadata.document.doc_id},
                      {"channel", channel_name(message.metadata.channel)}};
  if (message.metadata.document.subdoc_id) out["subdocId"] = *message.metadata.document.subdoc_id;
  if (message.metadata.version) out["version"] = *message.metadata.version;
  if (message.metadata.sender_id) out["senderId"] = *message.metadata.sender_id;
  if (message.metadata.timestamp_ms) out["timestamp"] = *message.metadata.timestamp_ms;
  for (const auto& [key, value] : message.more.items()) out[key] = value;
  return out;
}

/// Whether two objects say the same, whatever the order of their keys.
bool same(const ordered_json& a, const ordered_json& b) {
  return nlohmann::json::parse(a.dump()) == nlohmann::json::parse(b.dump());
}

ordered_json expected(const ordered_json& vector) {
  if (vector.contains("metadata")) return vector["metadata"];
  ordered_json out = vector["expect"];
  out["senderId"] = std::string(vector["senderIdBytes"].get<std::size_t>(), 's');
  return out;
}

TEST(MessageVectors, RightOnesSayWhatTheySay) {
  const auto all = vectors();
  std::size_t count = 0;
  for (const auto& vector : all["valid"]) {
    const std::string name = vector["name"];
    const auto envelope = bytes_of(vector);
    const auto message = decode_message(envelope);
    ASSERT_TRUE(message) << name << ": " << message.error().message;
    EXPECT_TRUE(same(said(*message), expected(vector))) << name << ": " << said(*message).dump();
    EXPECT_TRUE(std::ranges::equal(message->payload, unhex(vector["payload"].get<std::string>())))
        << name;
    // Written again it says the same, and the same again.
    const auto again = encode_message(*message);
    ASSERT_TRUE(again) << name;
    const auto reread = decode_message(*again);
    ASSERT_TRUE(reread) << name;
    EXPECT_EQ(said(*reread), said(*message)) << name;
    EXPECT_EQ(*encode_message(*reread), *again) << name;
    ++count;
  }
  EXPECT_GE(count, 31u);
}

TEST(MessageVectors, FieldsInTheirOrderAreWrittenByteForByte) {
  const std::vector<std::string> order = {"roomId",  "docId",    "subdocId", "channel",
                                          "version", "senderId", "timestamp"};
  std::size_t count = 0;
  const auto all = vectors();
  for (const auto& vector : all["valid"]) {
    if (!vector.value("encodes", false) || !vector.contains("metadata")) continue;
    // Other implementations keep the order that their caller gives; here the fields come first.
    std::size_t at = 0;
    bool in_order = true;
    for (const auto& [key, value] : vector["metadata"].items()) {
      const auto place = static_cast<std::size_t>(std::ranges::find(order, key) - order.begin());
      in_order &= place >= at;
      at = place;
    }
    if (!in_order) continue;
    const auto envelope = bytes_of(vector);
    EXPECT_EQ(*encode_message(*decode_message(envelope)), envelope) << vector["name"];
    ++count;
  }
  EXPECT_GE(count, 15u);
}

TEST(MessageVectors, WrongOnesAreRefused) {
  const auto all = vectors();
  std::size_t count = 0;
  for (const auto& vector : all["invalid"]) {
    const std::string name = vector["name"];
    const auto message = decode_message(bytes_of(vector));
    ASSERT_FALSE(message) << name;
    const auto code = vector["error"] == "truncated" ? errc::truncated : errc::corrupt;
    EXPECT_EQ(message.error().code, make_error_code(code)) << name;
    ++count;
  }
  EXPECT_GE(count, 96u);
}

Message message_with(std::string sender) {
  Message out;
  out.metadata.document = {"room", "doc", {}};
  out.metadata.sender_id = std::move(sender);
  return out;
}

TEST(Message, WhatCannotBeWrittenIsRefused) {
  Message nameless = message_with("x");
  nameless.metadata.document.doc_id.clear();
  EXPECT_EQ(encode_message(nameless).error().code, make_error_code(errc::corrupt));
  Message hidden = message_with("x");
  hidden.more["channel"] = "control";
  EXPECT_EQ(encode_message(hidden).error().code, make_error_code(errc::corrupt));
  hidden.more = ordered_json::array();
  EXPECT_EQ(encode_message(hidden).error().code, make_error_code(errc::corrupt));
  EXPECT_EQ(encode_message(message_with("\xff")).error().code, make_error_code(errc::corrupt));
  const std::size_t rest = encode_message(message_with(""))->size() - 2;
  EXPECT_TRUE(encode_message(message_with(std::string(metadata_bytes_max - rest, 's'))));
  EXPECT_EQ(
      encode_message(message_with(std::string(metadata_bytes_max - rest + 1, 's'))).error().code,
      make_error_code(errc::too_large));
}

}  // namespace
}  // namespace weft::protocol
