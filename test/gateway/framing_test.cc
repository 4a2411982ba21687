#include "weft/gateway/ywebsocket/framing.h"

#include <gtest/gtest.h>

#include <string>

#include "weft/net/deflate.h"

namespace weft::gateway::ywebsocket {
namespace {

/// The message in one whole frame of a server.
std::string message_of(base::byte_vector frame) {
  net::Inflater inflater;
  net::FrameDecoder decoder(net::FrameDecoder::peer::server, 1 << 20, &inflater);
  const auto event = decoder.next(frame);
  EXPECT_EQ(event.what, net::frame_event::kind::message);
  EXPECT_TRUE(event.binary);
  EXPECT_EQ(event.consumed, frame.size());
  return std::string(base::as_text(event.payload));
}

TEST(CompressedFraming, RewritesToTheSameMessageInAShorterFrame) {
  const YWebSocketFraming plain;
  const CompressedFraming compressed(100);
  for (const std::size_t size : {100U, 1000U, 70'000U}) {
    std::string text;
    while (text.size() < size) text += "word " + std::to_string(text.size());
    text.resize(size);
    const auto update = base::as_bytes(text);
    ASSERT_TRUE(compressed.rewrites(size));
    for (const auto type : {yjs::sync_type::step2, yjs::sync_type::update}) {
      base::byte_vector frame(size);
      const auto written = compressed.rewrite(type, update, frame.data());
      ASSERT_TRUE(written.has_value()) << size;
      frame.resize(*written);
      base::byte_vector expected(plain.header_bytes_max());
      expected.resize(plain.write_header({type, size}, expected.data()));
      expected.insert(expected.end(), update.begin(), update.end());
      EXPECT_LT(frame.size(), expected.size());
      EXPECT_EQ(message_of(frame), message_of(expected));
    }
  }
}

TEST(CompressedFraming, LeavesAloneWhatIsShortOrDoesNotShrink) {
  const CompressedFraming compressed(100);
  EXPECT_FALSE(compressed.rewrites(99));
  base::byte_vector noise(100);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::uint8_t>(i * 149);
  base::byte_vector out(noise.size());
  EXPECT_FALSE(compressed.rewrite(yjs::sync_type::update, noise, out.data()));
}

TEST(CompressedFraming, FramesPresenceSoThatItReadsTheSame) {
  const YWebSocketFraming plain;
  const CompressedFraming compressed(100);
  for (const std::string& update : {std::string(1, '\0'), std::string(5000, 'a')}) {
    const auto frame = compressed.frame_awareness(base::as_bytes(update));
    const auto expected = plain.frame_awareness(base::as_bytes(update));
    EXPECT_LE(frame.size(), expected.size());
    EXPECT_EQ(message_of({frame.data(), frame.data() + frame.size()}),
              message_of({expected.data(), expected.data() + expected.size()}));
  }
}

}  // namespace
}  // namespace weft::gateway::ywebsocket
