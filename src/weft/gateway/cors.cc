#include "weft/gateway/cors.h"

#include <algorithm>

namespace weft::gateway {

namespace {

/// How long a browser may remember the answer to a preflight.
constexpr std::string_view max_age_s = "600";

/// "host:port" of "https://host:port".
std::string_view host_of(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

}  // namespace

Cors::Cors(std::string_view origins, CorsTerms terms) : terms_(std::move(terms)) {
  while (!origins.empty()) {
    const std::size_t end = std::min(origins.find(','), origins.size());
    auto origin = origins.substr(0, end);
    while (!origin.empty() && origin.front() == ' ') origin.remove_prefix(1);
    while (!origin.empty() && (origin.back() == ' ' || origin.back() == '/')) {
      origin.remove_suffix(1);
    }
    if (origin == "*") {
      all_ = true;
    } else if (!origin.empty()) {
      origins_.emplace_back(origin);
    }
    origins.remove_prefix(std::min(end + 1, origins.size()));
  }
}

bool Cors::allowed(std::string_view origin) const {
  return !origin.empty() && (all_ || std::ranges::find(origins_, origin) != origins_.end());
}

bool Cors::may_change(const net::HttpRequest& request) const {
  const auto origin = request.header("Origin");
  return origin.empty() || host_of(origin) == request.header("Host") || allowed(origin);
}

void Cors::add_headers(const net::HttpRequest& request, net::HttpResponse& response) const {
  if (!all_ && !origins_.empty()) response.headers.push_back({"Vary", "Origin"});
  const auto origin = request.header("Origin");
  if (!allowed(origin)) return;
  response.headers.push_back({"Access-Control-Allow-Origin", all_ ? "*" : std::string(origin)});
  if (terms_.credentials && !all_) {
    response.headers.push_back({"Access-Control-Allow-Credentials", "true"});
  }
  if (!terms_.exposed_headers.empty()) {
    response.headers.push_back({"Access-Control-Expose-Headers", terms_.exposed_headers});
  }
}

net::HttpResponse Cors::options(const net::HttpRequest& request, const std::string& methods) const {
  net::HttpResponse response;
  response.status = 204;
  response.headers.push_back({"Allow", methods + ", OPTIONS"});
  if (!allowed(request.header("Origin")) ||
      request.header("Access-Control-Request-Method").empty()) {
    return response;
  }
  response.headers.push_back({"Access-Control-Allow-Methods", methods});
  if (!terms_.accepted_headers.empty()) {
    response.headers.push_back({"Access-Control-Allow-Headers", terms_.accepted_headers});
  }
  response.headers.push_back({"Access-Control-Max-Age", std::string(max_age_s)});
  return response;
}

}  // namespace weft::gateway
