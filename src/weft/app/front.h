#pragma once

#include "weft/gateway/http/gateway.h"
#include "weft/gateway/socketio/gateway.h"
#include "weft/gateway/ywebsocket/gateway.h"
#include "weft/net/http.h"

namespace weft::app {

/// What the server's address speaks, by path: Socket.IO below its own; for all else, HTTP and, over
/// WebSocket, y-websocket.
class Front final : public net::HttpHandler {
 public:
  /// `socketio` is null when it is switched off.
  Front(gateway::http::Gateway& http, gateway::ywebsocket::Gateway& ywebsocket,
        gateway::socketio::Gateway* socketio)
      : http_(http), ywebsocket_(ywebsocket), socketio_(socketio) {}

  void on_request(net::HttpRequest request, net::HttpResponder responder) override {
    if (is_socketio(request)) {
      return socketio_->on_request(std::move(request), std::move(responder));
    }
    http_.on_request(std::move(request), std::move(responder));
  }

  net::UpgradeDecision on_upgrade(const net::HttpRequest& request) override {
    return is_socketio(request) ? socketio_->on_upgrade(request) : ywebsocket_.on_upgrade(request);
  }

 private:
  bool is_socketio(const net::HttpRequest& request) const {
    return socketio_ && socketio_->handles(request.path());
  }

  gateway::http::Gateway& http_;
  gateway::ywebsocket::Gateway& ywebsocket_;
  gateway::socketio::Gateway* const socketio_;
};

}  // namespace weft::app
