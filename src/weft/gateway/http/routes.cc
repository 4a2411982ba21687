#include "weft/gateway/http/routes.h"

#include <algorithm>
#include <array>

#include "weft/gateway/document_name.h"

namespace weft::gateway::http {

namespace {

using enum Operation;

constexpr std::string_view documents_path = "/v1/documents";

constexpr Route all[] = {
    {status, "GET", "/v1/status"},
    {openapi, "GET", "/v1/openapi.yaml"},
    {list_documents, "GET", "/v1/documents"},
    {document, "GET", "/v1/documents/{room}/{document}"},
    {read_update, "GET", "/v1/documents/{room}/{document}/update"},
    {read_diff, "POST", "/v1/documents/{room}/{document}/diff"},
    {publish, "POST", "/v1/documents/{room}/{document}/updates"},
    {state_vector, "GET", "/v1/documents/{room}/{document}/state-vector"},
    {snapshot, "GET", "/v1/documents/{room}/{document}/snapshot"},
    {history, "GET", "/v1/documents/{room}/{document}/history"},
    {versions, "GET", "/v1/documents/{room}/{document}/versions"},
    {events, "GET", "/v1/documents/{room}/{document}/events"},
    {quarantine, "GET", "/v1/quarantine"},
    {repair, "POST", "/v1/documents/{room}/{document}/repair"},
    {backup, "POST", "/v1/backup"},
};

constexpr std::string_view document_path = "/v1/documents/{room}/{document}";

/// "update" of ".../{document}/update".
std::string_view behind_document(std::string_view route_path) {
  return route_path.substr(document_path.size() + 1);
}

/// The route path of which `path` ends with the fixed part, and where that part begins.
std::pair<std::string_view, std::size_t> match_behind_document(std::string_view path) {
  for (const Route& route : all) {
    if (!route.path.starts_with(document_path) || route.path == document_path) continue;
    const auto fixed = behind_document(route.path);
    if (path.size() >= fixed.size() + 1 && path.ends_with(fixed) &&
        path[path.size() - fixed.size() - 1] == '/') {
      return {route.path, path.size() - fixed.size() - 1};
    }
  }
  return {document_path, path.size()};
}

}  // namespace

std::span<const Route> routes() { return all; }

std::expected<Target, PathProblem> find_target(std::string_view path) {
  const auto refuse = [](const ProblemType& type, std::string detail) {
    return std::unexpected(PathProblem{type, std::move(detail)});
  };
  for (const Route& route : all) {
    if (route.path == path) return Target{route.path, {}, {}};
  }
  if (path == std::string(documents_path) + "/") return Target{documents_path, {}, {}};
  if (!path.starts_with(std::string(documents_path) + "/")) {
    return refuse(problems::not_found, "unknown interface; /v1/openapi.yaml says what there is");
  }
  const auto names = path.substr(documents_path.size() + 1);
  const std::size_t room_end = names.find('/');
  if (room_end == std::string_view::npos) {
    return refuse(problems::not_found,
                  "expected /v1/documents/<room>/<document> and what is asked of it (names "
                  "percent-encoded)");
  }
  Target out;
  auto rest = names.substr(room_end + 1);
  const auto [found, end] = match_behind_document(rest);
  out.path = found;
  rest = rest.substr(0, end);
  if (found == document_path && rest.find('/') != std::string_view::npos) {
    return refuse(problems::not_found,
                  "a document has no " + std::string(rest.substr(rest.rfind('/') + 1)) +
                      "; /v1/openapi.yaml says what it has (a slash in its name is %2F)");
  }
  auto room = decode_name(names.substr(0, room_end), "room name");
  if (!room) return refuse(problems::bad_name, room.error().message);
  auto doc = decode_name(rest, "document name");
  if (!doc) return refuse(problems::bad_name, doc.error().message);
  out.document = {std::move(*room), std::move(*doc), {}};
  return out;
}

const Route* find_route(std::string_view path, std::string_view method) {
  if (method == "HEAD") method = "GET";
  const auto found = std::ranges::find_if(
      all, [&](const Route& route) { return route.path == path && route.method == method; });
  return found == std::end(all) ? nullptr : &*found;
}

std::string methods_of(std::string_view path) {
  std::string out;
  for (const Route& route : all) {
    if (route.path != path) continue;
    if (!out.empty()) out += ", ";
    out += route.method;
    if (route.method == "GET") out += ", HEAD";
  }
  return out;
}

}  // namespace weft::gateway::http
