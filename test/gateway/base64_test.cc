#include "weft/gateway/base64.h"

#include <gtest/gtest.h>

#include "weft/base/random.h"

namespace weft::gateway {
namespace {

TEST(Base64, TheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(to_base64(base::as_bytes(plain)), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded) << encoded;
    EXPECT_EQ(base::as_text(*decoded), plain);
    EXPECT_TRUE(from_base64(encoded.substr(0, encoded.find('=')))) << encoded;
  }
}

TEST(Base64, BothAlphabetsAreReadButNotInOneText) {
  const base::byte_vector bytes{0xfb, 0xff, 0xbf};
  EXPECT_EQ(to_base64(bytes), "+/+/");
  EXPECT_EQ(from_base64("+/+/"), bytes);
  EXPECT_EQ(from_base64("-_-_"), bytes);
  EXPECT_FALSE(from_base64("+/-_"));
}

TEST(Base64, WhatIsNoEncodingIsRefused) {
  for (const char* text : {"A", "AAAAA", "====", "=", "A===", "AA=", "AAA==", "AA=A",
                           "AA==AA==", "A A=", "AA\n=", "\xc3\xa4", "AB==", "AAB=", "AAAA="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Base64, RandomBytesOfAnySizeComeBack) {
  base::random random(7);
  std::vector<std::size_t> sizes{(3u << 20) - 1, 3u << 20, (3u << 20) + 1, 7u << 20};
  for (std::size_t i = 0; i < 50; ++i) sizes.push_back(i);
  for (const std::size_t size : sizes) {
    base::byte_vector bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    std::string text = "before";
    append_base64(bytes, text);
    EXPECT_EQ(text.size(), 6 + (size + 2) / 3 * 4);
    const auto back = from_base64(std::string_view(text).substr(6));
    ASSERT_TRUE(back) << size;
    EXPECT_TRUE(*back == bytes) << size;
  }
}

}  // namespace
}  // namespace weft::gateway
