#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "weft/base/result.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

net::HttpResponse json_response(unsigned status, const nlohmann::json& body);

/// An error as RFC 9457 "problem details"; `detail` says what was wrong and what to do.
net::HttpResponse problem(unsigned status, std::string_view detail);

/// The problem that stands for an error of hub, log or store.
net::HttpResponse problem_of(const base::error& why);

}  // namespace weft::gateway::http
