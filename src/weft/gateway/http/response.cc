#include "weft/gateway/http/response.h"

#include <nlohmann/json.hpp>

namespace weft::gateway::http {

std::string json_text(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

net::HttpResponse json_response(unsigned status, const nlohmann::json& body) {
  return net::HttpResponse::text(status, "application/json", json_text(body) + "\n");
}

}  // namespace weft::gateway::http
