// Documents and the server for operators and for who looks around.

#include <map>
#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/openapi.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/version.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

constexpr std::size_t list_limit_default = 200;
constexpr std::size_t list_limit_max = 1000;

json number_or_null(std::optional<base::log_offset> version) {
  return version ? json(version->value) : json(nullptr);
}

// --- list ---------------------------------------------------------------------------------------

struct Listing {
  exchange_ptr exchange;
  std::vector<base::DocumentId> stored;
  std::size_t limit = 0;
  std::map<base::DocumentId, hub::DocumentSummary> live;
};

void send_listing(const Listing& listing) {
  json documents = json::array();
  for (const auto& document : listing.stored) {
    const auto live = listing.live.find(document);
    json line = document_json(document);
    line["connections"] = live == listing.live.end() ? 0 : live->second.sessions;
    if (live != listing.live.end()) {
      if (const auto version = hub::version_of(live->second.end)) line["version"] = version->value;
    }
    documents.push_back(std::move(line));
  }
  json next = nullptr;
  if (listing.stored.size() == listing.limit) {
    next = address_of(listing.stored.back()).text();
  }
  listing.exchange->answer(json_response(200, {{"documents", documents}, {"next", next}}));
}

/// What address_of wrote. Any names will do, since nothing but a place among names is meant.
std::optional<base::DocumentId> place_in_list(const std::string& address) {
  const auto name = [](std::string_view encoded) -> std::optional<std::string> {
    auto decoded = net::percent_decode(encoded);
    if (!decoded || decoded->empty() || decoded->contains('\0')) return std::nullopt;
    return decoded;
  };
  net::HttpRequest request;
  request.target = address;
  const auto path = request.path();
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || !net::percent_decode(request.query())) return std::nullopt;
  auto room = name(path.substr(0, slash));
  auto doc = name(path.substr(slash + 1));
  auto part = request.query_parameter("subdocument");
  if (!room || !doc || (part && (part->empty() || part->contains('\0')))) return std::nullopt;
  return base::DocumentId{std::move(*room), std::move(*doc), std::move(part)};
}

/// Asks hub after hub, each on its own executor, which of its documents are live.
void ask_hub(const hub::HubSet& hubs, std::size_t index, std::shared_ptr<Listing> listing) {
  if (index == hubs.all().size()) return send_listing(*listing);
  hub::Hub& hub = *hubs.all()[index];
  hub.executor().post([&hubs, &hub, index, listing = std::move(listing)]() mutable {
    for (auto& summary : hub.live_documents()) {
      listing->live.emplace(summary.document, summary);
    }
    ask_hub(hubs, index + 1, std::move(listing));
  });
}

// --- one document -------------------------------------------------------------------------------

/// What is known of a document, collected from log, store and hub.
struct Description {
  exchange_ptr exchange;
  base::DocumentId document;
  base::log_offset end;
  std::optional<hub::StoredSnapshot> snapshot;
  std::optional<std::int64_t> snapshot_time_ms;
  std::optional<std::string> stored_problem;
};

void send_description(Api& api, const Description& what,
                      const std::optional<hub::DocumentStatus>& live) {
  using phase = hub::DocumentStatus::phase;
  if (what.end.value == 0 && !what.snapshot && !what.stored_problem) {
    // Opening a document does not make one: somebody may look at what nobody has written.
    if (!live || live->state_bytes == 0) {
      return what.exchange->refuse(problems::unknown_document,
                                   "nothing was ever written to this document");
    }
  }
  json out = document_json(what.document);
  out.update({{"log", log_name(log::identity_of(api.log, what.document))},
              {"version", number_or_null(hub::version_of(what.end))},
              {"state", "stored"},
              {"problem", nullptr},
              {"quarantine", nullptr},
              {"unreadable", nullptr},
              {"connections", 0},
              {"memory", nullptr},
              {"snapshot", nullptr}});
  if (live) {
    out["state"] = live->what == phase::live      ? "live"
                   : live->what == phase::loading ? "loading"
                                                  : "broken";
    if (live->what == phase::broken) out["problem"] = live->why_broken;
    out["connections"] = live->sessions;
    out["memory"] = {{"stateBytes", live->state_bytes},
                     {"editsSinceCompaction", live->news_records},
                     {"unacknowledgedBytes", live->inflight_bytes}};
  }
  if (what.stored_problem) {
    out["state"] = "broken";
    out["problem"] = *what.stored_problem;
  }
  if (const auto held = api.hubs.at(what.document).quarantine().find(what.document)) {
    out["state"] = "broken";
    out["problem"] = held->reason;
    out["quarantine"] = {{"since", held->since_ms}, {"attempts", held->attempts}};
  }
  if (const auto failed = api.unreadable.find(what.document)) {
    out["unreadable"] = {
        {"reason", failed->reason}, {"since", failed->since_ms}, {"attempts", failed->attempts}};
  }
  if (what.snapshot) {
    const auto& snapshot = what.snapshot->snapshot;
    json time = nullptr;
    if (what.snapshot_time_ms) time = *what.snapshot_time_ms;
    out["snapshot"] = {
        {"version", what.snapshot->fits ? number_or_null(hub::version_of(snapshot.covered_end))
                                        : json(nullptr)},
        {"bytes", snapshot.update.size()},
        {"timestamp", time}};
  }
  what.exchange->answer(json_response(200, out));
}

