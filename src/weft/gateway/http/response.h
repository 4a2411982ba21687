#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "weft/net/http.h"

namespace weft::gateway::http {

net::HttpResponse json_response(unsigned status, const nlohmann::json& body);

}  // namespace weft::gateway::http
