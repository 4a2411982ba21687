#include "weft/gateway/cors.h"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

net::HttpRequest request_from(const std::string& origin, const std::string& host = "weft:1") {
  net::HttpRequest request;
  request.headers.push_back({"Host", host});
  if (!origin.empty()) request.headers.push_back({"Origin", origin});
  return request;
}

std::string header(const net::HttpResponse& response, std::string_view name) {
  for (const auto& h : response.headers) {
    if (h.name == name) return h.value;
  }
  return {};
}

TEST(Cors, PagesOfForeignOriginsChangeNothingUnlessConfigured) {
  const Cors none("");
  EXPECT_TRUE(none.may_change(request_from("")));
  EXPECT_TRUE(none.may_change(request_from("http://weft:1")));
  EXPECT_TRUE(none.may_change(request_from("https://weft:1")));  // behind a proxy
  EXPECT_FALSE(none.may_change(request_from("http://weft:2")));
  EXPECT_FALSE(none.may_change(request_from("null")));
  const Cors two("http://a, https://b:2/");
  EXPECT_TRUE(two.may_change(request_from("https://b:2")));
  EXPECT_FALSE(two.may_change(request_from("https://b")));
  EXPECT_TRUE(Cors("*").may_change(request_from("http://any")));
}

TEST(Cors, AllowedPagesMayReadAndCachesAreTold) {
  net::HttpResponse response;
  Cors("http://a", {{}, "ETag"}).add_headers(request_from("http://a"), response);
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "http://a");
  EXPECT_EQ(header(response, "Vary"), "Origin");
  EXPECT_EQ(header(response, "Access-Control-Expose-Headers"), "ETag");
  net::HttpResponse refused;
  Cors("http://a").add_headers(request_from("http://b"), refused);
  EXPECT_EQ(header(refused, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header(refused, "Vary"), "Origin");
  net::HttpResponse all;
  Cors("*").add_headers(request_from("http://b"), all);
  EXPECT_EQ(header(all, "Access-Control-Allow-Origin"), "*");
  net::HttpResponse none;
  Cors("").add_headers(request_from("http://b"), none);
  EXPECT_TRUE(none.headers.empty());
}

TEST(Cors, APreflightIsToldWhatMayBeSent) {
  auto request = request_from("http://a");
  request.headers.push_back({"Access-Control-Request-Method", "POST"});
  const auto allowed = Cors("http://a", {"If-Match", {}}).options(request, "POST");
  EXPECT_EQ(allowed.status, 204u);
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Headers"), "If-Match");
  const auto refused = Cors("").options(request, "GET, HEAD");
  EXPECT_EQ(header(refused, "Access-Control-Allow-Methods"), "");
  EXPECT_EQ(header(refused, "Allow"), "GET, HEAD, OPTIONS");
}

TEST(Cors, CookiesAreForNamedOriginsOnly) {
  net::HttpResponse named;
  Cors("http://a", {{}, {}, true}).add_headers(request_from("http://a"), named);
  EXPECT_EQ(header(named, "Access-Control-Allow-Origin"), "http://a");
  EXPECT_EQ(header(named, "Access-Control-Allow-Credentials"), "true");
  net::HttpResponse all;
  Cors("*", {{}, {}, true}).add_headers(request_from("http://a"), all);
  EXPECT_EQ(header(all, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(all, "Access-Control-Allow-Credentials"), "");
}

}  // namespace
}  // namespace weft::gateway
