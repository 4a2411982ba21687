#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/net/http.h"

namespace weft::gateway::http {

/// Which pages may use the interface from a browser.
/// Source: the Fetch standard, "CORS protocol".
class Cors {
 public:
  /// `origins` as in HttpOptions::cors_origins.
  explicit Cors(std::string_view origins);

  /// Whether a request that changes something may be obeyed. A page of a foreign origin can send
  /// such requests without asking first; browsers name its origin, other clients name none.
  bool may_change(const net::HttpRequest& request) const;

  /// Adds what lets an allowed page read the response, and what keeps caches apart.
  void add_headers(const net::HttpRequest& request, net::HttpResponse& response) const;

  /// Answers an OPTIONS request; `methods` is what the path has, as "GET, HEAD".
  net::HttpResponse options(const net::HttpRequest& request, const std::string& methods) const;

 private:
  bool allowed(std::string_view origin) const;

  std::vector<std::string> origins_;
  bool all_ = false;
};

}  // namespace weft::gateway::http
