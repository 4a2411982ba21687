#include <gtest/gtest.h>

#include <string>

#include "weft/base/random.h"
#include "weft/net/deflate.h"
#include "weft/net/websocket_frame.h"

namespace weft::net {
namespace {

using kind = frame_event::kind;

struct frame_spec {
  opcode code = opcode::binary;
  std::string payload = {};
  bool fin = true;
  bool masked = true;
  std::uint8_t reserved = 0;
};

base::byte_vector encode(const frame_spec& spec) {
  std::uint8_t header[frame_header_bytes_max];
  const std::size_t size = frame_header(spec.code, spec.payload.size(), header);
  base::byte_vector out(header, header + size);
  if (!spec.fin) out[0] &= 0x7f;
  out[0] |= spec.reserved;
  const std::array<std::uint8_t, 4> mask{0x12, 0x34, 0x56, 0x78};
  if (spec.masked) {
    out[1] |= 0x80;
    out.insert(out.end(), mask.begin(), mask.end());
  }
  for (std::size_t i = 0; i < spec.payload.size(); ++i) {
    out.push_back(static_cast<std::uint8_t>(spec.payload[i] ^ (spec.masked ? mask[i & 3] : 0)));
  }
  return out;
}

base::byte_vector encode_all(const std::vector<frame_spec>& specs) {
  base::byte_vector out;
  for (const auto& spec : specs) {
    const auto bytes = encode(spec);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

struct seen {
  kind what;
  std::string payload;
  std::uint16_t code = 0;
  bool binary = false;
  bool operator==(const seen&) const = default;
};

/// Feeds `bytes` in pieces of `piece` bytes; ends at a violation.
std::vector<seen> decode(FrameDecoder& decoder, base::byte_vector bytes, std::size_t piece) {
  std::vector<seen> out;
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    std::span<std::uint8_t> rest(bytes.data() + from, std::min(piece, bytes.size() - from));
    while (!rest.empty()) {
      const frame_event event = decoder.next(rest);
      rest = rest.subspan(event.consumed);
      if (event.what == kind::need_more) {
        EXPECT_TRUE(rest.empty());
        continue;
      }
      out.push_back(
          {event.what, std::string(base::as_text(event.payload)), event.code, event.binary});
      if (event.what == kind::violation) {
        out.back().payload.clear();
        return out;
      }
    }
    decoder.release_delivered();
  }
  return out;
}

std::vector<seen> decode(const std::vector<frame_spec>& specs, std::size_t piece = 1 << 20,
                         std::size_t message_bytes_max = 1 << 20) {
  FrameDecoder decoder(FrameDecoder::peer::client, message_bytes_max);
  return decode(decoder, encode_all(specs), piece);
}

std::uint16_t violation_of(const std::vector<frame_spec>& specs, std::size_t max = 1 << 20) {
  const auto events = decode(specs, 1 << 20, max);
  if (events.empty() || events.back().what != kind::violation) return 0;
  EXPECT_EQ(decode(specs, 1, max).back(), events.back()) << "the split must not matter";
  return events.back().code;
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 7 + i / 251);
  return out;
}

TEST(FrameHeader, TakesTheShortestForm) {
  std::uint8_t out[frame_header_bytes_max];
  EXPECT_EQ(frame_header(opcode::binary, 0, out), 2U);
  EXPECT_EQ(frame_header(opcode::binary, 125, out), 2U);
  EXPECT_EQ(frame_header(opcode::binary, 126, out), 4U);
  EXPECT_EQ(frame_header(opcode::binary, 65535, out), 4U);
  EXPECT_EQ(out[0], 0x82);
  EXPECT_EQ(out[1], 126);
  EXPECT_EQ(out[2], 0xff);
  EXPECT_EQ(frame_header(opcode::text, 65536, out), 10U);
  EXPECT_EQ(out[0], 0x81);
  EXPECT_EQ(out[1], 127);
  EXPECT_EQ(out[7], 1);
}

TEST(FrameDecoder, ReadsEveryLengthFormHoweverItIsSplit) {
  for (const std::size_t size : {0U, 1U, 31U, 125U, 126U, 127U, 65535U, 65536U, 200000U}) {
    const std::vector<seen> expected{{kind::message, pattern(size), 0, true}};
    const frame_spec spec{.payload = pattern(size)};
    EXPECT_EQ(decode({spec}), expected) << size;
    EXPECT_EQ(decode({spec}, 1), expected) << size;
    EXPECT_EQ(decode({spec}, 4099), expected) << size;
  }
}

TEST(FrameDecoder, AWholeFrameIsAViewOfTheInput) {
  FrameDecoder decoder(FrameDecoder::peer::client, 1000);
  auto bytes = encode({.payload = "hello"});
  const auto event = decoder.next(bytes);
  EXPECT_EQ(event.what, kind::message);
  EXPECT_EQ(event.payload.data(), bytes.data() + 6);
  EXPECT_EQ(decoder.buffered_bytes(), 0U);
}

TEST(FrameDecoder, ReleasesWhatItHasHandedOut) {
  FrameDecoder decoder(FrameDecoder::peer::client, 1 << 20);
  decode(decoder, encode({.payload = pattern(100000)}), 1000);
  EXPECT_EQ(decoder.buffered_bytes(), 0U);
}

TEST(FrameDecoder, GrowsWithTheBytesThatCameNotWithTheLengthClaimed) {
  FrameDecoder decoder(FrameDecoder::peer::client, 64 << 20);
  auto bytes = encode({.payload = pattern(1 << 20)});
  bytes.resize(1000);
  EXPECT_EQ(decoder.next(bytes).what, kind::need_more);
  EXPECT_LE(decoder.buffered_bytes(), 2000U);
}

TEST(FrameDecoder, JoinsFragmentsWithControlFramesBetween) {
  const std::vector<frame_spec> specs{
      {.code = opcode::text, .payload = "one ", .fin = false},
      {.code = opcode::ping, .payload = "p"},
      {.code = opcode::continuation, .payload = "", .fin = false},
      {.code = opcode::pong, .payload = "q"},
      {.code = opcode::continuation, .payload = "two"},
      {.code = opcode::binary, .payload = "next"},
  };
  const std::vector<seen> expected{{kind::ping, "p"},
                                   {kind::pong, "q"},
                                   {kind::message, "one two", 0, false},
                                   {kind::message, "next", 0, true}};
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 1000U}) EXPECT_EQ(decode(specs, piece), expected);
}

