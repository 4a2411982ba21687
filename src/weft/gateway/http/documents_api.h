#pragma once

#include "weft/base/ids.h"
#include "weft/hub/hub.h"
#include "weft/log/op_log.h"
#include "weft/net/http.h"

namespace weft::gateway::http {

/// `/v1/documents`: what a program without a WebSocket needs.
///
///   GET  /v1/documents?after=<room>/<doc>&limit=<n>   documents, their connections and versions
///   GET  /v1/documents/<room>/<doc>/update            state as one Yjs update (v1)
///   POST /v1/documents/<room>/<doc>/updates           publish an update: 201 with its position
///
/// Threading: handle() on any loop; work moves to the document's executor and back.
class DocumentsApi {
 public:
  DocumentsApi(const hub::HubSet& hubs, log::OpLog& log) : hubs_(hubs), log_(log) {}

  /// `path` is what follows "/v1/documents".
  void handle(std::string_view path, net::HttpRequest request, net::HttpResponder responder);

 private:
  void list(const net::HttpRequest& request, net::HttpResponder responder);
  void read(base::DocumentId document, net::HttpResponder responder);
  void publish(base::DocumentId document, net::HttpRequest request, net::HttpResponder responder);

  const hub::HubSet& hubs_;
  log::OpLog& log_;
};

}  // namespace weft::gateway::http
