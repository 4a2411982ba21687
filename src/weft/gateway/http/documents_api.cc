#include "weft/gateway/http/documents_api.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/http/response.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

constexpr std::size_t list_limit_default = 200;
constexpr std::size_t list_limit_max = 1000;

/// A responder and its answer on their way back to the connection's executor.
void answer(std::shared_ptr<net::HttpResponder> responder, net::HttpResponse response) {
  auto& executor = responder->executor();
  executor.post([responder = std::move(responder), response = std::move(response)]() mutable {
    responder->respond(std::move(response));
  });
}

struct Listing {
  std::shared_ptr<net::HttpResponder> responder;
  std::vector<base::DocumentId> stored;
  std::size_t limit;
  std::map<base::DocumentId, hub::DocumentSummary> live;
};

void send_listing(const std::shared_ptr<Listing>& listing) {
  json documents = json::array();
  for (const auto& document : listing->stored) {
    const auto live = listing->live.find(document);
    json line = {{"room", document.room_id}, {"document", document.doc_id}};
    line["connections"] = live == listing->live.end() ? 0 : live->second.sessions;
    if (live != listing->live.end()) line["version"] = live->second.end.value;
    documents.push_back(std::move(line));
  }
  json next = nullptr;
  if (listing->stored.size() == listing->limit) {
    next = listing->stored.back().room_id + "/" + listing->stored.back().doc_id;
  }
  answer(listing->responder, json_response(200, {{"documents", documents}, {"next", next}}));
}

/// Asks hub after hub, each on its own executor, which of its documents are live.
void ask_hub(const hub::HubSet& hubs, std::size_t index, std::shared_ptr<Listing> listing) {
  if (index == hubs.all().size()) return send_listing(listing);
  hub::Hub& hub = *hubs.all()[index];
  hub.executor().post([&hubs, &hub, index, listing = std::move(listing)]() mutable {
    for (auto& summary : hub.live_documents()) {
      listing->live.emplace(summary.document, summary);
    }
    ask_hub(hubs, index + 1, std::move(listing));
  });
}

}  // namespace

void DocumentsApi::handle(std::string_view path, net::HttpRequest request,
                          net::HttpResponder responder) {
  if (path.empty() || path == "/") {
    if (request.method != "GET") return responder.respond(problem(405, "only GET is served here"));
    return list(request, std::move(responder));
  }
  path.remove_prefix(1);
  const auto room_end = path.find('/');
  const auto verb_start = path.rfind('/');
  if (room_end == std::string_view::npos || verb_start == room_end) {
    return responder.respond(
        problem(404,
                "expected /v1/documents/<room>/<document>/update or …/updates (names "
                "percent-encoded)"));
  }
  auto room = decode_name(path.substr(0, room_end), "room name");
  if (!room) return responder.respond(problem(400, room.error().message));
  auto doc = decode_name(path.substr(room_end + 1, verb_start - room_end - 1), "document name");
  if (!doc) return responder.respond(problem(400, doc.error().message));
  base::DocumentId document{*room, *doc, {}};
  const auto verb = path.substr(verb_start + 1);
  const bool reads = verb == "update";
  if (!reads && verb != "updates") {
    return responder.respond(problem(404, "a document has update (GET) and updates (POST)"));
  }
  if (request.method != (reads ? "GET" : "POST")) {
    auto response = problem(405, reads ? "read the state with GET" : "publish with POST");
    response.headers.push_back({"Allow", reads ? "GET" : "POST"});
    return responder.respond(std::move(response));
  }
  if (reads) return read(std::move(document), std::move(responder));
  publish(std::move(document), std::move(request), std::move(responder));
}

void DocumentsApi::list(const net::HttpRequest& request, net::HttpResponder responder) {
  std::size_t limit = list_limit_default;
  if (const auto asked = request.query_parameter("limit")) {
    const auto [end, ec] = std::from_chars(asked->data(), asked->data() + asked->size(), limit);
    if (ec != std::errc() || end != asked->data() + asked->size() || limit == 0 ||
        limit > list_limit_max) {
      return responder.respond(
          problem(400, "limit must be a number from 1 to " + std::to_string(list_limit_max)));
    }
  }
  std::optional<base::DocumentId> after;
  if (const auto name = request.query_parameter("after")) {
    const auto slash = name->find('/');
    if (slash == std::string::npos) {
      return responder.respond(problem(400, "after must be <room>/<document>, as in next"));
    }
    after = base::DocumentId{name->substr(0, slash), name->substr(slash + 1), {}};
  }
  auto listing = std::make_shared<Listing>();
  listing->responder = std::make_shared<net::HttpResponder>(std::move(responder));
  listing->limit = limit;
  log_.documents(after ? &*after : nullptr, limit, listing->responder->executor(),
                 [this, listing](base::result<std::vector<base::DocumentId>> found) {
                   if (!found) return answer(listing->responder, problem_of(found.error()));
                   listing->stored = std::move(*found);
                   ask_hub(hubs_, 0, listing);
                 });
}

void DocumentsApi::read(base::DocumentId document, net::HttpResponder responder) {
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  hub::Hub& hub = hubs_.at(document);
  hub.executor().post([&hub, document = std::move(document), shared]() mutable {
    hub.read_state(document, [shared](base::result<base::shared_bytes> state) {
      if (!state) return answer(shared, problem_of(state.error()));
      net::HttpResponse response;
      response.headers.push_back({"Content-Type", "application/octet-stream"});
      response.headers.push_back({"Cache-Control", "no-store"});
      response.body = std::move(*state);
      answer(shared, std::move(response));
    });
  });
}

void DocumentsApi::publish(base::DocumentId document, net::HttpRequest request,
                           net::HttpResponder responder) {
  if (request.body.empty()) {
    return responder.respond(problem(400, "the body must be one Yjs update (v1), unencoded"));
  }
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  hub::Hub& hub = hubs_.at(document);
  hub.executor().post([this, &hub, document = std::move(document), update = std::move(request.body),
                       peer = std::move(request.peer), shared]() mutable {
    hub.publish(document, std::move(update), {"http " + peer, {}},
                [this, document, shared](base::result<base::log_offset> offset) {
                  if (!offset) return answer(shared, problem_of(offset.error()));
                  const auto position = log_.position(document, *offset);
                  answer(shared, json_response(201, {{"topic", position.topic},
                                                     {"partition", position.partition},
                                                     {"offset", position.offset.value},
                                                     {"version", position.offset.value}}));
                });
  });
}

}  // namespace weft::gateway::http
