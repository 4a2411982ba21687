#include "weft/gateway/socketio/protocol/decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {
namespace {

using nlohmann::json;

const std::string one = R"({"_placeholder":true,"num":0})";
const std::string two = R"({"_placeholder":true,"num":1})";

class SocketDecoder : public ::testing::Test {
 protected:
  base::result<std::optional<Packet>> text(const std::string& message) {
    return decoder.text(base::as_bytes(message));
  }
  base::result<std::optional<Packet>> binary(std::string_view message) {
    return decoder.binary(base::as_bytes(message));
  }
  /// Why a fresh decoder refuses this text.
  std::error_code refusal(const std::string& message) {
    Decoder fresh(limits);
    const auto packet = fresh.text(base::as_bytes(message));
    return packet ? std::error_code() : packet.error().code;
  }

  DecoderLimits limits;
  Decoder decoder{limits};
};

TEST_F(SocketDecoder, TextIsAPacketByItself) {
  const std::string message = R"(2/admin,7["move",1,{"a":[true]}])";
  const auto packet = text(message);
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->type, packet_type::event);
  EXPECT_EQ((*packet)->name_space, "/admin");
  EXPECT_EQ((*packet)->id, 7u);
  EXPECT_EQ((*packet)->data, json::parse(R"(["move",1,{"a":[true]}])"));
  EXPECT_TRUE((*packet)->attachments.empty());
}

TEST_F(SocketDecoder, AttachmentsFollowTheirText) {
  auto packet = text("52-/admin,9[\"e\"," + two + ",{\"x\":[" + one + "]}]");
  ASSERT_TRUE(packet);
  EXPECT_FALSE(*packet);
  packet = binary("first");
  ASSERT_TRUE(packet);
  EXPECT_FALSE(*packet);
  EXPECT_EQ(decoder.kept_bytes(), 5u);
  const std::string last = "second";
  packet = binary(last);
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->type, packet_type::event);
  EXPECT_EQ((*packet)->name_space, "/admin");
  EXPECT_EQ((*packet)->id, 9u);
  ASSERT_EQ((*packet)->attachments.size(), 2u);
  EXPECT_EQ(base::as_text((*packet)->attachments[0]), "first");
  EXPECT_EQ(static_cast<const void*>((*packet)->attachments[1].data()), last.data())
      << "the last one is not copied";
  EXPECT_EQ(attachment_number((*packet)->data[1]), 1u);
  EXPECT_EQ(attachment_number((*packet)->data[2]["x"][0]), 0u);
  EXPECT_EQ(attachment_number((*packet)->data[0]), std::nullopt);
  EXPECT_EQ(decoder.kept_bytes(), 0u);
  decoder.release_delivered();
  ASSERT_TRUE(text("2[\"next\"]"));
}

TEST_F(SocketDecoder, ABinaryPacketMayHaveNoAttachments) {
  const auto packet = text("50-[\"e\"]");
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->type, packet_type::event);
  ASSERT_TRUE(text("2[\"next\"]"));
  const auto ack = text("60-1[]");
  ASSERT_TRUE(ack && *ack);
  EXPECT_EQ((*ack)->type, packet_type::ack);
}

TEST_F(SocketDecoder, PlaceholdersOfTextAreWhatTheyAre) {
  const auto packet = text("2[\"e\"," + one + "]");
  ASSERT_TRUE(packet && *packet);
  EXPECT_TRUE((*packet)->attachments.empty());
}

TEST_F(SocketDecoder, TheCommonEventIsReadAsAnyOther) {
  for (const std::string name :
       {"protocol-message", "e", "", "with [brackets], {braces}: and commas", "umlaut \\u00e4",
        "escaped \\\" quote", "\xc3\xa4"}) {
    // A space is enough to have it parsed.
    for (const char* space : {"", " "}) {
      ASSERT_FALSE(*text("51-3[\"" + name + "\"," + space + one + "]")) << name;
      const auto packet = binary("bytes");
      ASSERT_TRUE(packet && *packet) << name;
      EXPECT_EQ((*packet)->type, packet_type::event);
      EXPECT_EQ((*packet)->id, 3u);
      EXPECT_EQ((*packet)->data, json::parse("[\"" + name + "\"," + one + "]"));
      ASSERT_EQ((*packet)->attachments.size(), 1u);
      EXPECT_EQ(base::as_text((*packet)->attachments[0]), "bytes");
    }
  }
  EXPECT_EQ(refusal("51-[\"connect\"," + one + "]"), errc::malformed) << "a reserved name";
  EXPECT_EQ(refusal("51-[\"a\nb\"," + one + "]"), errc::malformed) << "a control character";
  EXPECT_EQ(refusal("52-[\"e\"," + one + "]"), errc::malformed) << "one attachment too many";
  EXPECT_EQ(refusal("61-1[\"e\"," + two + "]"), errc::malformed);
  limits.json_depth_max = 1;
  EXPECT_EQ(refusal("51-[\"e\"," + one + "]"), errc::too_large);
}