void ask_hub_of(Api& api, std::shared_ptr<Description> what) {
  hub::Hub& hub = api.hubs.at(what->document);
  hub.executor().post([&api, &hub, what = std::move(what)] {
    send_description(api, *what, hub.status(what->document));
  });
}

/// The age of a snapshot is that of the last edit it holds.
void ask_snapshot_time(Api& api, std::shared_ptr<Description> what) {
  const auto version = what->snapshot && what->snapshot->fits
                           ? hub::version_of(what->snapshot->snapshot.covered_end)
                           : std::nullopt;
  if (!version) return ask_hub_of(api, std::move(what));
  api.history.page(what->document, *version, 1, 1, what->exchange->executor(),
                   [&api, what](base::result<hub::HistoryPage> page) mutable {
                     // Trimmed or damaged: the rest is worth telling all the same.
                     if (page && !page->edits.empty()) {
                       what->snapshot_time_ms = page->edits.front().received_at_ms;
                     }
                     ask_hub_of(api, std::move(what));
                   });
}

}  // namespace

void show_status(Api& api, const exchange_ptr& exchange, const Target&) {
  const auto status = api.status();
  exchange->answer(json_response(
      200, {{"version", status.program_version},
            {"uptimeMs", status.uptime_ms},
            {"ready", status.ready},
            {"log", {{"id", log_name(api.log.id())}, {"writable", api.log.writable()}}},
            {"documents", {{"live", status.documents_live}}},
            {"connections",
             {{"http", status.http_connections},
              {"websocket", status.websocket_connections},
              {"eventStreams", api.event_streams.load(std::memory_order_relaxed)}}},
            {"sessions", status.sessions},
            {"edits",
             {{"accepted", status.edits_accepted},
              {"committed", status.edits_committed},
              {"refused", status.edits_refused}}}}));
}

void show_openapi(Api&, const exchange_ptr& exchange, const Target&) {
  auto response = net::HttpResponse::text(200, "application/yaml; charset=utf-8", openapi_yaml());
  response.headers.push_back({"Cache-Control", "no-cache"});
  exchange->answer(std::move(response));
}

void list_documents(Api& api, const exchange_ptr& exchange, const Target&) {
  const auto limit = exchange->number("limit", list_limit_default, 1, list_limit_max);
  if (!limit) return exchange->fail(limit.error());
  // Each byte of the three names may be written as %XX.
  const auto name = exchange->text("after", 3 * 3 * base::document_name_bytes_max + 32);
  if (!name) return exchange->fail(name.error());
  std::optional<base::DocumentId> after;
  if (*name) {
    after = place_in_list(**name);
    if (!after) {
      return exchange->refuse(problems::bad_parameter,
                              "parameter after must be <room>/<document>, percent-encoded, as in "
                              "next");
    }
  }
  auto listing = std::make_shared<Listing>();
  listing->exchange = exchange;
  listing->limit = *limit;
  api.log.documents(after ? &*after : nullptr, *limit, exchange->executor(),
                    [&api, listing](base::result<std::vector<base::DocumentId>> found) {
                      if (!found) return listing->exchange->fail(found.error());
                      listing->stored = std::move(*found);
                      ask_hub(api.hubs, 0, listing);
                    });
}

void show_document(Api& api, const exchange_ptr& exchange, const Target& target) {
  auto what = std::make_shared<Description>();
  what->exchange = exchange;
  what->document = target.document;
  auto with_snapshot = [&api, what](base::result<std::optional<hub::StoredSnapshot>> stored) {
    if (stored) {
      what->snapshot = std::move(*stored);
    } else if (problem_type_of(stored.error()).status == 503) {
      return what->exchange->fail(stored.error());
    } else if (!what->stored_problem) {
      what->stored_problem = stored.error().message;
    }
    ask_snapshot_time(api, what);
  };
  api.log.end(target.document, exchange->executor(),
              [&api, what, with_snapshot](base::result<base::log_offset> end) {
                if (!end && problem_type_of(end.error()).status == 503) {
                  return what->exchange->fail(end.error());
                }
                if (end) {
                  what->end = *end;
                } else {
                  what->stored_problem = end.error().message;
                }
                api.history.snapshot(what->document, what->exchange->executor(), with_snapshot);
              });
}

}  // namespace weft::gateway::http
