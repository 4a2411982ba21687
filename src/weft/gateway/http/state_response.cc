#include "weft/gateway/http/state_response.h"

namespace weft::gateway::http {

void add_stamp(const StateStamp& stamp, std::string_view representation,
               net::HttpResponse& response) {
  response.headers.push_back({"Weft-Log", log_name(stamp.log)});
  if (stamp.version) {
    response.headers.push_back({"Weft-Version", std::to_string(stamp.version->value)});
  }
  if (!stamp.settled) {
    response.headers.push_back({"Cache-Control", "no-store"});
    return;
  }
  response.headers.push_back({"ETag", entity_tag(stamp.version, stamp.log, representation)});
  response.headers.push_back({"Cache-Control", "private, no-cache"});
}

std::optional<net::HttpResponse> not_modified(const std::optional<TagList>& known,
                                              const StateStamp& stamp,
                                              std::string_view representation) {
  if (!known || !stamp.settled ||
      !is_known(*known, entity_tag(stamp.version, stamp.log, representation))) {
    return std::nullopt;
  }
  net::HttpResponse response;
  response.status = 304;
  add_stamp(stamp, representation, response);
  return response;
}

net::HttpResponse state_response(base::shared_bytes body, std::string_view content_type,
                                 const StateStamp& stamp, std::string_view representation) {
  net::HttpResponse response;
  response.headers.push_back({"Content-Type", std::string(content_type)});
  add_stamp(stamp, representation, response);
  response.body = std::move(body);
  return response;
}

}  // namespace weft::gateway::http
