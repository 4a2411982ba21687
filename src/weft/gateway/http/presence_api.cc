// Presence of clients that speak HTTP alone: what they see comes with their events, what they show
// is posted.

#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/api.h"
#include "weft/gateway/http/presence.h"

namespace weft::gateway::http {

namespace {

constexpr std::size_t stream_name_bytes_max = 64;

}  // namespace

void post_awareness(Api& api, const exchange_ptr& exchange, const Target& target) {
  auto stream = exchange->text("stream", stream_name_bytes_max);
  if (!stream) return exchange->fail(stream.error());
  if (!*stream) {
    return exchange->refuse(problems::bad_parameter,
                            "parameter stream must name an event stream of this document that was "
                            "opened with awareness=1, as its first event does");
  }
  const auto type = media_type(exchange->request().header("Content-Type"));
  if (!type.empty() && type != media::octets && type != "application/x-www-form-urlencoded") {
    return exchange->refuse(problems::bad_media_type,
                            "send one awareness update as application/octet-stream");
  }
  const std::size_t index = api.hubs.index(target.document);
  hub::Hub& hub = *api.hubs.all()[index];
  hub.executor().post([&table = *api.presences[index], exchange, document = target.document,
                       stream = std::move(**stream), body = exchange->take_body()] {
    const auto end = table.find(stream, document);
    if (!end) {
      return exchange->refuse(problems::unknown_stream,
                              "no such event stream is open; open one and post again");
    }
    if (auto ok = end->apply(body); !ok) return exchange->fail(ok.error());
    exchange->answer({.status = 204});
  });
}

}  // namespace weft::gateway::http
