#pragma once

#include <map>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// The built page, read into memory once: no request can reach outside of it.
class StaticFiles {
 public:
  /// Reads every regular file below `directory` (at most 64 MiB in all). A directory that is not
  /// there gives an empty set; what was left out is said in `skipped`.
  static StaticFiles load(const std::string& directory, std::string& skipped);

  bool empty() const { return files_.empty(); }

  /// The file for a path ("/" is /index.html), or 404.
  net::HttpResponse serve(const net::HttpRequest& request) const;

 private:
  struct File {
    std::string content_type;
    std::string etag;
    bool immutable;  ///< its name carries a hash of its content
    base::shared_bytes bytes;
  };
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace weft::gateway::http
