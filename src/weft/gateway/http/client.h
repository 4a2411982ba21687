#pragma once

#include <chrono>
#include <string>

#include "weft/base/result.h"

namespace weft::gateway::http {

/// What a server answered.
struct ClientResponse {
  unsigned status = 0;
  std::string body;
};

/// Posts JSON to a server and waits for the answer: for command lines that ask a running server.
/// Blocks, without a limit on how long the server takes. Plaintext HTTP only.
/// Errors: std::errc::io_error, with a sentence (nobody listens there …).
base::result<ClientResponse> post_json(const std::string& host, const std::string& port,
                                       const std::string& target, const std::string& body);

}  // namespace weft::gateway::http