TEST(FrameDecoder, AnEmptyMessageMayBeFragmented) {
  const std::vector<seen> expected{{kind::message, "", 0, true}};
  EXPECT_EQ(decode({{.payload = "", .fin = false}, {.code = opcode::continuation}}), expected);
}

TEST(FrameDecoder, ReadsCloseFrames) {
  EXPECT_EQ(decode({{.code = opcode::close}}),
            (std::vector<seen>{{kind::close, "", close_code::no_status}}));
  EXPECT_EQ(decode({{.code = opcode::close,
                     .payload = "\x03\xe8"
                                "bye"}}),
            (std::vector<seen>{{kind::close, "bye", 1000}}));
}

TEST(FrameDecoder, RefusesWhatTheRfcForbids) {
  const auto protocol = close_code::protocol_error;
  EXPECT_EQ(violation_of({{.payload = "x", .masked = false}}), protocol);
  EXPECT_EQ(violation_of({{.payload = "x", .reserved = 0x40}}), protocol);
  EXPECT_EQ(violation_of({{.payload = "x", .reserved = 0x20}}), protocol);
  EXPECT_EQ(violation_of({{.payload = "x", .reserved = 0x10}}), protocol);
  for (const int code : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    EXPECT_EQ(violation_of({{.code = static_cast<opcode>(code)}}), protocol) << code;
  }
  EXPECT_EQ(violation_of({{.code = opcode::continuation}}), protocol);
  EXPECT_EQ(violation_of({{.fin = false}, {.code = opcode::binary}}), protocol);
  EXPECT_EQ(violation_of({{.code = opcode::ping, .fin = false}}), protocol);
  EXPECT_EQ(violation_of({{.code = opcode::ping, .payload = pattern(126)}}), protocol);
  EXPECT_EQ(violation_of({{.code = opcode::close, .payload = "x"}}), protocol);
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535}) {
    const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    EXPECT_EQ(violation_of({{.code = opcode::close, .payload = payload}}), protocol) << code;
  }
  EXPECT_EQ(violation_of({{.code = opcode::close, .payload = "\x03\xe8\xff"}}),
            close_code::invalid_data);
  EXPECT_EQ(violation_of({{.code = opcode::text, .payload = "\xed\xa0\x80"}}),
            close_code::invalid_data);
}

