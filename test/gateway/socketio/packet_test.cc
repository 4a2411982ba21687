#include "weft/gateway/socketio/protocol/packet.h"

#include <gtest/gtest.h>

#include <string>

#include "weft/gateway/socketio/engine/packet.h"

namespace weft::gateway::socketio::protocol {
namespace {

TEST(SocketPacket, IsCutIntoItsParts) {
  struct Case {
    const char* text;
    PacketText packet;
  };
  const Case cases[] = {
      {"0", {packet_type::connect, 0, "/", {}, ""}},
      {"0{\"token\":\"x\"}", {packet_type::connect, 0, "/", {}, "{\"token\":\"x\"}"}},
      {"0/admin,", {packet_type::connect, 0, "/admin", {}, ""}},
      {"0/admin", {packet_type::connect, 0, "/admin", {}, ""}},
      {"0/a/b?c=d,{}", {packet_type::connect, 0, "/a/b?c=d", {}, "{}"}},
      {"1/admin,", {packet_type::disconnect, 0, "/admin", {}, ""}},
      {"2[\"e\"]", {packet_type::event, 0, "/", {}, "[\"e\"]"}},
      {"212[\"e\"]", {packet_type::event, 0, "/", 12, "[\"e\"]"}},
      {"2/admin,456[\"e\"]", {packet_type::event, 0, "/admin", 456, "[\"e\"]"}},
      {"39007199254740991[]", {packet_type::ack, 0, "/", 9007199254740991u, "[]"}},
      {"52-[1]", {packet_type::binary_event, 2, "/", {}, "[1]"}},
      {"51-/admin,7[1]", {packet_type::binary_event, 1, "/admin", 7, "[1]"}},
      {"60-/,5[]", {packet_type::binary_ack, 0, "/", 5, "[]"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto packet = read_packet(text);
    ASSERT_TRUE(packet) << text;
    EXPECT_EQ(packet->type, expected.type) << text;
    EXPECT_EQ(packet->attachments, expected.attachments) << text;
    EXPECT_EQ(packet->name_space, expected.name_space) << text;
    EXPECT_EQ(packet->id, expected.id) << text;
    EXPECT_EQ(packet->data, expected.data) << text;
  }
}

TEST(SocketPacket, WhatIsNoneIsRefused) {
  for (const char* text : {"", "7", "a", "-", "5[]", "5-[]", "5a-[]", "51[]", "5-1-[]",
                           "29007199254740992[]", "299999999999999999999[]"}) {
    EXPECT_FALSE(read_packet(text)) << text;
  }
}

TEST(SocketPacket, IsWrittenAsItIsRead) {
  for (const char* text :
       {"0{\"sid\":\"x\"}", "0/admin,{\"sid\":\"x\"}", "1", "1/admin,", "2[\"e\"]", "2/a,1[\"e\"]",
        "30[]", "4/a,{\"message\":\"m\"}", "51-[1]", "62-/a,17[1,2]"}) {
    const auto packet = read_packet(text);
    ASSERT_TRUE(packet) << text;
    const auto expected = engine::packet_frame(engine::packet_type::message, text);
    EXPECT_TRUE(base::equal(packet_frame(*packet), expected)) << text;
  }
}

}  // namespace
}  // namespace weft::gateway::socketio::protocol
