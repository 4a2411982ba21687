#include "weft/app/ask_server.h"

#include <nlohmann/json.hpp>

namespace weft::app {

base::result<gateway::http::ClientResponse> ask_server(const Config& config,
                                                       const std::string& target,
                                                       const std::string& body) {
  const auto colon = config.listen.rfind(':');
  std::string host = config.listen.substr(0, colon);
  if (host == "0.0.0.0" || host == "[::]") host = "127.0.0.1";
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return gateway::http::post_json(
      {host, config.listen.substr(colon + 1), config.net.tls.certificate}, target, body);
}

std::string problem_detail(const gateway::http::ClientResponse& answer) {
  const auto problem = nlohmann::json::parse(answer.body, nullptr, false);
  const bool said = problem.is_object() && problem.value("detail", nlohmann::json()).is_string();
  return said ? problem["detail"].get<std::string>() : answer.body;
}

}  // namespace weft::app
