#include "weft/net/origin.h"

#include <gtest/gtest.h>

#include "weft/net/errc.h"

namespace weft::net {
namespace {

OriginList list(std::vector<std::string> entries) {
  auto out = OriginList::parse(entries);
  EXPECT_TRUE(out.has_value()) << out.error().message;
  return out ? *out : OriginList();
}

HttpRequest request(std::string origin, std::string host) {
  HttpRequest out;
  out.headers.push_back({"Host", std::move(host)});
  if (!origin.empty()) out.headers.push_back({"origin", std::move(origin)});
  return out;
}

TEST(OriginList, HoldsWhatItLists) {
  const auto origins =
      list({"https://app.example", "http://localhost:5173", "https://*.team.example:8443"});
  for (const char* held :
       {"https://app.example", "https://app.example:443", "HTTPS://App.Example",
        "http://localhost:5173", "https://a.team.example:8443", "https://a.b.team.example:8443"}) {
    EXPECT_TRUE(origins.holds(held)) << held;
  }
  for (const char* strange :
       {"", "null", "*", "http://app.example", "https://app.example:444",
        "https://app.example.evil", "https://evil-app.example", "https://evil/https://app.example",
        "http://localhost", "https://team.example:8443", "https://.team.example:8443",
        "https://a.team.example", "https://ateam.example:8443", "https://app.example/path",
        "app.example", "://app.example", "https://app.example:", "https://app.example:443x",
        "https://user@app.example"}) {
    EXPECT_FALSE(origins.holds(strange)) << strange;
  }
}

TEST(OriginList, EverythingAndNullHaveToBeSaid) {
  EXPECT_TRUE(list({"*"}).holds("https://anything.example"));
  EXPECT_TRUE(list({"*"}).holds("null"));
  EXPECT_TRUE(list({"null"}).holds("null"));
  EXPECT_FALSE(list({"null"}).holds("https://anything.example"));
  EXPECT_FALSE(list({}).holds("https://anything.example"));
  EXPECT_TRUE(OriginList::everything().holds_everything());
  EXPECT_EQ(OriginList::everything().entries(), std::vector<std::string>{"*"});
}

TEST(OriginList, RefusesWhatIsNoOriginAndNamesIt) {
  for (const char* wrong :
       {"", "example.com", "https://", "https://a/b", "https://a:b", "https://*",
        "https://a.*.example", "https://*.", "https://*.a*.example", "a b://c"}) {
    const auto parsed = OriginList::parse({"https://fine.example", wrong});
    ASSERT_FALSE(parsed.has_value()) << wrong;
    EXPECT_EQ(parsed.error().code, errc::origin);
    EXPECT_NE(parsed.error().message.find("\"" + std::string(wrong) + "\""), std::string::npos);
  }
}

TEST(Origin, IsTheSameWhenTheHostIs) {
  const auto nobody = list({});
  EXPECT_TRUE(is_same_origin(request("http://localhost:8787", "localhost:8787")));
  EXPECT_TRUE(is_same_origin(request("https://Weft.example", "weft.example")));
  EXPECT_TRUE(is_same_origin(request("https://weft.example", "weft.example:443")));
  EXPECT_TRUE(is_same_origin(request("http://[::1]:8787", "[::1]:8787")));
  EXPECT_FALSE(is_same_origin(request("http://localhost:5173", "localhost:8787")));
  EXPECT_FALSE(is_same_origin(request("http://weft.example", "weft.example:443")));
  EXPECT_FALSE(is_same_origin(request("null", "null")));
  EXPECT_FALSE(is_same_origin(request("", "weft.example")));
  // No browser sent it.
  EXPECT_TRUE(origin_allowed(request("", "weft.example"), nobody));
  EXPECT_TRUE(origin_allowed(request("https://weft.example", "weft.example"), nobody));
  EXPECT_FALSE(origin_allowed(request("https://evil.example", "weft.example"), nobody));
  EXPECT_TRUE(origin_allowed(request("https://evil.example", "weft.example"), list({"*"})));
}

}  // namespace
}  // namespace weft::net
