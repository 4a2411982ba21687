#include <gtest/gtest.h>

#include "weft/net/http.h"

namespace weft::net {
namespace {

using state = HttpRequestParser::state;

struct parsed {
  std::vector<HttpRequest> requests;
  unsigned refused = 0;
  std::size_t left = 0;
};

parsed parse(std::string_view text, std::size_t piece = 1 << 20, HttpLimits limits = {}) {
  parsed out;
  HttpRequestParser parser(limits);
  base::byte_vector pending;
  for (std::size_t from = 0; from < text.size(); from += piece) {
    const auto more = base::as_bytes(text.substr(from, piece));
    pending.insert(pending.end(), more.begin(), more.end());
    while (!pending.empty()) {
      const auto step = parser.feed(pending);
      pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      if (step.what == state::need_more) break;
      if (step.what == state::refused) {
        out.refused = step.status;
        EXPECT_FALSE(step.message.empty());
        return out;
      }
      out.requests.push_back(parser.take());
    }
  }
  out.left = pending.size();
  return out;
}

unsigned refused(std::string_view text, HttpLimits limits = {}) {
  const unsigned whole = parse(text, 1 << 20, limits).refused;
  EXPECT_EQ(parse(text, 1, limits).refused, whole) << "the split must not matter";
  return whole;
}

TEST(HttpParser, ReadsARequestHoweverItIsSplit) {
  const std::string text =
      "POST /v1/a%20b?x=1&name=two+words&bad=%zz HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
      "X-Thing:  padded \r\n\r\nhello";
  for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
    const auto out = parse(text, piece);
    ASSERT_EQ(out.requests.size(), 1U) << piece;
    const HttpRequest& request = out.requests[0];
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path(), "/v1/a%20b");
    EXPECT_EQ(percent_decode(request.path()), "/v1/a b");
    EXPECT_EQ(request.query_parameter("name"), "two words");
    EXPECT_EQ(request.query_parameter("x"), "1");
    EXPECT_EQ(request.query_parameter("bad"), std::nullopt);
    EXPECT_EQ(request.query_parameter("none"), std::nullopt);
    EXPECT_EQ(request.header("x-thing"), "padded");
    EXPECT_EQ(base::as_text(request.body), "hello");
    EXPECT_TRUE(request.keep_alive);
  }
}

TEST(HttpParser, ReadsChunksAndDropsTrailers) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::size_t piece : {1U, 3U, 1000U}) {
    const auto out = parse(text, piece);
    ASSERT_EQ(out.requests.size(), 2U) << piece << " refused " << out.refused;
    EXPECT_EQ(base::as_text(out.requests[0].body), "hello world");
    EXPECT_EQ(out.requests[0].header("X-Trailer"), "");
    EXPECT_EQ(out.requests[1].target, "/next");
  }
}

TEST(HttpParser, ReadsPipelinedRequestsAndSkipsEmptyLines) {
  const std::string one = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto out = parse(one + "\r\n" + one + one.substr(0, 10));
  EXPECT_EQ(out.requests.size(), 2U);
  EXPECT_EQ(out.left, 10U);
}

TEST(HttpParser, KnowsWhoKeepsTheConnection) {
  const auto keeps = [](std::string_view text) { return parse(text).requests.at(0).keep_alive; };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(HttpParser, RefusesWhatIsNotHttp) {
  EXPECT_EQ(refused("\x16\x03\x01\x02hello\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost h\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            400U);
  EXPECT_EQ(refused("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505U);
}

TEST(HttpParser, RefusesWhatIntermediariesReadDifferently) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400U);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400U);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            501U);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), 501U);
}

TEST(HttpParser, HoldsItsLimits) {
  HttpLimits limits{.header_bytes_max = 200, .body_bytes_max = 10};
  const std::string long_header(300, 'x');
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: h\r\nX: " + long_header + "\r\n\r\n", limits), 431U);
  EXPECT_EQ(refused("GET /" + long_header, limits), 431U);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", limits), 413U);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(refused(chunked + "b\r\nhello world\r\n0\r\n\r\n", limits), 413U);
  EXPECT_EQ(refused(chunked + "1;" + long_header, limits), 431U);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: h\r\nExpect: the-unexpected\r\n\r\n"), 417U);
}

TEST(Handshake, ComputesTheKeyOfTheRfc) {
  HttpRequest request;
  request.method = "GET";
  request.headers = {{"Upgrade", "WebSocket"},
                     {"Connection", "keep-alive, Upgrade"},
                     {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  const auto wish = check_handshake(request);
  EXPECT_EQ(wish.status, 101U);
  EXPECT_EQ(wish.accept_key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  request.headers[2].value = "8";
  EXPECT_EQ(check_handshake(request).status, 426U);
  request.headers[2].value = "13";
  request.headers[3].value = "short";
  EXPECT_EQ(check_handshake(request).status, 400U);
  request.headers[0].value = "h2c";
  EXPECT_FALSE(check_handshake(request).requested);
}

TEST(ResponseHead, ForeignTextStartsNoHeader) {
  HttpResponse response;
  response.headers.push_back({"Location", "/x\r\nSet-Cookie: evil=1"});
  const std::string head = response_head(response, true, 0);
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
  EXPECT_NE(head.find("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), std::string::npos);
}

}  // namespace
}  // namespace weft::net
