#include "weft/gateway/ywebsocket/gateway.h"

#include "weft/gateway/document_name.h"
#include "weft/gateway/ywebsocket/session.h"
#include "weft/hub/errc.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::ywebsocket {

std::uint16_t close_code_of(const base::error& why) {
  if (why.code == hub::errc::invalid_update) return close_code::bad_request;
  if (why.code == hub::errc::conflicting_ids) return close_code::conflicting_ids;
  if (why.code == hub::errc::unauthenticated) return close_code::unauthenticated;
  if (why.code == hub::errc::forbidden) return close_code::forbidden;
  if (why.code == hub::errc::expired) return close_code::expired;
  if (why.code == hub::errc::too_large) return close_code::too_large;
  if (why.code == hub::errc::draining) return net::close_code::going_away;
  return close_code::unavailable;
}

net::UpgradeDecision Gateway::on_upgrade(const net::HttpRequest& request) {
  auto document = document_of_request(request);
  if (!document) {
    return std::unexpected(net::HttpResponse::problem(
        400, document.error().message + "; connect to /ws/<room>/<document>"));
  }
  const std::size_t index = hubs_.index(*document);
  net::UpgradeAccept accept;
  accept.home = &loops_.loop(index);
  accept.handler = std::make_unique<YWebSocketSession>(
      *hubs_.all()[index], framings_, std::move(*document),
      "connection-" + std::to_string(next_connection_.fetch_add(1, std::memory_order_relaxed)),
      Credentials{authorizer_, authorizer_ ? request.query_parameter("token").value_or("") : ""});
  return accept;
}

}  // namespace weft::gateway::ywebsocket
