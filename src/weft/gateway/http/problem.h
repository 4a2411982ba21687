#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "weft/base/result.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// One kind of problem; its type is "urn:weft:problem:<name>" for ever.
struct ProblemType {
  std::string_view name;
  unsigned status;
  std::string_view title;
};

/// What can go wrong. docs/protocols.md explains each; docs/openapi.yaml lists them.
namespace problems {
inline constexpr ProblemType bad_parameter{"bad-parameter", 400, "Bad parameter"};
inline constexpr ProblemType bad_name{"bad-name", 400, "Bad name"};
inline constexpr ProblemType bad_body{"bad-body", 400, "Bad body"};
inline constexpr ProblemType invalid_update{"invalid-update", 400, "Not a Yjs update"};
inline constexpr ProblemType unauthenticated{"unauthenticated", 401, "Not authenticated"};
inline constexpr ProblemType forbidden{"forbidden", 403, "Not allowed"};
inline constexpr ProblemType origin_refused{"origin-refused", 403, "Origin refused"};
inline constexpr ProblemType local_only{"local-only", 403, "For this machine only"};
inline constexpr ProblemType not_found{"not-found", 404, "Nothing here"};
inline constexpr ProblemType unknown_document{"unknown-document", 404, "Unknown document"};
inline constexpr ProblemType unknown_version{"unknown-version", 404, "Unknown version"};
inline constexpr ProblemType unknown_stream{"unknown-stream", 404, "Unknown stream"};
inline constexpr ProblemType unknown_root{"unknown-root", 404, "Unknown root"};
inline constexpr ProblemType bad_method{"bad-method", 405, "Bad method"};
inline constexpr ProblemType not_acceptable{"not-acceptable", 406, "Not acceptable"};
inline constexpr ProblemType conflicting_ids{"conflicting-ids", 409, "Client id used twice"};
inline constexpr ProblemType not_restorable{"not-restorable", 409, "Not restorable"};
inline constexpr ProblemType no_edit{"no-edit", 409, "No edit came"};
inline constexpr ProblemType maintenance_failed{"maintenance-failed", 409, "Not done"};
inline constexpr ProblemType history_trimmed{"history-trimmed", 410, "History trimmed"};
inline constexpr ProblemType version_changed{"version-changed", 412, "Version changed"};
inline constexpr ProblemType too_large{"too-large", 413, "Too large"};
inline constexpr ProblemType bad_media_type{"bad-media-type", 415, "Unsupported media type"};
inline constexpr ProblemType document_broken{"document-broken", 500, "Document unreadable"};
inline constexpr ProblemType unreadable{"unreadable", 500, "Typed reading broke down"};
inline constexpr ProblemType no_reader{"no-reader", 501, "Built without a reader"};
inline constexpr ProblemType unavailable{"unavailable", 503, "Temporarily unavailable"};
inline constexpr ProblemType draining{"draining", 503, "Shutting down"};
}  // namespace problems

/// All of them.
std::span<const ProblemType> problem_types();

/// RFC 9457 "problem details"; `detail` says what was wrong and what to do.
nlohmann::json problem_json(const ProblemType& type, std::string_view detail);
net::HttpResponse problem(const ProblemType& type, std::string_view detail);
/// The same with more members in `body`, which problem_json began.
net::HttpResponse problem_response(const ProblemType& type, const nlohmann::json& body);

/// The kind of problem that an error of ours, of hub, log or store is.
const ProblemType& problem_type_of(const base::error& why);
net::HttpResponse problem_of(const base::error& why);

}  // namespace weft::gateway::http