TEST_F(SocketDecoder, PlaceholdersNameEachAttachmentOnce) {
  EXPECT_EQ(refusal("51-[\"e\"," + two + "]"), errc::malformed);
  EXPECT_EQ(refusal("51-[\"e\"]"), errc::malformed);
  EXPECT_EQ(refusal("51-[\"e\"," + one + "," + one + "]"), errc::malformed);
  EXPECT_EQ(refusal("52-[\"e\"," + one + "]"), errc::malformed);
  EXPECT_EQ(refusal("51-[\"e\"," + one + "," + two + "]"), errc::malformed);
  for (const char* num : {"-1", "0.5", "\"0\"", "null", "true", "18446744073709551615"}) {
    EXPECT_EQ(refusal(std::string("51-[\"e\",{\"_placeholder\":true,\"num\":") + num + "}]"),
              errc::malformed)
        << num;
  }
  EXPECT_EQ(refusal(R"(51-["e",{"_placeholder":true}])"), errc::malformed);
  EXPECT_EQ(refusal(R"(51-["e",{"_placeholder":1,"num":0}])"), errc::malformed);
}

TEST_F(SocketDecoder, MessagesComeInTheirPlace) {
  EXPECT_FALSE(binary("nobody announced this"));
  Decoder second(limits);
  const auto begun = "51-[\"e\"," + one + "]";
  ASSERT_TRUE(second.text(base::as_bytes(begun)));
  const auto wrong = second.text(base::as_bytes("2[\"e\"]"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, errc::malformed);
}

TEST_F(SocketDecoder, DataFitsTheType) {
  for (const char* fine : {"0", "0{}", "1", "2[\"e\"]", "2[1]", "3[]", "31[]", "4{}", "4\"why\""}) {
    EXPECT_FALSE(refusal(fine)) << fine;
  }
  for (const char* wrong :
       {"0[]", "0null", "0\"x\"", "1{}", "1[]", "2", "2{}", "2[]", "2[null]", "2[{}]", "2null",
        "2[\"e\"", "2[\"e\"]]", "2abc[\"e\"]", "3", "3{}", "4", "4[]", "2[\"\xff\"]"}) {
    EXPECT_EQ(refusal(wrong), errc::malformed) << wrong;
  }
  for (const char* reserved : {"connect", "connect_error", "disconnect", "disconnecting",
                               "newListener", "removeListener"}) {
    EXPECT_EQ(refusal("2[\"" + std::string(reserved) + "\"]"), errc::malformed) << reserved;
  }
}

TEST_F(SocketDecoder, EverythingIsBounded) {
  limits.attachments_max = 2;
  limits.attachment_bytes_max = 10;
  limits.namespace_bytes_max = 8;
  limits.json_depth_max = 3;
  EXPECT_EQ(refusal("53-[\"e\"]"), errc::too_large);
  EXPECT_EQ(refusal("0/12345678,"), errc::too_large);
  EXPECT_FALSE(refusal("0/1234567,"));
  EXPECT_FALSE(refusal(R"(2["e",[[1]]])"));
  EXPECT_EQ(refusal(R"(2["e",[[[1]]]])"), errc::too_large);
  EXPECT_FALSE(refusal(R"(2["e","[[[[\"[[[["])")) << "text is not depth";
  EXPECT_EQ(refusal("2[\"e\"," + std::string(1'000'000, '[')), errc::too_large);
  Decoder small(limits);
  const auto begun = "52-[\"e\"," + one + "," + two + "]";
  ASSERT_TRUE(small.text(base::as_bytes(begun)));
  const auto long_one = small.binary(base::as_bytes("12345678901"));
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().code, errc::too_large);
}

}  // namespace
}  // namespace weft::gateway::socketio::protocol
