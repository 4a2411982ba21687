// States of a document as updates: whole, what a state vector lacks, of the past.

#include "weft/gateway/base64.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/state_source.h"
#include "weft/gateway/http/update_format.h"

namespace weft::gateway::http {

namespace {

constexpr std::string_view octets[] = {media::octets};

/// Answers with an update that the workers make, and convert.
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
        if (!made) return base::fail(std::move(made.error()));
        return to_format(format, base::shared_bytes::adopt(std::move(*made)));
      });
}

void answer_state(Api& api, const exchange_ptr& exchange, UpdateFormat format,
                  const StateStamp& stamp, base::shared_bytes update) {
  if (format == UpdateFormat::v1) {
    return exchange->answer(state_response(std::move(update), media::octets, stamp, {}));
  }
  api.history.work<base::shared_bytes>(
      exchange->executor(),
      [exchange, stamp, format](base::result<base::shared_bytes> converted) {
        if (!converted) return exchange->fail(converted.error());
        exchange->answer(
            state_response(std::move(*converted), media::octets, stamp, representation_of(format)));
      },
      [update = std::move(update), format] { return to_format(format, update); });
}

void read_lacking(Api& api, const exchange_ptr& exchange, StateQuery query, UpdateFormat format,
                  base::byte_vector state_vector) {
  if (query.at) {
    return with_state(api, exchange, std::move(query),
                      [&api, exchange, format, state_vector = std::move(state_vector)](
                          const StateStamp& stamp, base::shared_bytes state) mutable {
                        answer_from_workers(
                            api, exchange, format, stamp,
                            [state = std::move(state), state_vector = std::move(state_vector)] {
                              return hub::diff_state(state, state_vector);
                            });
                      });
  }
  with_view(api, exchange, std::move(query),
            [&api, exchange, format, state_vector = std::move(state_vector)](
                const StateStamp& stamp, hub::DocumentView view) mutable {
              answer_from_workers(api, exchange, format, stamp,
                                  [view = std::move(view), state_vector = std::move(state_vector)] {
                                    return view.diff(state_vector);
                                  });
            });
}

}  // namespace

void read_update(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), octets)) {
    return exchange->refuse(problems::not_acceptable, "a state comes as application/octet-stream");
  }
  const auto format = update_format(*exchange);
  if (!format) return exchange->fail(format.error());
  auto query = state_query(*exchange, target.document);
  if (!query) return exchange->fail(query.error());
  query->representation = representation_of(*format);
  if (const auto text = exchange->request().query_parameter("sv")) {
    auto state_vector = from_base64(*text);
    if (!state_vector || state_vector->empty()) {
      return exchange->refuse(problems::bad_parameter,
                              "parameter sv must be a state vector in Base64 (URL alphabet)");
    }
    return read_lacking(api, exchange, std::move(*query), *format, std::move(*state_vector));
  }
  with_state(api, exchange, std::move(*query),
             [&api, exchange, format = *format](const StateStamp& stamp, base::shared_bytes state) {
               answer_state(api, exchange, format, stamp, std::move(state));
             });
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
  query.document = target.document;
  read_lacking(api, exchange, std::move(query), *format, exchange->take_body());
}

void read_state_vector(Api& api, const exchange_ptr& exchange, const Target& target) {
  if (!choose(exchange->request().header("Accept"), octets)) {
    return exchange->refuse(problems::not_acceptable,
                            "a state vector comes as application/octet-stream");
  }
  auto known = tags_of(exchange->request(), "If-None-Match");
  if (!known) return exchange->fail(known.error());
  StateQuery query;
  query.document = target.document;
  query.known = std::move(*known);
  with_view(
      api, exchange, std::move(query),
      [&api, exchange](const StateStamp& stamp, hub::DocumentView view) {
        if (view.state_vector) {
          return exchange->answer(state_response(
              base::shared_bytes::adopt(std::move(*view.state_vector)), media::octets, stamp, {}));
        }
        answer_from_workers(api, exchange, UpdateFormat::v1, stamp,
                            [view = std::move(view)] { return view.make_state_vector(); });
      });
}

}  // namespace weft::gateway::http
