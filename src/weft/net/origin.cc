#include "weft/net/origin.h"

#include <algorithm>
#include <optional>

#include "weft/net/errc.h"

namespace weft::net {

namespace {

struct Origin {
  std::string scheme, host, port;
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string implied_port(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss") return "443";
  if (scheme == "http" || scheme == "ws") return "80";
  return "0";  // of other schemes the port is never implied
}

bool is_scheme(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == ':' || c == '[' || c == ']' || c == '*' || static_cast<unsigned char>(c) >= 0x80;
}

/// "host", "host:port" or "[::1]:port".
bool split_host(std::string_view text, std::string& host, std::string& port) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  host = lower_case(text.substr(0, colon));
  if (colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5) return false;
    if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return false;
  }
  return !host.empty() && std::ranges::all_of(host, is_host_character);
}

std::optional<Origin> parse_origin(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) return std::nullopt;
  Origin out;
  out.scheme = lower_case(text.substr(0, end));
  if (!is_scheme(out.scheme) || !split_host(text.substr(end + 3), out.host, out.port)) {
    return std::nullopt;
  }
  if (out.port.empty()) out.port = implied_port(out.scheme);
  return out;
}

}  // namespace

base::result<OriginList> OriginList::parse(const std::vector<std::string>& entries) {
  OriginList out;
  out.entries_ = entries;
  for (const std::string& entry : entries) {
    if (entry == "*") {
      out.everything_ = true;
    } else if (entry == "null") {
      out.null_ = true;
    } else {
      auto origin = parse_origin(entry);
      Pattern pattern;
      if (origin) pattern = {origin->scheme, origin->host, origin->port, false};
      if (pattern.host.starts_with("*.")) {
        pattern.below = true;
        pattern.host.erase(0, 1);
      }
      if (!origin || pattern.host.find('*') != std::string::npos || pattern.host == ".") {
        return base::fail(errc::origin, "\"" + entry +
                                            "\" is no origin: write scheme://host[:port], "
                                            "scheme://*.host, null or *");
      }
      out.patterns_.push_back(std::move(pattern));
    }
  }
  return out;
}

OriginList OriginList::everything() {
  OriginList out;
  out.entries_.emplace_back("*");
  out.everything_ = true;
  return out;
}

bool OriginList::holds(std::string_view origin) const {
  if (everything_) return true;
  if (origin == "null") return null_;
  const auto wanted = parse_origin(origin);
  if (!wanted) return false;
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    if (pattern.scheme != wanted->scheme || pattern.port != wanted->port) return false;
    return pattern.below
               ? wanted->host.size() > pattern.host.size() && wanted->host.ends_with(pattern.host)
               : wanted->host == pattern.host;
  });
}

bool is_same_origin(const HttpRequest& request) {
  const auto origin = parse_origin(request.header("Origin"));
  if (!origin) return false;
  std::string host;
  std::string port;
  if (!split_host(request.header("Host"), host, port)) return false;
  // Whoever speaks TLS in front of us, the browser's scheme says which port is implied.
  if (port.empty()) port = implied_port(origin->scheme);
  return host == origin->host && port == origin->port;
}

bool origin_allowed(const HttpRequest& request, const OriginList& others) {
  const std::string_view origin = request.header("Origin");
  return origin.empty() || others.holds(origin) || is_same_origin(request);
}

}  // namespace weft::net
