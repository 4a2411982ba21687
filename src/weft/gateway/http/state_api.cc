// States of a document: whole, what a state vector lacks, of the past.

#include <algorithm>

#include "weft/gateway/base64.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/state_response.h"
#include "weft/gateway/http/update_format.h"
#include "weft/hub/errc.h"
#include "weft/yjs/update.h"

namespace weft::gateway::http {

namespace {

constexpr std::string_view octets[] = {media::octets};

/// What one read of a state asks for.
struct StateQuery {
  base::DocumentId document;
  std::optional<base::byte_vector> state_vector;
  std::optional<hub::VersionName> at;
  std::optional<TagList> known;
  UpdateFormat format = UpdateFormat::v1;
};

std::unexpected<base::error> bad_parameter(std::string why) {
  return std::unexpected(
      base::error{std::make_error_code(std::errc::invalid_argument), std::move(why)});
}

base::result<StateQuery> state_query(const Exchange& exchange, const Target& target) {
  StateQuery out;
  out.document = target.document;
  const auto format = update_format(exchange);
  if (!format) return base::fail(base::error(format.error()));
  out.format = *format;
  if (const auto text = exchange.request().query_parameter("sv")) {
    out.state_vector = from_base64(*text);
    if (!out.state_vector || out.state_vector->empty()) {
      return bad_parameter("parameter sv must be a state vector in Base64 (URL alphabet)");
    }
  }
  if (const auto text = exchange.request().query_parameter("at")) {
    const auto version = parse_version(*text);
    if (!version) return bad_parameter("parameter at: " + version.error().message);
    out.at = *version;
  }
  auto known = known_tags(exchange);
  if (!known) return base::fail(std::move(known.error()));
  out.known = std::move(*known);
  return out;
}

/// What a client with this state vector lacks of updates that are a state together. Deletions are
/// always part of it: a state vector does not say which of them are known.
base::result<base::byte_vector> diff_of(const std::vector<base::shared_bytes>& parts,
                                        base::byte_view state_vector) {
  const auto as_request_error = [](base::error why) {
    return base::error{std::make_error_code(std::errc::invalid_argument),
                       "the state vector: " + why.message};
  };
  const auto empty = yjs::empty_update();
  if (parts.empty()) {
    auto checked = yjs::diff(empty, state_vector);
    if (!checked) return base::fail(as_request_error(std::move(checked.error())));
    return checked;
  }
  // The first part is compacted already; the rest is small beside it.
  auto news = yjs::diff(parts.front(), state_vector);
  if (!news) return base::fail(as_request_error(std::move(news.error())));
  if (parts.size() == 1) return news;
  const std::vector<base::byte_view> rest(parts.begin() + 1, parts.end());
  auto merged = yjs::compact(rest);
  if (!merged) return base::fail(hub::errc::broken, merged.error().message);
  auto rest_news = yjs::diff(*merged, state_vector);
  if (!rest_news) return base::fail(hub::errc::broken, rest_news.error().message);
  const base::byte_view both[] = {*news, *rest_news};
  return yjs::merge(both);
}

/// Answers with an update that the workers make or convert.
template <typename Work>
void answer_from_workers(Api& api, const exchange_ptr& exchange, UpdateFormat format,
                         const StateStamp& stamp, Work work) {
  api.history.work<base::shared_bytes>(
      exchange->executor(),
      [exchange, stamp, format](base::result<base::shared_bytes> update) {
        if (!update) return exchange->fail(update.error());
        exchange->answer(
            state_response(std::move(*update), media::octets, stamp, representation_of(format)));
      },
      [work = std::move(work), format]() -> base::result<base::shared_bytes> {
        auto made = work();
        if (!made) return made;
        return to_format(format, std::move(*made));
      });
}

void answer_state(Api& api, const exchange_ptr& exchange, UpdateFormat format,
                  const StateStamp& stamp, base::shared_bytes update) {
  if (format == UpdateFormat::v1) {
    return exchange->answer(state_response(std::move(update), media::octets, stamp, {}));
  }
  answer_from_workers(api, exchange, format, stamp,
                      [update = std::move(update)] {
                        return base::result<base::shared_bytes>(update);
                      });
}

void answer_diff(Api& api, const exchange_ptr& exchange, UpdateFormat format,
                 const StateStamp& stamp, std::vector<base::shared_bytes> parts,
                 base::byte_vector state_vector) {
  answer_from_workers(api, exchange, format, stamp,
                      [parts = std::move(parts), state_vector = std::move(state_vector)]()
                          -> base::result<base::shared_bytes> {
                        auto news = diff_of(parts, state_vector);
                        if (!news) return base::fail(std::move(news.error()));
                        return base::shared_bytes::adopt(std::move(*news));
                      });
}

void read_past(Api& api, const exchange_ptr& exchange, StateQuery query) {
  const auto version = query.at->offset;
  const StateStamp stamp{version, api.log.id(), true};
  auto located = [&api, exchange, query, stamp, version](base::result<hub::Located> found) mutable {
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
    // A version never changes: whoever has it, has it.
    if (auto unchanged = not_modified(query.known, stamp, representation_of(query.format))) {
      return exchange->answer(std::move(*unchanged));
    }
    api.history.state_at(
        query.document, version, exchange->executor(),
        [&api, exchange, stamp, format = query.format,
         sv = std::move(query.state_vector)](base::result<base::shared_bytes> state) mutable {
          if (!state) return exchange->fail(state.error());
          if (!sv) return answer_state(api, exchange, format, stamp, std::move(*state));
          answer_diff(api, exchange, format, stamp, {std::move(*state)}, std::move(*sv));
        });
  };
  api.history.locate(query.document, *query.at, exchange->executor(), std::move(located));
}

void read_present(Api& api, const exchange_ptr& exchange, StateQuery query) {
  hub::Hub& hub = api.hubs.at(query.document);
  hub.executor().post([&api, &hub, exchange, query = std::move(query)]() mutable {
    const auto document = query.document;
    hub.view(document, [&api, &hub, exchange,
                        query = std::move(query)](base::result<hub::DocumentView> view) mutable {
      if (!view) return exchange->fail(view.error());
      const StateStamp stamp{hub::version_of(view->end), api.log.id(), view->settled};
      const auto format = query.format;
      if (auto unchanged = not_modified(query.known, stamp, representation_of(format))) {
        return exchange->answer(std::move(*unchanged));
      }
      if (query.state_vector) {
        return answer_diff(api, exchange, format, stamp, std::move(view->parts),
                           std::move(*query.state_vector));
      }
      hub.read_state(query.document, [&api, exchange, format](base::result<hub::StateRead> state) {
        if (!state) return exchange->fail(state.error());
        const StateStamp read{hub::version_of(state->end), api.log.id(), state->settled};
        answer_state(api, exchange, format, read, std::move(state->update));
      });
    });
  });
}

}  // namespace

void read_update(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), octets)) {
    return exchange->refuse(problems::not_acceptable, "a state comes as application/octet-stream");
  }
  auto query = state_query(*exchange, target);
  if (!query) return exchange->fail(query.error());
  if (query->at) return read_past(api, exchange, std::move(*query));
  read_present(api, exchange, std::move(*query));
}

