#include "weft/protocol/plain_metadata.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::protocol {
namespace {

const std::string provider_metadata =
    R"({"roomId":"team","docId":"notes","channel":"doc","version":42,"senderId":"ada",)"
    R"("timestamp":1700000000123})";

/// What the quick way reads, held to the general one; whether it read anything.
bool reads_the_same(const std::string& text) {
  const auto plain = read_plain_metadata(base::as_bytes(text));
  if (!plain) return false;
  const auto parsed = parse_metadata(base::as_bytes(text));
  EXPECT_TRUE(parsed && *parsed == *plain) << text;
  return true;
}

TEST(PlainMetadata, WhatClientsWriteIsReadTheQuickWay) {
  EXPECT_TRUE(reads_the_same(provider_metadata));
  for (const char* text :
       {R"({"roomId":"r","docId":"d","channel":"awareness"})",
        R"({"channel":"control","docId":"d","roomId":"r","subdocId":"s","senderId":""})",
        R"({"roomId":"r","docId":"d","channel":"doc","mine":"x","other":7,"":0})",
        R"({"roomId":"first","roomId":"r","docId":"d","channel":"doc","version":0,"version":7})",
        R"({"roomId":"r","docId":"d","channel":"doc","timestamp":999999999999999999})"}) {
    EXPECT_TRUE(reads_the_same(text)) << text;
  }
}

TEST(PlainMetadata, WhatIsOtherwiseIsLeftToTheParser) {
  const std::string names = R"({"roomId":"r","docId":"d")";
  for (const char* rest :
       {"", "}", R"(,"channel":"other"})", R"(,"channel":"doc"} )", R"(,"channel":"doc",})",
        R"(, "channel":"doc"})", R"(,"channel":"doc")", R"(,"channel":"doc"}})",
        R"(,"channel":"doc","subdocId":""})", R"(,"channel":"doc","subdocId":null})",
        R"(,"channel":"doc","version":-1})", R"(,"channel":"doc","version":01})",
        R"(,"channel":"doc","version":1.5})", R"(,"channel":"doc","version":1e3})",
        R"(,"channel":"doc","version":"1"})", R"(,"channel":"doc","timestamp":"now"})",
        R"(,"channel":"doc","timestamp":1000000000000000000})", R"(,"channel":"doc","senderId":7})",
        R"(,"channel":"doc","more":{}})"}) {
    EXPECT_FALSE(read_plain_metadata(base::as_bytes(names + rest))) << rest;
  }
  for (const char* room : {R"("")", "1", R"("a\n")", "\"\xc3\xa4\"", "\"\x1f\"", "\"r", "r"}) {
    const std::string text =
        std::string(R"({"roomId":)") + room + R"(,"docId":"d","channel":"doc"})";
    EXPECT_FALSE(read_plain_metadata(base::as_bytes(text))) << text;
  }
  for (const char* text : {"", "{", "{}", "[]", "null"}) {
    EXPECT_FALSE(read_plain_metadata(base::as_bytes(text))) << text;
  }
}

TEST(PlainMetadata, NoChangeOfAByteMakesTheTwoWaysDiffer) {
  std::size_t read = 0;
  for (std::size_t at = 0; at < provider_metadata.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = provider_metadata;
      text[at] = static_cast<char>(byte);
      if (reads_the_same(text)) ++read;
    }
    reads_the_same(provider_metadata.substr(0, at));
  }
  EXPECT_GT(read, provider_metadata.size()) << "most changes within a string leave it readable";
}

TEST(PlainMetadata, NoMixOfPiecesMakesTheTwoWaysDiffer) {
  constexpr std::string_view pieces[] = {R"("roomId")",
                                         R"("docId")",
                                         R"("subdocId")",
                                         R"("channel")",
                                         R"("version")",
                                         R"("senderId")",
                                         R"("timestamp")",
                                         R"("more")",
                                         R"("doc")",
                                         R"("x")",
                                         R"("")",
                                         "0",
                                         "7",
                                         "12",
                                         "-1",
                                         "null",
                                         "true",
                                         "{}",
                                         "[]"};
  constexpr std::size_t keys = 8;
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = R"({"roomId":"r","docId":"d","channel":"awareness")";
    for (std::size_t members = below(4); members > 0; --members) {
      text.append(",")
          .append(pieces[below(keys)])
          .append(":")
          .append(pieces[below(std::size(pieces))]);
    }
    if (reads_the_same(text + "}")) ++read;
  }
  EXPECT_GT(read, 5'000u);
}

}  // namespace
}  // namespace weft::protocol
