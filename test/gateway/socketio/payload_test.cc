#include "weft/gateway/socketio/engine/payload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "weft/base/random.h"
#include "weft/gateway/socketio/engine/errc.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {
namespace {

base::byte_vector bytes_of(std::string_view text) {
  const auto view = base::as_bytes(text);
  return {view.begin(), view.end()};
}

/// "4hello b:abc" and so on; what is wrong ends the list with "!".
std::vector<std::string> read_all(std::string_view body, std::size_t packets_max = 100) {
  PayloadReader reader(bytes_of(body), packets_max);
  std::vector<std::string> out;
  for (;;) {
    const auto packet = reader.next();
    if (!packet) {
      out.push_back(packet.error().code == errc::too_many ? "!too many" : "!");
      return out;
    }
    if (!*packet) return out;
    const auto& found = **packet;
    const auto type = found.binary ? "b:" : std::to_string(static_cast<int>(found.type));
    out.push_back(type + std::string(base::as_text(found.data)));
  }
}

using strings = std::vector<std::string>;

TEST(EnginePacket, TheFirstCharacterIsTheType) {
  for (int type = 0; type <= 6; ++type) {
    const auto text = std::to_string(type) + "data";
    const auto packet = decode_packet(base::as_bytes(text));
    ASSERT_TRUE(packet) << text;
    EXPECT_EQ(static_cast<int>(packet->type), type);
    EXPECT_EQ(base::as_text(packet->data), "data");
  }
  for (const char* text : {"", "7", "a", "-1", "\x1e"}) {
    EXPECT_FALSE(decode_packet(base::as_bytes(text))) << text;
  }
}

TEST(EnginePacket, IsFramedAsAWebSocketSendsIt) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{124}, std::size_t{125}, std::size_t{70'000}}) {
    const std::string data(size, 'x');
    const auto frame = packet_frame(packet_type::message, data);
    EXPECT_TRUE(base::equal(frame, net::make_frame(net::opcode::text, base::as_bytes("4" + data))));
  }
}

TEST(PayloadReader, TakesPacketsOneByOne) {
  EXPECT_EQ(read_all("4hello"), (strings{"4hello"}));
  EXPECT_EQ(read_all("4a\x1e"
                     "2\x1e"
                     "4\x1e"
                     "3probe"),
            (strings{"4a", "2", "4", "3probe"}));
  EXPECT_EQ(read_all("4h\xc3\xa4\x1e"
                     "bAQIDBA=="),
            (strings{"4h\xc3\xa4", "b:\x01\x02\x03\x04"}));
  EXPECT_EQ(read_all("b"), (strings{"b:"}));
}

TEST(PayloadReader, StopsAtWhatIsNoPacket) {
  EXPECT_EQ(read_all(""), (strings{"!"}));
  EXPECT_EQ(read_all("abc"), (strings{"!"}));
  EXPECT_EQ(read_all("4a\x1e"), (strings{"4a", "!"}));
  EXPECT_EQ(read_all("4a\x1e\x1e"
                     "4b"),
            (strings{"4a", "!"}));
  EXPECT_EQ(read_all("b@@@@"), (strings{"!"}));
  EXPECT_EQ(read_all("4\xff"), (strings{"!"}));
}

TEST(PayloadReader, ReadsNoMorePacketsThanItMay) {
  EXPECT_EQ(read_all("41\x1e"
                     "42\x1e"
                     "43",
                     3),
            (strings{"41", "42", "43"}));
  EXPECT_EQ(read_all("41\x1e"
                     "42\x1e"
                     "43",
                     2),
            (strings{"41", "42", "!too many"}));
}

TEST(PayloadWriter, RewritesFramesHoweverTheyArrive) {
  base::random random(7);
  for (int round = 0; round < 60; ++round) {
    std::string stream, expected;
    const auto frames = 1 + random.below(5);
    for (std::uint64_t i = 0; i < frames; ++i) {
      const bool binary = random.below(2) == 0;
      // Every length of a header, and every remainder of Base64.
      const std::size_t sizes[] = {0, 1, 2, 3, 124, 125, 126, 127, 300, 65'535, 65'536, 70'001};
      std::string data(sizes[random.below(std::size(sizes))], '\0');
      for (auto& c : data) c = static_cast<char>('a' + random.below(26));
      if (!expected.empty()) expected += '\x1e';
      const auto frame = binary ? net::make_frame(net::opcode::binary, base::as_bytes(data))
                                : packet_frame(packet_type::message, data);
      stream += base::as_text(frame);
      const auto base64 = [&] {
        PayloadWriter one(1 << 20);
        one.add(net::make_frame(net::opcode::binary, base::as_bytes(data)));
        return one.take();
      };
      expected += binary ? base64() : "4" + data;
    }
    PayloadWriter writer(1 << 20);
    const auto piece_max = 1 + random.below(200);
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = std::min<std::size_t>(1 + random.below(piece_max), stream.size() - at);
      writer.add(base::shared_bytes::copy_of(base::as_bytes(stream).subspan(at, size)));
      at += size;
    }
    ASSERT_EQ(writer.take(), expected) << "round " << round;
    EXPECT_TRUE(writer.empty());
  }
}

TEST(PayloadWriter, BinaryMessagesAreBase64) {
  PayloadWriter writer(100);
  writer.add(net::make_frame(net::opcode::binary, base::as_bytes("\x01\x02\x03\x04")));
  writer.add(packet_frame(packet_type::ping));
  writer.add(net::make_frame(net::opcode::binary, {}));
  EXPECT_EQ(writer.take(),
            "bAQIDBA==\x1e"
            "2\x1e"
            "b");
}

TEST(PayloadWriter, HasRoomForTheRestOfAFrame) {
  PayloadWriter writer(100);
  EXPECT_EQ(writer.room(), 75u);
  const auto frame = packet_frame(packet_type::message, std::string(200, 'x'));
  writer.add(frame.slice(0, 150));
  EXPECT_EQ(writer.room(), 1u);
  writer.add(frame.slice(150, frame.size() - 150));
  EXPECT_EQ(writer.room(), 0u);
  EXPECT_EQ(writer.take().size(), 201u);
}

}  // namespace
}  // namespace weft::gateway::socketio::engine
