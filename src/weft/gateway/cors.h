#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/net/http.h"

namespace weft::gateway {

/// What an interface lets the pages do that may use it.
struct CorsTerms {
  std::string accepted_headers;  ///< that requests may carry: "Accept, Content-Type"
  std::string exposed_headers;   ///< of responses that pages may read besides the usual ones
  /// Whether requests may carry cookies. Never where all origins are allowed: any page could then
  /// act for whoever looks at it.
  bool credentials = false;
};

/// Which pages may use an interface from a browser.
/// Source: the Fetch standard, "CORS protocol". Threading: any.
class Cors {
 public:
  /// `origins` are comma-separated: "https://a.example, http://localhost:5173"; "*" is all, empty
  /// none but those of the server's own address.
  explicit Cors(std::string_view origins, CorsTerms terms = {});

  /// Whether a request that changes something may be obeyed. A page of a foreign origin can send
  /// such requests without asking first; browsers name its origin, other clients name none.
  bool may_change(const net::HttpRequest& request) const;

  /// Adds what lets an allowed page read the response, and what keeps caches apart.
  void add_headers(const net::HttpRequest& request, net::HttpResponse& response) const;

  /// Answers an OPTIONS request; `methods` is what the path has, as "GET, HEAD". The headers of
  /// add_headers come on top.
  net::HttpResponse options(const net::HttpRequest& request, const std::string& methods) const;

 private:
  bool allowed(std::string_view origin) const;

  const CorsTerms terms_;
  std::vector<std::string> origins_;
  bool all_ = false;
};

}  // namespace weft::gateway
