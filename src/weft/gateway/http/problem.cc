#include "weft/gateway/http/problem.h"

#include <nlohmann/json.hpp>
#include <string>

#include "weft/gateway/http/response.h"
#include "weft/gateway/json.h"
#include "weft/hub/errc.h"
#include "weft/log/op_log.h"
#include "weft/store/document_store.h"

namespace weft::gateway::http {

namespace {

constexpr ProblemType all[] = {
    problems::bad_parameter,    problems::bad_name,        problems::bad_body,
    problems::invalid_update,   problems::origin_refused,  problems::not_found,
    problems::unknown_document, problems::unknown_version, problems::unknown_root,
    problems::bad_method,       problems::not_acceptable,  problems::conflicting_ids,
    problems::not_restorable,   problems::history_trimmed, problems::version_changed,
    problems::too_large,        problems::bad_media_type,  problems::document_broken,
    problems::unreadable,       problems::no_reader,       problems::unavailable,
    problems::draining,         problems::local_only,      problems::maintenance_failed,
    problems::no_edit,          problems::unauthenticated, problems::forbidden,
    problems::unknown_stream,
};

}  // namespace

std::span<const ProblemType> problem_types() { return all; }

nlohmann::json problem_json(const ProblemType& type, std::string_view detail) {
  return {{"type", "urn:weft:problem:" + std::string(type.name)},
          {"title", type.title},
          {"status", type.status},
          {"detail", detail}};
}

net::HttpResponse problem_response(const ProblemType& type, const nlohmann::json& body) {
  auto response =
      net::HttpResponse::text(type.status, "application/problem+json", json_text(body) + "\n");
  if (type.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (type.status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

net::HttpResponse problem(const ProblemType& type, std::string_view detail) {
  return problem_response(type, problem_json(type, detail));
}

const ProblemType& problem_type_of(const base::error& why) {
  if (why.code == std::errc::invalid_argument) return problems::bad_parameter;
  if (why.code == hub::errc::invalid_update) return problems::invalid_update;
  if (why.code == hub::errc::conflicting_ids) return problems::conflicting_ids;
  if (why.code == hub::errc::unauthenticated) return problems::unauthenticated;
  if (why.code == hub::errc::expired) return problems::unauthenticated;
  if (why.code == hub::errc::forbidden) return problems::forbidden;
  if (why.code == hub::errc::too_large) return problems::too_large;
  if (why.code == hub::errc::broken) return problems::document_broken;
  if (why.code == hub::errc::changed) return problems::version_changed;
  if (why.code == hub::errc::timed_out) return problems::no_edit;
  if (why.code == hub::errc::draining) return problems::draining;
  if (why.code == log::errc::trimmed) return problems::history_trimmed;
  if (why.code == log::errc::corrupt) return problems::document_broken;
  if (why.code == store::errc::corrupt) return problems::document_broken;
  return problems::unavailable;
}

net::HttpResponse problem_of(const base::error& why) {
  return problem(problem_type_of(why), why.message);
}

}  // namespace weft::gateway::http
