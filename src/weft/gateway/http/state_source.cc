#include "weft/gateway/http/state_source.h"

namespace weft::gateway::http {

namespace {

void with_past(Api& api, const exchange_ptr& exchange, StateQuery query, state_callback done) {
  const auto document = query.document;
  const auto version = *query.at;
  with_version(api, exchange, document, version,
               [&api, exchange, query = std::move(query), version,
                done = std::move(done)](const hub::Located& found) mutable {
                 const StateStamp stamp{version.offset, found.log, true};
                 // A version never changes: whoever has it, has it.
                 if (auto unchanged = not_modified(query.known, stamp, query.representation)) {
                   return exchange->answer(std::move(*unchanged));
                 }
                 api.history.state_at(query.document, *stamp.version, exchange->executor(),
                                      [exchange, stamp, done = std::move(done)](
                                          base::result<base::shared_bytes> state) mutable {
                                        if (!state) return exchange->fail(state.error());
                                        done(stamp, std::move(*state));
                                      });
               });
}

}  // namespace

void with_version(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                  const hub::VersionName& version, located_callback done) {
  auto located = [exchange, done = std::move(done)](base::result<hub::Located> found) mutable {
    if (!found) return exchange->fail(found.error());
    if (found->where == hub::standing::trimmed) {
      return exchange->refuse(problems::history_trimmed,
                              "the log does not go back to that version any more");
    }
    if (found->where != hub::standing::known) {
      return exchange->refuse(problems::unknown_version,
                              "the document has no such version; its versions are listed at "
                              "/versions");
    }
    done(*found);
  };
  api.history.locate(document, version, exchange->executor(), std::move(located));
}

base::result<StateQuery> state_query(const Exchange& exchange, const base::DocumentId& document) {
  StateQuery out;
  out.document = document;
  if (const auto text = exchange.request().query_parameter("at")) {
    const auto version = parse_version(*text);
    if (!version) {
      return std::unexpected(
          base::error{version.error().code, "parameter at: " + version.error().message});
    }
    out.at = *version;
  }
  auto known = tags_of(exchange.request(), "If-None-Match");
  if (!known) return base::fail(std::move(known.error()));
  out.known = std::move(*known);
  return out;
}

void with_view(Api& api, const exchange_ptr& exchange, StateQuery query, view_callback done) {
  hub::Hub& hub = api.hubs.at(query.document);
  hub.executor().post(
      [&api, &hub, exchange, query = std::move(query), done = std::move(done)]() mutable {
        const auto document = query.document;
        hub.view(document, [&api, exchange, query = std::move(query),
                            done = std::move(done)](base::result<hub::DocumentView> view) mutable {
          if (!view) return exchange->fail(view.error());
          const StateStamp stamp{hub::version_of(view->end), view->log, view->settled};
          if (auto unchanged = not_modified(query.known, stamp, query.representation)) {
            return exchange->answer(std::move(*unchanged));
          }
          done(stamp, std::move(*view));
        });
      });
}

void with_state(Api& api, const exchange_ptr& exchange, StateQuery query, state_callback done) {
  if (query.at) return with_past(api, exchange, std::move(query), std::move(done));
  const auto document = query.document;
  // Looked at first: who has the state already costs no compaction.
  with_view(
      api, exchange, std::move(query),
      [&api, exchange, document, done = std::move(done)](const StateStamp&,
                                                         hub::DocumentView) mutable {
        api.hubs.at(document).read_state(document, [&api, exchange, done = std::move(done)](
                                                       base::result<hub::StateRead> state) mutable {
          if (!state) return exchange->fail(state.error());
          done({hub::version_of(state->end), state->log, state->settled}, std::move(state->update));
        });
      });
}

}  // namespace weft::gateway::http
