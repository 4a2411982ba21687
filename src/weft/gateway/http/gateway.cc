#include "weft/gateway/http/gateway.h"

#include "weft/gateway/http/response.h"

namespace weft::gateway::http {

namespace {
constexpr std::string_view plain_text = "text/plain; charset=utf-8";
}

void Gateway::on_request(net::HttpRequest request, net::HttpResponder responder) {
  const std::string path(request.path());
  const bool operators = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (operators && request.method != "GET" && request.method != "HEAD") {
    auto response = problem(405, "read " + path + " with GET");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return responder.respond(std::move(response));
  }
  if (path == "/healthz") {
    return responder.respond(net::HttpResponse::text(200, plain_text, "ok\n"));
  }
  if (path == "/readyz") {
    const bool ready = parts_.ready();
    return responder.respond(
        net::HttpResponse::text(ready ? 200 : 503, plain_text, ready ? "ready\n" : "not ready\n"));
  }
  if (path == "/metrics") {
    return responder.respond(
        net::HttpResponse::text(200, "text/plain; version=0.0.4", parts_.metrics()));
  }
  constexpr std::string_view documents = "/v1/documents";
  if (path == documents || path.starts_with("/v1/documents/")) {
    return documents_.handle(std::string_view(path).substr(documents.size()), std::move(request),
                             std::move(responder));
  }
  if (path == "/v1" || path.starts_with("/v1/")) {
    return responder.respond(problem(404, "unknown interface; /v1 has /v1/documents"));
  }
  responder.respond(parts_.files.serve(request));
}

}  // namespace weft::gateway::http
