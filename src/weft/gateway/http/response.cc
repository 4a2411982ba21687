#include "weft/gateway/http/response.h"

#include "weft/gateway/json.h"

namespace weft::gateway::http {

net::HttpResponse json_response(unsigned status, const nlohmann::json& body) {
  return net::HttpResponse::text(status, "application/json", json_text(body) + "\n");
}

}  // namespace weft::gateway::http
