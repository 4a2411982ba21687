#pragma once

#include <optional>
#include <string_view>

#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/exchange.h"

namespace weft::gateway::http {

/// The state that a response shows, for its headers.
struct StateStamp {
  std::optional<base::log_offset> version;
  base::log_identity log;
  /// False while the version does not yet determine the content: no entity tag then.
  bool settled = true;
};

/// Adds Weft-Version, Weft-Log, ETag and Cache-Control. `representation` tells apart what one URL
/// may give.
void add_stamp(const StateStamp& stamp, std::string_view representation,
               net::HttpResponse& response);

/// The 304 for a client that has this state in this representation already, or nothing.
std::optional<net::HttpResponse> not_modified(const std::optional<TagList>& known,
                                              const StateStamp& stamp,
                                              std::string_view representation);

/// 200 with bytes.
net::HttpResponse state_response(base::shared_bytes body, std::string_view content_type,
                                 const StateStamp& stamp, std::string_view representation);

}  // namespace weft::gateway::http
