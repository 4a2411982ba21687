#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "weft/net/http.h"

namespace weft::gateway::http {

/// JSON on one line; what is not UTF-8 in it is replaced.
std::string json_text(const nlohmann::json& body);

net::HttpResponse json_response(unsigned status, const nlohmann::json& body);

}  // namespace weft::gateway::http
