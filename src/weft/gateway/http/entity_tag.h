#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/result.h"
#include "weft/gateway/version.h"
#include "weft/hub/document_view.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// What a strong entity tag says: a version of a document, in one of its representations.
std::string entity_tag(std::optional<base::log_offset> version, base::log_identity log,
                       std::string_view representation = {});

/// An If-Match or If-None-Match header (RFC 9110, section 13.1).
struct TagList {
  bool any = false;                 ///< "*"
  std::vector<std::string> strong;  ///< with their quotes
  std::vector<std::string> weak;    ///< without the W/
};
/// Errors: std::errc::invalid_argument; also for a header without a tag, whose condition was meant.
base::result<TagList> parse_tags(std::string_view header);

/// All headers of that name of a request; none when it has none. Errors: as parse_tags.
base::result<std::optional<TagList>> tags_of(const net::HttpRequest& request,
                                             std::string_view name);

/// Whether If-None-Match names this tag: the client has what it asks for.
bool is_known(const TagList& tags, std::string_view tag);

/// The ends of a document that an If-Match allows: those whose tag it holds, in any representation.
hub::PublishCondition condition_of(const TagList& tags);

}  // namespace weft::gateway::http
