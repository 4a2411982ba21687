#include "weft/gateway/http/gateway.h"

#include "weft/gateway/document_name.h"

namespace weft::gateway::http {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

CorsTerms cors_terms() {
  return {"Accept, Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID",
          "ETag, Retry-After, Weft-Log, Weft-Version"};
}

using Handler = void (*)(Api&, const exchange_ptr&, const Target&);

Handler handler_of(Operation operation) {
  switch (operation) {
    case Operation::status:
      return show_status;
    case Operation::openapi:
      return show_openapi;
    case Operation::list_documents:
      return list_documents;
    case Operation::document:
      return show_document;
    case Operation::read_update:
      return read_update;
    case Operation::read_diff:
      return read_diff;
    case Operation::json:
      return read_json_view;
    case Operation::text:
      return read_text_view;
    case Operation::delta:
      return read_delta_view;
    case Operation::xml:
      return read_xml_view;
    case Operation::publish:
      return publish_updates;
    case Operation::awareness:
      return post_awareness;
    case Operation::state_vector:
      return read_state_vector;
    case Operation::snapshot:
      return read_snapshot;
    case Operation::history:
      return read_history;
    case Operation::versions:
      return list_versions;
    case Operation::restore:
      return restore_version;
    case Operation::events:
      return open_events;
    case Operation::quarantine:
      return list_quarantine;
    case Operation::repair:
      return repair_document;
    case Operation::trace:
      return trace_edit;
    case Operation::backup:
      return make_backup;
  }
  base::invariant_broken("an operation without a handler", __FILE__, __LINE__);
}

/// What a need is, as hub::check_permit has it.
std::pair<bool hub::Rights::*, std::string_view> right_of(Need need) {
  switch (need) {
    case Need::write:
      return {&hub::Rights::write, "change this document"};
    case Need::awareness:
      return {&hub::Rights::awareness, "show their presence here"};
    default:
      return {&hub::Rights::read, "read this"};
  }
}

}  // namespace

Gateway::Gateway(GatewayParts parts, HttpOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      cors_(options_.cors_origins, cors_terms()),
      history_(parts_.log, parts_.store, parts_.workers, {options_.replay_bytes_max}),
      unreadable_(parts_.reading_keeper),
      api_{options_,       parts_.hubs,        parts_.log,           history_,
           feeds_,         presences_,         presence_framing_,    parts_.status,
           event_streams_, parts_.maintenance, parts_.typed_readers, parts_.typed_reader,
           unreadable_} {
  for (const auto& incident : parts_.unreadable) unreadable_.restore(incident);
  hub::FeedOptions feed;
  feed.ring_bytes_max = options_.event_ring_bytes_max;
  for (hub::Hub* hub : parts_.hubs.all()) {
    presences_.push_back(std::make_unique<PresenceTable>());
    feeds_.push_back(
        std::make_unique<hub::FeedSet>(parts_.log, hub->executor(), event_writer_, feed));
  }
}

net::UpgradeDecision Gateway::on_upgrade(const net::HttpRequest&) {
  return std::unexpected(problem(problems::not_found, "no WebSocket is served here"));
}

void Gateway::on_request(net::HttpRequest request, net::HttpResponder responder) {
  const std::string path(request.path());
  if (path == "/healthz" || path == "/readyz" || path == "/metrics") {
    return serve_operators(path, request, std::move(responder));
  }
  if (path == "/v1" || path.starts_with("/v1/")) {
    return serve_api(std::make_shared<Exchange>(std::move(request), std::move(responder), cors_));
  }
  responder.respond(parts_.files.serve(request));
}

void Gateway::serve_operators(const std::string& path, const net::HttpRequest& request,
                              net::HttpResponder responder) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = problem(problems::bad_method, "read " + path + " with GET");
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
  responder.respond(net::HttpResponse::text(200, "text/plain; version=0.0.4", parts_.metrics()));
}

void Gateway::serve_api(const exchange_ptr& exchange) {
  const auto& request = exchange->request();
  auto target = find_target(request.path());
  const auto path = target ? target->path : target.error().path;
  if (path.empty()) return exchange->refuse(target.error().type, target.error().detail);
  if (request.method == "OPTIONS") {
    return exchange->answer(cors_.options(request, methods_of(path)));
  }
  const Route* route = find_route(path, request.method);
  if (!route) {
    const auto methods = methods_of(path);
    auto response = problem(problems::bad_method, "what is served here is asked with " + methods);
    response.headers.push_back({"Allow", methods + ", OPTIONS"});
    return exchange->answer(std::move(response));
  }
  if (!target) return exchange->refuse(target.error().type, target.error().detail);
  if (!net::percent_decode(request.query())) {
    return exchange->refuse(problems::bad_parameter,
                            "the query: a % needs two hexadecimal digits behind it");
  }
  if (path.starts_with(document_path)) {
    if (auto ok = take_subdocument(request, target->document); !ok) {
      return exchange->refuse(problems::bad_name, ok.error().message);
    }
  }
  if (route->method != "GET" && !cors_.may_change(request)) {
    return exchange->refuse(problems::origin_refused,
                            "pages of this origin may not change anything here "
                            "(http.cors_origins)");
  }
  if (!parts_.authorizer || route->need == Need::nothing || route->need == Need::local) {
    return handler_of(route->operation)(api_, exchange, *target);
  }
  authorize(exchange, *route, std::move(*target));
}

void Gateway::authorize(const exchange_ptr& exchange, const Route& route, Target target) {
  std::optional<base::DocumentId> document;
  if (route.need != Need::list) document = target.document;
  hub::authorize(
      *parts_.authorizer, {std::move(document), exchange->token(), {}}, exchange->executor(),
      [this, exchange, &route, target = std::move(target)](base::result<hub::Permit> permit) {
        if (!permit) return exchange->fail(permit.error());
        const auto [right, what] = right_of(route.need);
        auto ok = hub::check_permit(*permit, right, what, exchange->executor().now());
        if (!ok) return exchange->fail(ok.error());
        exchange->allow(std::move(*permit));
        handler_of(route.operation)(api_, exchange, target);
      });
}

}  // namespace weft::gateway::http
