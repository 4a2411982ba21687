// Live events: each durable edit as a server-sent event, from any version on.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/event_stream.h"
#include "weft/gateway/http/response.h"
#include "weft/gateway/http/update_format.h"
#include "weft/gateway/json.h"
#include "weft/gateway/random_source.h"
#include "weft/gateway/version.h"

namespace weft::gateway::http {

namespace {

constexpr std::string_view events_only[] = {media::events};
/// How soon a browser connects again when a stream has ended.
constexpr std::string_view retry_line = "retry: 1000\n\n";

/// The ticket of a client that asks for presence.
std::optional<PresenceTicket> ticket_for(Api& api, const Exchange& exchange,
                                         const base::DocumentId& document) {
  if (exchange.number("awareness", 0, 0, 1) != 1u) return std::nullopt;
  const std::size_t index = api.hubs.index(document);
  return PresenceTicket{*api.hubs.all()[index],
                        *api.presences[index],
                        api.presence_framing,
                        document,
                        {"http " + exchange.request().peer, exchange.permit()},
                        random_name(fill_from_system)};
}

/// How a stream begins.
struct Beginning {
  base::log_offset from;                             ///< the first edit
  std::optional<hub::standing> lost = std::nullopt;  ///< the client's version leads nowhere
};

/// The first event says behind which version the client hears everything. Its id lets a browser
/// that loses the connection before the first edit come back to the same place.
std::string greeting(base::log_identity log, const Beginning& begin, const std::string& stream) {
  const auto version = hub::version_of(begin.from);
  nlohmann::json data = {{"version", nullptr}, {"log", log_name(log)}};
  if (version) data["version"] = version->value;
  if (begin.lost) data["reason"] = hub::describe(*begin.lost);
  if (!stream.empty()) data["stream"] = stream;
  return std::string(retry_line) +
         event_text(begin.lost ? "reset" : "start", version_name(version, log), json_text(data));
}

void start_stream(Api& api, const exchange_ptr& exchange, const base::DocumentId& document,
                  const Beginning& begin) {
  const auto feeds = std::ranges::find_if(
      api.feeds, [&](const auto& set) { return &set->executor() == &exchange->executor(); });
  WEFT_CHECK(feeds != api.feeds.end());
  auto ticket = ticket_for(api, *exchange, document);
  const base::log_identity log = log::identity_of(api.log, document);
  std::string text = greeting(log, begin, ticket ? ticket->stream : std::string());
  net::HttpResponse response;
  response.headers.push_back({"Content-Type", "text/event-stream"});
  response.headers.push_back({"Cache-Control", "no-store"});
  // Proxies that gather a response would hold the events back.
  response.headers.push_back({"X-Accel-Buffering", "no"});
  response.headers.push_back({"Weft-Log", log_name(log)});
  response.stream = std::make_unique<EventStream>(
      (*feeds)->feed(document), begin.from, std::move(text), api.options.event_keepalive,
      exchange->permit().expires, api.event_streams, std::move(ticket));
  exchange->answer(std::move(response));
}

/// Where the client says it was: a browser that connects again does so in Last-Event-ID, in place
/// of `since`, where it began.
base::result<std::optional<Standing>> place_of(const net::HttpRequest& request) {
  std::optional<Standing> out;
  const auto last = request.header("Last-Event-ID");
  for (const auto& [name, text] :
       {std::pair{"parameter since", request.query_parameter("since")},
        std::pair{"Last-Event-ID",
                  last.empty() ? std::nullopt : std::optional(std::string(last))}}) {
    if (!text) continue;
    auto place = parse_standing(*text);
    if (!place) {
      return std::unexpected(
          base::error{place.error().code, std::string(name) + ": " + place.error().message});
    }
    out = *place;
  }
  return out;
}

}  // namespace

void open_events(Api& api, const exchange_ptr& exchange, const Target& target) {
  const auto& request = exchange->request();
  if (!choose(request.header("Accept"), events_only)) {
    return exchange->refuse(problems::not_acceptable, "events come as text/event-stream");
  }
  if (const auto format = update_format(*exchange); !format || *format != UpdateFormat::v1) {
    return exchange->refuse(problems::bad_parameter,
                            "parameter format: events carry updates of format v1 only");
  }
  if (const auto awareness = exchange->number("awareness", 0, 0, 1); !awareness) {
    return exchange->fail(awareness.error());
  }
  if (api.event_streams.load(std::memory_order_relaxed) >= api.options.event_streams_max) {
    return exchange->refuse(problems::unavailable,
                            "too many event streams are open (http.event_streams_max)");
  }
  const auto place = place_of(request);
  if (!place) return exchange->fail(place.error());
  const auto& where = *place;
  if (where && where->end.value != 0) {
    return api.history.locate(target.document, {{where->end.value - 1}, where->log},
                              exchange->executor(),
                              [&api, exchange, document = target.document,
                               from = where->end](base::result<hub::Located> found) {
                                if (!found) return exchange->fail(found.error());
                                if (found->where == hub::standing::known) {
                                  return start_stream(api, exchange, document, {from});
                                }
                                start_stream(api, exchange, document, {found->end, found->where});
                              });
  }
  // Asking for its end makes known which log it is.
  api.log.end(
      target.document, exchange->executor(),
      [&api, exchange, document = target.document, where](base::result<base::log_offset> end) {
        if (!end) return exchange->fail(end.error());
        if (!where) return start_stream(api, exchange, document, {*end});
        if (where->log != log::identity_of(api.log, document)) {
          // Its version leads nowhere: it is told to read the state, which then holds all that was
          // durable before this stream began.
          return start_stream(api, exchange, document, {*end, hub::standing::other_log});
        }
        // What was seen of it was a document without a record.
        start_stream(api, exchange, document, {{0}});
      });
}

}  // namespace weft::gateway::http