TEST(FrameDecoder, RefusesLengthsNotInTheirShortestForm) {
  for (base::byte_vector bytes :
       {base::byte_vector{0x82, 0x80 | 126, 0, 125, 0, 0, 0, 0},
        base::byte_vector{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0},
        base::byte_vector{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}}) {
    FrameDecoder decoder(FrameDecoder::peer::client, ~std::size_t{0});
    EXPECT_EQ(decoder.next(bytes).what, kind::violation);
  }
}

TEST(FrameDecoder, BoundsMessagesBeforeTheirBytesCome) {
  EXPECT_EQ(violation_of({{.payload = pattern(101)}}, 100), close_code::too_big);
  EXPECT_EQ(violation_of({{.payload = pattern(60), .fin = false},
                          {.code = opcode::continuation, .payload = pattern(41)}},
                         100),
            close_code::too_big);
  EXPECT_EQ(violation_of({{.payload = pattern(100)}}, 100), 0);
  base::byte_vector header{0x82, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff,
                           0xff, 0xff,       0xff, 0,    0,    0,    0};
  FrameDecoder decoder(FrameDecoder::peer::client, 100);
  EXPECT_EQ(decoder.next(header).code, close_code::too_big);
}

TEST(FrameDecoder, AsAClientItRefusesMasks) {
  FrameDecoder decoder(FrameDecoder::peer::server, 100);
  auto plain = encode({.payload = "x", .masked = false});
  EXPECT_EQ(decoder.next(plain).what, kind::message);
  auto masked = encode({.payload = "x"});
  EXPECT_EQ(decoder.next(masked).what, kind::violation);
}

TEST(Utf8, AgreesWithTheStandard) {
  for (const char* good : {"", "ascii only, long enough for a word", "\xc2\x80", "\xdf\xbf",
                           "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xe2\x82\xac"}) {
    EXPECT_TRUE(is_utf8(base::as_bytes(good))) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe2\x82",
        "\xf0\x90\x80", "\xe2\x28\xa1", "12345678\xc2", "\xc2z"}) {
    EXPECT_FALSE(is_utf8(base::as_bytes(bad))) << bad;
  }
}

TEST(Unmask, IsTheByteWiseXorAtEveryPhaseAndLength) {
  const std::array<std::uint8_t, 4> mask{1, 2, 4, 8};
  for (std::size_t phase = 0; phase < 4; ++phase) {
    for (std::size_t size = 0; size < 100; ++size) {
      base::byte_vector bytes(size + 1, 0xa5);
      unmask({bytes.data() + 1, size}, mask, phase);
      EXPECT_EQ(bytes[0], 0xa5);
      for (std::size_t i = 0; i < size; ++i) {
        ASSERT_EQ(bytes[i + 1], 0xa5 ^ mask[(phase + i) & 3]) << phase << " " << size;
      }
    }
  }
}

TEST(CloseFrame, CutsALongReasonAtACharacter) {
  std::string reason(122, 'a');
  reason += "\xe2\x82\xac";
  auto frame = make_close_frame(1008, reason);
  EXPECT_EQ(frame.size(), 2U + 2U + 122U);
  EXPECT_EQ(make_close_frame(close_code::no_status, "").size(), 2U);
}

