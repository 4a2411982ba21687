#pragma once

#include <string>

#include "weft/app/config.h"
#include "weft/gateway/http/client.h"

namespace weft::app {

/// Posts JSON to the server that runs with this configuration and waits for its answer. Over TLS
/// the server is known by its certificate. Errors: std::errc::io_error.
base::result<gateway::http::ClientResponse> ask_server(const Config& config,
                                                       const std::string& target,
                                                       const std::string& body);

/// What a problem document says, or the whole answer when it is none.
std::string problem_detail(const gateway::http::ClientResponse& answer);

}  // namespace weft::app
