#pragma once

#include <string>

#include "weft/base/result.h"

namespace weft::gateway::http {

/// A server, and how to know it.
struct ServerAddress {
  std::string host;
  std::string port;
  /// PEM file with the certificate that the server shows over TLS, which is trusted whatever name
  /// and authority stand in it; empty: plaintext HTTP.
  std::string certificate;
};

/// What a server answered.
struct ClientResponse {
  unsigned status = 0;
  std::string body;
};

/// Posts JSON to a server and waits for the answer: for command lines that ask a running server.
/// Blocks, without a limit on how long the server takes. Nothing is sent to a server that shows
/// another certificate. Errors: std::errc::io_error, with a sentence (nobody listens there …).
base::result<ClientResponse> post_json(const ServerAddress& server, const std::string& target,
                                       const std::string& body);

}  // namespace weft::gateway::http
