#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "weft/base/ids.h"
#include "weft/gateway/http/problem.h"

namespace weft::gateway::http {

/// Everything that can be asked for below /v1.
enum class Operation {
  status,
  openapi,
  list_documents,
  document,
  read_update,
  read_diff,
  json,
  text,
  delta,
  xml,
  publish,
  awareness,
  state_vector,
  snapshot,
  history,
  versions,
  restore,
  events,
  quarantine,
  repair,
  trace,
  backup,
};

/// What an authorizer is asked for before something is done.
enum class Need : std::uint8_t {
  nothing,
  list,       ///< to read what concerns no single document
  read,       ///< to read the document
  write,      ///< to change the document
  awareness,  ///< to be seen in the document
  local,      ///< nothing: the handler serves this machine only
};

/// One way to ask for something. HEAD goes with every GET.
struct Route {
  Operation operation;
  std::string_view method;
  std::string_view path;  ///< as docs/openapi.yaml writes it
  Need need;
};

/// What the paths of all routes that concern one document begin with. Their query may name a
/// subdocument of it: take_subdocument.
inline constexpr std::string_view document_path = "/v1/documents/{room}/{document}";

/// All of them, and the operators' paths beside /v1.
std::span<const Route> routes();

/// A path that is served.
struct Target {
  std::string_view path;      ///< of its routes
  base::DocumentId document;  ///< when the path names one
  std::string version;        ///< when the path names one, as it is written
};

/// Finds what a path (not decoded, without the query) asks for. A document's name may hold slashes
/// as they are where something stands behind it, and as %2F everywhere. Errors: a problem.
struct PathProblem {
  const ProblemType& type;
  std::string detail;
  std::string_view path{};  ///< of its routes, when only a name in it is wrong
};
std::expected<Target, PathProblem> find_target(std::string_view path);

/// The route of a path for a method; HEAD is GET. None: methods_of says what there is.
const Route* find_route(std::string_view path, std::string_view method);

/// "GET, HEAD" for the value of an Allow header.
std::string methods_of(std::string_view path);

}  // namespace weft::gateway::http
