// The only file that sees Boost.Beast: its headers take long to compile.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <optional>

#include "weft/net/http.h"

namespace weft::net {

namespace {

namespace http = boost::beast::http;
using beast_parser = http::request_parser<http::vector_body<std::uint8_t>>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

HttpRequestParser::step refused(unsigned status, std::string message) {
  return {.what = HttpRequestParser::state::refused,
          .consumed = 0,
          .status = status,
          .message = std::move(message)};
}

HttpRequestParser::step refused_by_beast(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return refused(431, "the header is too long");
  if (error == http::error::body_limit) return refused(413, "the body is too long");
  if (error == http::error::bad_version) return refused(505, "only HTTP/1.1 and 1.0 are spoken");
  return refused(400, "not a valid request: " + error.message());
}

}  // namespace

struct HttpRequestParser::Impl {
  explicit Impl(HttpLimits l) : limits(l) { restart(); }

  void restart() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser->body_limit(limits.body_bytes_max);
    headers.clear();
    header_seen = false;
    started = false;
    expects_continue = false;
  }

  std::optional<step> check_header() {
    const auto& message = parser->get();
    // Copied before the body is parsed: trailers would be added to Beast's fields.
    for (const auto& field : message) {
      headers.push_back({std::string(view(field.name_string())), std::string(view(field.value()))});
    }
    const auto hosts = message.count(http::field::host);
    if (message.version() >= 11 && hosts != 1) return refused(400, "exactly one Host is needed");
    if (message.count(http::field::transfer_encoding) > 0) {
      if (!http::token_list(message[http::field::transfer_encoding]).exists("chunked") ||
          message.count(http::field::transfer_encoding) > 1 ||
          message[http::field::transfer_encoding].find(',') != boost::beast::string_view::npos) {
        return refused(501, "the only transfer coding known here is chunked");
      }
      if (message.count(http::field::content_length) > 0) {
        return refused(400, "Content-Length beside Transfer-Encoding");
      }
      if (message.version() < 11) return refused(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (const auto expect = message[http::field::expect]; !expect.empty()) {
      if (!boost::beast::iequals(expect, "100-continue")) {
        return refused(417, "the only expectation known here is 100-continue");
      }
      expects_continue = message.version() >= 11;
    }
    return std::nullopt;
  }

  HttpLimits limits;
  std::optional<beast_parser> parser;
  std::vector<HttpHeader> headers;
  bool header_seen = false;
  bool started = false;
  bool expects_continue = false;
};

HttpRequestParser::HttpRequestParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpRequestParser::~HttpRequestParser() = default;
HttpRequestParser::HttpRequestParser(HttpRequestParser&&) noexcept = default;
HttpRequestParser& HttpRequestParser::operator=(HttpRequestParser&&) noexcept = default;

bool HttpRequestParser::started() const { return impl_->started; }
bool HttpRequestParser::header_complete() const { return impl_->header_seen; }
bool HttpRequestParser::expects_continue() const { return impl_->expects_continue; }

HttpRequestParser::step HttpRequestParser::feed(base::byte_view bytes) {
  Impl& impl = *impl_;
  step out;
  // Empty lines before a request are skipped (RFC 9112, section 2.2).
  while (!impl.started && out.consumed < bytes.size() &&
         (bytes[out.consumed] == '\r' || bytes[out.consumed] == '\n')) {
    ++out.consumed;
  }
  beast_parser& parser = *impl.parser;
  while (true) {
    boost::system::error_code error;
    std::size_t used = 0;
    if (!parser.is_done() && out.consumed < bytes.size()) {
      // The header is parsed alone, so that it is checked before any of the body is kept.
      parser.eager(impl.header_seen);
      used = parser.put(
          boost::asio::const_buffer(bytes.data() + out.consumed, bytes.size() - out.consumed),
          error);
      out.consumed += used;
      if (used > 0) impl.started = true;
    }
    if (error && error != http::error::need_more) return refused_by_beast(error);
    if (!impl.header_seen && parser.is_header_done()) {
      impl.header_seen = true;
      if (auto refusal = impl.check_header()) return *refusal;
    }
    if (parser.is_done()) {
      out.what = state::complete;
      return out;
    }
    if (error == http::error::need_more || used == 0) break;
  }
  // Beast waits for the end of a chunk's header however long that gets.
  if (bytes.size() - out.consumed > impl.limits.header_bytes_max) {
    return refused(431, "a chunk header is too long");
  }
  return out;
}

HttpRequest HttpRequestParser::take() {
  auto& message = impl_->parser->get();
  HttpRequest request;
  request.method = std::string(view(message.method_string()));
  request.target = std::string(view(message.target()));
  request.version_minor = message.version() % 10;
  request.keep_alive = message.keep_alive();
  request.headers = std::move(impl_->headers);
  request.body = std::move(message.body());
  impl_->restart();
  return request;
}

}  // namespace weft::net