void read_diff(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), octets)) {
    return exchange->refuse(problems::not_acceptable, "a state comes as application/octet-stream");
  }
  const auto type = media_type(exchange->request().header("Content-Type"));
  if (!type.empty() && type != media::octets) {
    return exchange->refuse(problems::bad_media_type,
                            "the body must be a state vector as application/octet-stream");
  }
  if (exchange->request().body.empty()) {
    return exchange->refuse(problems::bad_body, "the body must be a state vector");
  }
  const auto format = update_format(*exchange);
  if (!format) return exchange->fail(format.error());
  StateQuery query;
  query.format = *format;
  query.document = target.document;
  query.state_vector = exchange->take_body();
  read_present(api, exchange, std::move(query));
}

void read_state_vector(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), octets)) {
    return exchange->refuse(problems::not_acceptable,
                            "a state vector comes as application/octet-stream");
  }
  auto known = known_tags(*exchange);
  if (!known) return exchange->fail(known.error());
  hub::Hub& hub = api.hubs.at(target.document);
  hub.executor().post([&api, &hub, exchange, document = target.document,
                       known = std::move(*known)] {
    hub.view(document, [&api, exchange, known](base::result<hub::DocumentView> view) {
      if (!view) return exchange->fail(view.error());
      const StateStamp stamp{hub::version_of(view->end), api.log.id(), view->settled};
      if (auto unchanged = not_modified(known, stamp, {})) {
        return exchange->answer(std::move(*unchanged));
      }
      if (view->state_vector) {
        return exchange->answer(state_response(
            base::shared_bytes::adopt(std::move(*view->state_vector)), media::octets, stamp, {}));
      }
      api.history.work<base::byte_vector>(
          exchange->executor(),
          [exchange, stamp](base::result<base::byte_vector> vector) {
            if (!vector) return exchange->fail(vector.error());
            exchange->answer(state_response(base::shared_bytes::adopt(std::move(*vector)),
                                            media::octets, stamp, {}));
          },
          [parts = std::move(view->parts)]() -> base::result<base::byte_vector> {
            yjs::Knowledge committed;
            for (const auto& part : parts) {
              if (auto learned = yjs::learn(part, committed); !learned) {
                return base::fail(hub::errc::broken, learned.error().message);
              }
            }
            return yjs::encode_state_vector(committed.structs);
          });
    });
  });
}

}  // namespace weft::gateway::http
