#include "weft/net/http.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "weft/net/websocket_frame.h"

namespace weft::net {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Whether a comma-separated list holds `token`.
bool list_holds(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (equal_ignoring_case(item, token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool any_header_holds(const HttpRequest& request, std::string_view name, std::string_view token) {
  return std::ranges::any_of(request.headers, [&](const HttpHeader& header) {
    return header.is(name) && list_holds(header.value, token);
  });
}

/// A handshake key is 16 bytes in Base64: 22 digits and "==".
bool is_handshake_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), [](char c) {
           return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

std::string accept_key_for(std::string_view key) {
  // The constant of RFC 6455, section 1.3.
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length)};
}

/// A value of ours that holds foreign text must not start a header of its own.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out += "\r\n";
}

}  // namespace

bool HttpHeader::is(std::string_view other) const { return equal_ignoring_case(name, other); }

std::string_view HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& candidate : headers) {
    if (candidate.is(name)) return candidate.value;
  }
  return {};
}

std::string_view HttpRequest::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::optional<std::string> HttpRequest::query_parameter(std::string_view name) const {
  std::string_view rest = query();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals)) == name) {
      std::string value(pair.substr(std::min(equals + 1, pair.size())));
      std::ranges::replace(value, '+', ' ');
      return percent_decode(value);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

HttpResponse HttpResponse::text(unsigned status, std::string_view content_type,
                                std::string_view body) {
  HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", std::string(content_type)});
  response.body = base::shared_bytes::copy_of(base::as_bytes(body));
  return response;
}

HttpResponse HttpResponse::problem(unsigned status, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":")";
  body += reason_phrase(status);
  body += R"(","status":)" + std::to_string(status) + R"(,"detail":")";
  for (const char c : detail) {
    // Nothing that we say of a request needs a control character.
    if (c == '"' || c == '\\') body += '\\';
    body += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  body += "\"}\n";
  return text(status, "application/problem+json", body);
}

HttpResponder::~HttpResponder() {
  if (target_.expired()) return;
  respond(HttpResponse::problem(500, "the request was not answered"));
}

void HttpResponder::respond(HttpResponse response) {
  const auto target = std::exchange(target_, {}).lock();
  if (target) target->respond(request_, std::move(response));
}

void HttpResponder::watch_peer() {
  if (const auto target = target_.lock()) target->watch_peer(request_);
}

std::string response_head(const HttpResponse& response, bool keep_alive,
                          std::int64_t wall_clock_ms) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += reason_phrase(response.status);
  head += "\r\n";
  for (const HttpHeader& header : response.headers) append_header(head, header.name, header.value);
  const std::time_t seconds = wall_clock_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> date{};
  const std::size_t date_size =
      std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  append_header(head, "Date", {date.data(), date_size});
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body && !response.stream) {
    const std::uint64_t size = response.source ? response.source->size() : response.body.size();
    append_header(head, "Content-Length", std::to_string(size));
  }
  append_header(head, "Connection", keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

handshake check_handshake(const HttpRequest& request) {
  handshake out;
  if (!any_header_holds(request, "Upgrade", "websocket")) return out;
  out.requested = true;
  const auto refuse = [&](unsigned status, std::string message) {
    out.status = status;
    out.message = std::move(message);
    return out;
  };
  if (request.method != "GET") return refuse(405, "a WebSocket handshake is a GET");
  if (request.version_minor < 1) return refuse(400, "a WebSocket handshake needs HTTP/1.1");
  if (!any_header_holds(request, "Connection", "upgrade")) {
    return refuse(400, "\"Connection: Upgrade\" is missing");
  }
  if (request.header("Sec-WebSocket-Version") != "13") {
    return refuse(426, "only Sec-WebSocket-Version 13 is spoken here");
  }
  const std::string_view key = request.header("Sec-WebSocket-Key");
  if (!is_handshake_key(key)) {
    return refuse(400, "Sec-WebSocket-Key is not 16 bytes in Base64");
  }
  out.accept_key = accept_key_for(key);
  return out;
}

}  // namespace weft::net
