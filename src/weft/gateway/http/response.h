#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "weft/base/ids.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// What a document is called in answers: `room`, `document` and, of a subdocument, `subdocument`.
nlohmann::json document_json(const base::DocumentId& document);

net::HttpResponse json_response(unsigned status, const nlohmann::json& body);

}  // namespace weft::gateway::http
