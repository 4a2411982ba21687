// The way back: snapshot and history for clients that recover, and the list of versions.

#include <nlohmann/json.hpp>

#include "weft/gateway/base64.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/http/state_response.h"
#include "weft/gateway/http/update_format.h"

namespace weft::gateway::http {

namespace {

using nlohmann::json;

constexpr std::size_t page_records_default = 200;
constexpr std::size_t page_records_max = 1000;
constexpr std::string_view json_only[] = {media::json};
constexpr std::string_view json_or_octets[] = {media::json, media::octets};

json number_or_null(std::optional<base::log_offset> version) {
  return version ? json(version->value) : json(nullptr);
}

json edit_json(const hub::LoggedEdit& edit) {
  return {{"version", edit.version.value},
          {"timestamp", edit.received_at_ms},
          {"senderId", edit.sender_id},
          {"identity", edit.identity},
          {"bytes", edit.update.size()}};
}

// --- snapshot -----------------------------------------------------------------------------------

/// A snapshot as it is answered: the stored one, or the present state where there is none.
struct Recovered {
  base::shared_bytes update;
  base::log_offset end;  ///< every record below it is contained
  base::log_identity log;
};

/// Errors: those of store, log and hub; a document that cannot be read is never a blank one.
void recover_snapshot(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                      log::callback<Recovered> done) {
  api.history.snapshot(
      document, exchange->executor(),
      [&api, exchange, document,
       done = std::move(done)](base::result<std::optional<hub::StoredSnapshot>> stored) mutable {
        if (!stored) return done(base::fail(std::move(stored.error())));
        if (*stored && (*stored)->fits) {
          auto& snapshot = (*stored)->snapshot;
          return done(Recovered{std::move(snapshot.update), snapshot.covered_end, snapshot.log});
        }
        hub::Hub& hub = api.hubs.at(document);
        hub.executor().post([&hub, exchange, document, done = std::move(done)]() mutable {
          hub.read_state(document, [exchange, done = std::move(done)](
                                       base::result<hub::StateRead> state) mutable {
            exchange->executor().post([state = std::move(state), done = std::move(done)]() mutable {
              if (!state) return done(base::fail(std::move(state.error())));
              done(Recovered{std::move(state->update), state->end, state->log});
            });
          });
        });
      });
}

void answer_snapshot(Api& api, const exchange_ptr& exchange, Recovered snapshot,
                     base::log_offset latest_end, bool as_json, UpdateFormat format) {
  const StateStamp stamp{hub::version_of(snapshot.end), snapshot.log, false};
  if (!as_json && format == UpdateFormat::v1) {
    return exchange->answer(state_response(std::move(snapshot.update), media::octets, stamp, {}));
  }
  api.history.work<net::HttpResponse>(
      exchange->executor(),
      [exchange](base::result<net::HttpResponse> response) {
        if (!response) return exchange->fail(response.error());
        exchange->answer(std::move(*response));
      },
      [snapshot = std::move(snapshot), stamp, latest_end, as_json,
       format]() -> base::result<net::HttpResponse> {
        auto update = to_format(format, snapshot.update);
        if (!update) return base::fail(std::move(update.error()));
        if (!as_json) return state_response(std::move(*update), media::octets, stamp, {});
        auto response =
            json_response(200, {{"log", log_name(stamp.log)},
                                {"version", number_or_null(stamp.version)},
                                {"latestVersion", number_or_null(hub::version_of(latest_end))},
                                {"snapshot", to_base64(*update)}});
        add_stamp(stamp, {}, response);
        return response;
      });
}

// --- history ------------------------------------------------------------------------------------

/// A page of history while its parts are put together.
struct HistoryAnswer {
  std::size_t limit = 0;
  std::string reason;  ///< why the client must recover from a snapshot; empty: it need not
  std::optional<Recovered> snapshot;
  base::log_offset from;
  UpdateFormat format = UpdateFormat::v1;
};

base::result<json> history_json(const HistoryAnswer& answer, const hub::HistoryPage& page,
                                base::log_offset latest_end) {
  const auto encode = [&](const base::shared_bytes& update) -> base::result<std::string> {
    auto converted = to_format(answer.format, update);
    if (!converted) return base::fail(std::move(converted.error()));
    return to_base64(*converted);
  };
  json out = {{"log", log_name(page.log)},
              {"recovery", answer.snapshot ? "full" : "history"},
              {"reason", nullptr},
              {"snapshot", nullptr},
              {"snapshotVersion", nullptr}};
  auto covered = hub::version_of(answer.from);
  if (answer.snapshot) {
    auto snapshot = encode(answer.snapshot->update);
    if (!snapshot) return base::fail(std::move(snapshot.error()));
    out["reason"] = answer.reason;
    out["snapshot"] = std::move(*snapshot);
    out["snapshotVersion"] = number_or_null(hub::version_of(answer.snapshot->end));
  }
  json updates = json::array();
  json records = json::array();
  for (const auto& edit : page.edits) {
    auto update = encode(edit.update);
    if (!update) return base::fail(std::move(update.error()));
    updates.push_back(std::move(*update));
    records.push_back(edit_json(edit));
    covered = edit.version;
  }
  out["updates"] = std::move(updates);
  out["records"] = std::move(records);
  out["version"] = number_or_null(covered);
  // The page may have been read after the end was: what it holds is there.
  out["latestVersion"] = number_or_null(std::max(covered, hub::version_of(latest_end)));
  out["more"] = page.more;
  return out;
}

void answer_history(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                    HistoryAnswer answer) {
  const auto from = answer.from;
  const auto limit = answer.limit;
  auto read = [&api, exchange, document,
               answer = std::move(answer)](base::result<hub::HistoryPage> page) mutable {
    if (!page) return exchange->fail(page.error());
    auto with_end = [&api, exchange, answer = std::move(answer),
                     page = std::move(*page)](base::result<base::log_offset> end) mutable {
      if (!end) return exchange->fail(end.error());
      api.history.work<net::HttpResponse>(
          exchange->executor(),
          [exchange](base::result<net::HttpResponse> response) {
            if (!response) return exchange->fail(response.error());
            exchange->answer(std::move(*response));
          },
          [answer = std::move(answer), page = std::move(page),
           end = *end]() -> base::result<net::HttpResponse> {
            auto body = history_json(answer, page, end);
            if (!body) return base::fail(std::move(body.error()));
            auto response = json_response(200, *body);
            response.headers.push_back({"Cache-Control", "no-store"});
            return response;
          });
    };
    api.log.end(document, exchange->executor(), std::move(with_end));
  };
  api.history.page(document, from, limit, api.options.page_bytes_max, exchange->executor(),
                   std::move(read));
}

/// The full answer: a snapshot and what came since.
void recover_fully(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                   HistoryAnswer answer) {
  recover_snapshot(api, exchange, document,
                   [&api, exchange, document,
                    answer = std::move(answer)](base::result<Recovered> snapshot) mutable {
                     if (!snapshot) return exchange->fail(snapshot.error());
                     answer.from = snapshot->end;
                     answer.snapshot = std::move(*snapshot);
                     answer_history(api, exchange, document, std::move(answer));
                   });
}

void answer_versions(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                     base::log_offset from, std::size_t limit) {
  api.history.page(document, from, limit, api.options.page_bytes_max, exchange->executor(),
                   [exchange](base::result<hub::HistoryPage> page) {
                     if (!page) return exchange->fail(page.error());
                     json versions = json::array();
                     for (const auto& edit : page->edits) versions.push_back(edit_json(edit));
                     json next = nullptr;
                     if (page->more && !page->edits.empty()) {
                       next = version_name(page->edits.back().version, page->log);
                     }
                     auto response = json_response(200, {{"log", log_name(page->log)},
                                                         {"versions", std::move(versions)},
                                                         {"next", std::move(next)}});
                     response.headers.push_back({"Cache-Control", "no-store"});
                     exchange->answer(std::move(response));
                   });
}

}  // namespace

void read_snapshot(Api& api, const exchange_ptr& exchange, const Target& target) {
  const auto representation = choose(exchange->request().header("Accept"), json_or_octets);
  if (!representation) {
    return exchange->refuse(problems::not_acceptable,
                            "a snapshot comes as application/json or application/octet-stream");
  }
  const auto format = update_format(*exchange);
  if (!format) return exchange->fail(format.error());
  auto recovered = [&api, exchange, document = target.document, as_json = *representation == 0,
                    format = *format](base::result<Recovered> snapshot) {
    if (!snapshot) return exchange->fail(snapshot.error());
    api.log.end(document, exchange->executor(),
                [&api, exchange, as_json, format,
                 snapshot = std::move(*snapshot)](base::result<base::log_offset> end) mutable {
                  if (!end) return exchange->fail(end.error());
                  answer_snapshot(api, exchange, std::move(snapshot), *end, as_json, format);
                });
  };
  recover_snapshot(api, exchange, target.document, std::move(recovered));
}

void read_history(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), json_only)) {
    return exchange->refuse(problems::not_acceptable, "history comes as application/json");
  }
  const auto format = update_format(*exchange);
  if (!format) return exchange->fail(format.error());
  const auto limit = exchange->number("limit", page_records_default, 1, page_records_max);
  if (!limit) return exchange->fail(limit.error());
  HistoryAnswer answer;
  answer.limit = *limit;
  answer.format = *format;
  const auto since = exchange->request().query_parameter("since");
  if (!since) {
    answer.reason = "no-version";
    return recover_fully(api, exchange, target.document, std::move(answer));
  }
  if (*since == "start") {
    return answer_history(api, exchange, target.document, std::move(answer));
  }
  const auto version = parse_version(*since);
  if (!version) {
    return exchange->refuse(problems::bad_parameter,
                            "parameter since: " + version.error().message + ", or \"start\"");
  }
  answer.from.value = version->offset.value + 1;
  api.history.locate(target.document, *version, exchange->executor(),
                     [&api, exchange, document = target.document,
                      answer = std::move(answer)](base::result<hub::Located> found) mutable {
                       if (!found) return exchange->fail(found.error());
                       if (found->where == hub::standing::known) {
                         return answer_history(api, exchange, document, std::move(answer));
                       }
                       answer.reason = hub::describe(found->where);
                       recover_fully(api, exchange, document, std::move(answer));
                     });
}

void list_versions(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), json_only)) {
    return exchange->refuse(problems::not_acceptable, "versions come as application/json");
  }
  const auto limit = exchange->number("limit", page_records_default, 1, page_records_max);
  if (!limit) return exchange->fail(limit.error());
  const auto since = exchange->request().query_parameter("since");
  if (!since) return answer_versions(api, exchange, target.document, {}, *limit);
  const auto version = parse_version(*since);
  if (!version) {
    return exchange->refuse(problems::bad_parameter, "parameter since: " + version.error().message);
  }
  const base::log_offset from{version->offset.value + 1};
  if (!version->log) return answer_versions(api, exchange, target.document, from, *limit);
  // Asking for its end makes known which log it is.
  api.log.end(target.document, exchange->executor(),
              [&api, exchange, document = target.document, from, limit = *limit,
               named = *version->log](base::result<base::log_offset> end) {
                if (!end) return exchange->fail(end.error());
                if (named != log::identity_of(api.log, document)) {
                  return exchange->refuse(problems::unknown_version,
                                          "parameter since: that version counts in another log");
                }
                answer_versions(api, exchange, document, from, limit);
              });
}

}  // namespace weft::gateway::http
