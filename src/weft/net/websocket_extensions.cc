#include "weft/net/websocket_extensions.h"

#include <algorithm>

namespace weft::net {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what comes before `separator` off the front. No value of this extension holds a separator,
/// quoted or not, so quotes need no notice here.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t at = std::min(rest.find(separator), rest.size());
  const std::string_view out = trimmed(rest.substr(0, at));
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return out;
}

/// 8..15 for "8" to "15", quoted or not; else 0.
int window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value.size() == 1 && value[0] >= '8' && value[0] <= '9') return value[0] - '0';
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return 10 + (value[1] - '0');
  }
  return 0;
}

bool acceptable(std::string_view offer) {
  if (take(offer, ';') != "permessage-deflate") return false;
  enum { server_takeover = 1, client_takeover = 2, server_bits = 4, client_bits = 8 };
  unsigned seen = 0;
  while (!offer.empty()) {
    std::string_view parameter = take(offer, ';');
    const bool has_value = parameter.find('=') != std::string_view::npos;
    const std::string_view name = take(parameter, '=');
    const int bits = has_value ? window_bits(trimmed(parameter)) : 0;
    unsigned which = 0;
    if (name == "server_no_context_takeover" && !has_value) {
      which = server_takeover;
    } else if (name == "client_no_context_takeover" && !has_value) {
      which = client_takeover;
    } else if (name == "server_max_window_bits" && bits == 15) {
      which = server_bits;
    } else if (name == "client_max_window_bits" && (!has_value || bits != 0)) {
      which = client_bits;
    }
    if (which == 0 || (seen & which) != 0) return false;
    seen |= which;
  }
  return true;
}

}  // namespace

bool offers_deflate(const HttpRequest& request) {
  return std::ranges::any_of(request.headers, [](const HttpHeader& header) {
    if (!header.is("Sec-WebSocket-Extensions")) return false;
    std::string_view offers = header.value;
    while (!offers.empty()) {
      if (acceptable(take(offers, ','))) return true;
    }
    return false;
  });
}

}  // namespace weft::net
