#include "weft/gateway/http/response.h"

#include <nlohmann/json.hpp>

#include "weft/hub/errc.h"
#include "weft/log/op_log.h"

namespace weft::gateway::http {

namespace {

std::string dump(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

net::HttpResponse json_response(unsigned status, const nlohmann::json& body) {
  return net::HttpResponse::text(status, "application/json", dump(body));
}

net::HttpResponse problem(unsigned status, std::string_view detail) {
  return net::HttpResponse::text(
      status, "application/problem+json",
      dump({{"status", status}, {"title", net::reason_phrase(status)}, {"detail", detail}}));
}

net::HttpResponse problem_of(const base::error& why) {
  unsigned status = 503;
  if (why.code == hub::errc::invalid_update) status = 400;
  if (why.code == hub::errc::conflicting_ids) status = 409;
  if (why.code == hub::errc::too_large) status = 413;
  if (why.code == hub::errc::broken) status = 500;
  auto response = problem(status, why.message);
  if (status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

}  // namespace weft::gateway::http
