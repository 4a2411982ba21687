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
  if (!is_octets(media_type(exchange->request().header("Content-Type")))) {
    return exchange->refuse(problems::bad_media_type,
                            "send one awareness update as application/octet-stream");
  }
  auto update = exchange->take_body();
  if (update.size() > api.options.awareness_bytes_max) {
    return exchange->refuse(problems::too_large,
                            "an awareness update of " + std::to_string(update.size()) +
                                " bytes exceeds http.awareness_bytes_max = " +
                                std::to_string(api.options.awareness_bytes_max));
  }
  const std::size_t index = api.hubs.index(target.document);
  api.hubs.all()[index]->executor().post([&table = *api.presences[index], exchange,
                                          document = target.document, stream = std::move(**stream),
                                          update = std::move(update)]() mutable {
    const auto end = table.find(stream, document, exchange->permit().identity);
    if (!end) {
      return exchange->refuse(problems::unknown_stream,
                              "you have no such event stream open; open one and post again");
    }
    end->show(std::move(update), [exchange](base::result<void> shown) {
      if (!shown) return exchange->fail(shown.error());
      net::HttpResponse response;
      response.status = 204;
      exchange->answer(std::move(response));
    });
  });
}

}  // namespace weft::gateway::http
