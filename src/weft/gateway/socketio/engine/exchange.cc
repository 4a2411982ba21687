#include "weft/gateway/socketio/engine/exchange.h"

namespace weft::gateway::socketio::engine {

namespace {

std::string_view message_of(refusal why) {
  switch (why) {
    case refusal::unknown_transport:
      return "Transport unknown";
    case refusal::unknown_session:
      return "Session ID unknown";
    case refusal::bad_handshake_method:
      return "Bad handshake method";
    case refusal::bad_request:
      return "Bad request";
    case refusal::forbidden:
      return "Forbidden";
    case refusal::unsupported_version:
      return "Unsupported protocol version";
  }
  return "Bad request";
}

}  // namespace

net::HttpResponse refusal_response(refusal why) {
  const auto body = "{\"code\":" + std::to_string(static_cast<int>(why)) + ",\"message\":\"" +
                    std::string(message_of(why)) + "\"}";
  return net::HttpResponse::text(why == refusal::forbidden ? 403 : 400, "application/json", body);
}

Exchange::~Exchange() {
  if (!responder_ || responder_->abandoned()) return;
  // A responder dies on its own executor, wherever its request ended.
  auto& executor = responder_->executor();
  executor.post([responder = std::move(responder_)] {});
}

void Exchange::respond(net::HttpResponse response) {
  WEFT_CHECK(responder_ != nullptr);
  auto responder = std::move(responder_);
  if (responder->abandoned()) return;
  for (auto& header : headers_) response.headers.push_back(std::move(header));
  auto& executor = responder->executor();
  executor.post([responder = std::move(responder), response = std::move(response)]() mutable {
    responder->respond(std::move(response));
  });
}

void Exchange::answer(std::string_view text) {
  respond(net::HttpResponse::text(200, "text/plain; charset=UTF-8", text));
}

}  // namespace weft::gateway::socketio::engine
