#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/base/result.h"
#include "weft/net/http.h"

namespace weft::net {

/// A list of web origins, as browsers name them in "Origin".
///
/// Entries: "https://app.example.com", "http://localhost:5173", "https://*.example.com" (every name
/// below it), "null" (pages without an origin, such as files), "*" (all). Compared without regard
/// to case; a port that the scheme implies may be left out on either side. Source: RFC 6454.
class OriginList {
 public:
  /// Nothing is listed.
  OriginList() = default;

  /// Errors: origin; the message names the entry.
  static base::result<OriginList> parse(const std::vector<std::string>& entries);
  static OriginList everything();

  bool holds(std::string_view origin) const;
  /// Whether "*" is listed.
  bool holds_everything() const { return everything_; }
  /// As they were given.
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  struct Pattern {
    std::string scheme;
    std::string host;    ///< of a wildcard the part behind '*', with its dot
    std::string port;    ///< never empty
    bool below = false;  ///< a wildcard
  };

  std::vector<std::string> entries_;
  std::vector<Pattern> patterns_;
  bool everything_ = false;
  bool null_ = false;
};

/// Whether the page that a browser sent this request for came from the host that it was sent to.
bool is_same_origin(const HttpRequest& request);

/// Whether a request may be obeyed: it names no origin (then no browser sent it), the one that it
/// was sent to, or one of `others`. A check for the sake of browsers' users: other clients can name
/// any origin they like.
bool origin_allowed(const HttpRequest& request, const OriginList& others);

}  // namespace weft::net
