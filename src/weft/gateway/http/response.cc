#include "weft/gateway/http/response.h"

#include "weft/gateway/json.h"

namespace weft::gateway::http {

nlohmann::json document_json(const base::DocumentId& document) {
  nlohmann::json out = {{"room", document.room_id}, {"document", document.doc_id}};
  if (document.subdoc_id) out["subdocument"] = *document.subdoc_id;
  return out;
}

net::HttpResponse json_response(unsigned status, const nlohmann::json& body) {
  return net::HttpResponse::text(status, "application/json", json_text(body) + "\n");
}

}  // namespace weft::gateway::http