// Random frames, split at random, decode to the same events as unsplit.
TEST(FrameDecoder, SplittingNeverMatters) {
  base::random random(20);
  for (int round = 0; round < 300; ++round) {
    std::vector<frame_spec> specs;
    bool open = false;
    for (std::uint64_t i = 0; i < 1 + random.below(8); ++i) {
      if (random.below(3) == 0) {
        specs.push_back({.code = random.below(2) ? opcode::ping : opcode::pong,
                         .payload = pattern(random.below(126))});
        continue;
      }
      const bool fin = random.below(2) == 0;
      specs.push_back({.code = open ? opcode::continuation : opcode::binary,
                       .payload = pattern(random.below(300)),
                       .fin = fin});
      open = !fin;
    }
    const auto expected = decode(specs);
    ASSERT_EQ(decode(specs, 1 + random.below(40)), expected) << "round " << round;
  }
}

std::string deflated(std::string_view text) {
  base::byte_vector room(text.size() + 64);
  const auto size = deflate_message({base::as_bytes(text)}, room);
  return std::string(base::as_text(base::byte_view(room).first(size.value())));
}

constexpr std::uint8_t compressed = 0x40;

TEST(FrameDecoder, InflatesCompressedMessagesHoweverTheyArrive) {
  const std::string text(3000, 'x');
  const std::string whole = deflated(text);
  const auto bytes = encode_all({
      {opcode::binary, whole, true, true, compressed},
      {opcode::binary, "as it is"},
      {opcode::text, whole.substr(0, 3), false, true, compressed},
      {opcode::ping, "between"},
      {opcode::continuation, whole.substr(3)},
      {opcode::text,
       deflated("gr\xc3\xbc\xc3\x9f"
                "e"),
       true, true, compressed},
  });
  const std::vector<seen> expected = {
      {kind::message, text, 0, true},
      {kind::message, "as it is", 0, true},
      {kind::ping, "between"},
      {kind::message, text},
      {kind::message,
       "gr\xc3\xbc\xc3\x9f"
       "e"},
  };
  Inflater inflater;
  for (const std::size_t piece : {1U, 3U, 7U, 10'000U}) {
    FrameDecoder decoder(FrameDecoder::peer::client, 3000, &inflater);
    EXPECT_EQ(decode(decoder, bytes, piece), expected) << piece;
  }
}

TEST(FrameDecoder, RefusesCompressionWhereItIsNotAllowed) {
  const std::string good = deflated("text of some length, of some length");
  Inflater inflater;
  const auto ends_with = [](FrameDecoder decoder, const std::vector<frame_spec>& specs) {
    const auto got = decode(decoder, encode_all(specs), 1000);
    return got.empty() || got.back().what != kind::violation ? 0 : got.back().code;
  };
  const FrameDecoder plain(FrameDecoder::peer::client, 1000);
  const FrameDecoder agreed(FrameDecoder::peer::client, 1000, &inflater);
  const frame_spec first{opcode::binary, good, true, true, compressed};
  EXPECT_EQ(ends_with(plain, {first}), close_code::protocol_error);
  EXPECT_EQ(ends_with(agreed, {first}), 0);
  EXPECT_EQ(ends_with(agreed, {{opcode::ping, "p", true, true, compressed}}),
            close_code::protocol_error);
  EXPECT_EQ(ends_with(agreed, {{opcode::close, "", true, true, compressed}}),
            close_code::protocol_error);
  EXPECT_EQ(ends_with(agreed, {{opcode::binary, good.substr(0, 3), false, true, compressed},
                               {opcode::continuation, good.substr(3), true, true, compressed}}),
            close_code::protocol_error);
  for (const std::uint8_t other : std::initializer_list<std::uint8_t>{0x20, 0x10, 0x60}) {
    EXPECT_EQ(ends_with(agreed, {{opcode::binary, good, true, true, other}}),
              close_code::protocol_error);
  }
  EXPECT_EQ(ends_with(agreed, {{opcode::binary, "garbage", true, true, compressed}}),
            close_code::invalid_data);
  EXPECT_EQ(ends_with(agreed, {{opcode::text, deflated("\xff"), true, true, compressed}}),
            close_code::invalid_data);
  EXPECT_EQ(ends_with(agreed,
                      {{opcode::binary, deflated(std::string(1001, 'x')), true, true, compressed}}),
            close_code::too_big);
  EXPECT_EQ(ends_with(agreed,
                      {{opcode::binary, deflated(std::string(1000, 'x')), true, true, compressed}}),
            0);
}

}  // namespace
}  // namespace weft::net
