#include "weft/gateway/http/routes.h"

#include <algorithm>
#include <array>

#include "weft/gateway/document_name.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

namespace {

using enum Operation;

constexpr std::string_view documents_path = "/v1/documents";

constexpr Route all[] = {
    {status, "GET", "/v1/status", Need::nothing},
    {openapi, "GET", "/v1/openapi.yaml", Need::nothing},
    {list_documents, "GET", "/v1/documents", Need::list},
    {document, "GET", "/v1/documents/{room}/{document}", Need::read},
    {read_update, "GET", "/v1/documents/{room}/{document}/update", Need::read},
    {read_diff, "POST", "/v1/documents/{room}/{document}/diff", Need::read},
    {json, "GET", "/v1/documents/{room}/{document}/json", Need::read},
    {text, "GET", "/v1/documents/{room}/{document}/text", Need::read},
    {delta, "GET", "/v1/documents/{room}/{document}/delta", Need::read},
    {xml, "GET", "/v1/documents/{room}/{document}/xml", Need::read},
    {publish, "POST", "/v1/documents/{room}/{document}/updates", Need::write},
    {awareness, "POST", "/v1/documents/{room}/{document}/awareness", Need::awareness},
    {state_vector, "GET", "/v1/documents/{room}/{document}/state-vector", Need::read},
    {snapshot, "GET", "/v1/documents/{room}/{document}/snapshot", Need::read},
    {history, "GET", "/v1/documents/{room}/{document}/history", Need::read},
    {versions, "GET", "/v1/documents/{room}/{document}/versions", Need::read},
    {restore, "POST", "/v1/documents/{room}/{document}/versions/{version}/restore", Need::write},
    {events, "GET", "/v1/documents/{room}/{document}/events", Need::read},
    {quarantine, "GET", "/v1/quarantine", Need::list},
    {repair, "POST", "/v1/documents/{room}/{document}/repair", Need::local},
    {trace, "POST", "/v1/documents/{room}/{document}/trace", Need::local},
    {backup, "POST", "/v1/backup", Need::local},
};

/// "update" of ".../{document}/update".
std::string_view behind_document(std::string_view route_path) {
  return route_path.substr(document_path.size() + 1);
}

/// Takes the last segment off a path without its slash.
std::string_view take_last(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  const auto segment = slash == std::string_view::npos ? path : path.substr(slash + 1);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  return segment;
}

/// Whether `path`, a document's name and what is asked of it, ends as a route's path does. If so,
/// `name` is what precedes that and `version` what stands in place of {version}.
bool ends_as(std::string_view path, std::string_view fixed, std::string_view& name,
             std::string_view& version) {
  while (!fixed.empty()) {
    if (path.find('/') == std::string_view::npos) return false;
    const auto wanted = take_last(fixed);
    const auto segment = take_last(path);
    if (wanted == "{version}") {
      version = segment;
    } else if (wanted != segment) {
      return false;
    }
  }
  name = path;
  return true;
}

/// The path of the route that `path` is asked for, cut into its parts.
std::string_view match_behind_document(std::string_view path, std::string_view& name,
                                       std::string_view& version) {
  for (const Route& route : all) {
    if (!route.path.starts_with(document_path) || route.path == document_path) continue;
    if (ends_as(path, behind_document(route.path), name, version)) return route.path;
  }
  name = path;
  return document_path;
}

}  // namespace

std::span<const Route> routes() { return all; }

std::expected<Target, PathProblem> find_target(std::string_view path) {
  const auto refuse = [](const ProblemType& type, std::string detail, std::string_view of = {}) {
    return std::unexpected(PathProblem{type, std::move(detail), of});
  };
  for (const Route& route : all) {
    // Whoever asks for a template as it is written asks for a document of that name.
    if (route.path == path && !route.path.starts_with(document_path)) {
      return Target{route.path, {}, {}};
    }
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
  std::string_view name, version;
  Target out;
  out.path = match_behind_document(names.substr(room_end + 1), name, version);
  if (out.path == document_path && name.find('/') != std::string_view::npos) {
    return refuse(problems::not_found,
                  "a document has no " + std::string(name.substr(name.rfind('/') + 1)) +
                      "; /v1/openapi.yaml says what it has (a slash in its name is %2F)");
  }
  auto decoded_version = net::percent_decode(version);
  if (!decoded_version)
    return refuse(problems::bad_parameter, "the version is badly encoded", out.path);
  out.version = std::move(*decoded_version);
  auto room = decode_name(names.substr(0, room_end), "room name");
  if (!room) return refuse(problems::bad_name, room.error().message, out.path);
  auto doc = decode_name(name, "document name");
  if (!doc) return refuse(problems::bad_name, doc.error().message, out.path);
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
