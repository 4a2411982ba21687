#include "weft/net/deflate.h"

#include <gtest/gtest.h>

#include <string>

#include "weft/base/random.h"
#include "weft/net/websocket_extensions.h"

namespace weft::net {
namespace {

using outcome = Inflater::outcome;

constexpr std::size_t plenty = 1 << 20;

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

/// What comes out, or "too big" or "broken".
std::string inflated(Inflater& inflater, std::string_view payload, std::size_t bytes_max = plenty) {
  const auto out = inflater.inflate(base::as_bytes(payload), bytes_max);
  if (out.what == outcome::too_big) return "too big";
  if (out.what == outcome::broken) return "broken";
  return std::string(base::as_text(out.bytes));
}

std::string deflated(std::string_view text) {
  base::byte_vector room(text.size() + 64);
  const auto size = deflate_message({base::as_bytes(text)}, room);
  return std::string(base::as_text(base::byte_view(room).first(size.value())));
}

// The examples of RFC 7692, section 7.2.3.
TEST(Deflate, InflatesTheExamplesOfTheStandard) {
  Inflater inflater;
  EXPECT_EQ(inflated(inflater, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), "Hello");
  EXPECT_EQ(
      inflated(inflater, bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})),
      "Hello");
  EXPECT_EQ(inflated(inflater, bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})), "Hello");
  EXPECT_EQ(inflated(inflater, bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9,
                                      0xc9, 0x07, 0x00})),
            "Hello");
  EXPECT_EQ(inflated(inflater, bytes({0x00})), "");
  // A last block that forgets the empty one behind it.
  EXPECT_EQ(inflated(inflater, bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), "Hello");
}

TEST(Deflate, NoMessageSeesTheOneBefore) {
  Inflater inflater;
  EXPECT_EQ(inflated(inflater, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), "Hello");
  // "Hello" once more, with context takeover, which was not agreed to.
  EXPECT_EQ(inflated(inflater, bytes({0xf2, 0x00, 0x11, 0x00, 0x00})), "broken");
  EXPECT_EQ(inflated(inflater, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), "Hello");
}

TEST(Deflate, GivesBackWhatItWasGiven) {
  Inflater inflater;
  base::random random(1);
  for (std::size_t size : {1U, 2U, 100U, 255U, 256U, 1000U, 32'768U, 70'000U, 3'000'000U}) {
    std::string text;
    while (text.size() < size) text += std::to_string(random.below(1000)) + " and ";
    text.resize(size);
    EXPECT_TRUE(inflated(inflater, deflated(text), size) == text) << size;
  }
  EXPECT_LT(deflated(std::string(1000, 'x')).size(), 20U);
}

TEST(Deflate, SaysWhenItIsNotWorthIt) {
  base::random random(2);
  std::string noise;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(random.next());
  base::byte_vector room(noise.size());
  EXPECT_FALSE(deflate_message({base::as_bytes(noise)}, room));
  EXPECT_FALSE(write_deflated_frame(opcode::binary, {base::as_bytes(noise)}, room));
  EXPECT_FALSE(deflate_message({}, room));
  const std::string text(5000, 'x');
  EXPECT_FALSE(deflate_message({base::as_bytes(text)}, std::span(room).first(10)));
  EXPECT_FALSE(write_deflated_frame(opcode::binary, {base::as_bytes(text)}, {}));
}

TEST(Deflate, ABombCostsNoMoreThanAMessageMay) {
  Inflater inflater;
  const std::string bomb = deflated(std::string(50'000'000, '\0'));
  EXPECT_LT(bomb.size(), 300'000U);
  EXPECT_EQ(inflated(inflater, bomb, 1'000'000), "too big");
  EXPECT_LE(inflater.buffered_bytes(), 2'000'002U);
  inflater.release();
  EXPECT_EQ(inflater.buffered_bytes(), 0U);
  const std::string whole(1000, 'x');
  EXPECT_EQ(inflated(inflater, deflated(whole), 1000), whole);
  EXPECT_EQ(inflated(inflater, deflated(whole), 999), "too big");
  EXPECT_EQ(inflated(inflater, deflated(whole), 0), "too big");
}

TEST(Deflate, WhatBreaksOffOrIsTamperedWithIsBrokenOrSomethingElse) {
  Inflater inflater;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word " + std::to_string(i * i);
  const std::string good = deflated(text);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_TRUE(inflated(inflater, good.substr(0, cut)) == "broken") << cut;
  }
  base::random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    bad[random.below(bad.size())] = static_cast<char>(random.next());
    inflated(inflater, bad);
  }
  EXPECT_EQ(inflated(inflater, good), text);
}

bool agrees(std::vector<std::string> offers) {
  HttpRequest request;
  request.headers.push_back({"Host", "h"});
  for (auto& offer : offers) {
    request.headers.push_back({"sec-websocket-extensions", std::move(offer)});
  }
  return offers_deflate(request);
}

TEST(DeflateOffers, AcceptsWhatClientsOffer) {
  for (const char* offer : {
           "permessage-deflate",
           "permessage-deflate; client_max_window_bits",
           "permessage-deflate;client_max_window_bits=15 ; server_max_window_bits = 15",
           "permessage-deflate; client_max_window_bits=\"10\"",
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
           "x-webkit-deflate-frame, permessage-deflate",
           "permessage-deflate; server_max_window_bits=10, permessage-deflate",
       }) {
    EXPECT_TRUE(agrees({offer})) << offer;
  }
  EXPECT_TRUE(agrees({"foo", "permessage-deflate"}));
}

TEST(DeflateOffers, DeclinesWhatItCannotKeepAndWhatIsNoOffer) {
  EXPECT_FALSE(agrees({}));
  for (const char* offer : {
           "",
           ",",
           "permessage-deflates",
           "permessage-deflate; server_max_window_bits=10",
           "permessage-deflate; server_max_window_bits",
           "permessage-deflate; server_max_window_bits=16",
           "permessage-deflate; client_max_window_bits=7",
           "permessage-deflate; client_max_window_bits=015",
           "permessage-deflate; client_no_context_takeover=1",
           "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
           "permessage-deflate; unknown",
       }) {
    EXPECT_FALSE(agrees({offer})) << offer;
  }
}

}  // namespace
}  // namespace weft::net
