#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weft/gateway/ywebsocket/framing.h"
#include "weft/hub/hub.h"
#include "weft/net/websocket_session.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::gateway::ywebsocket {

/// What a client shows to be let in.
struct Credentials {
  hub::Authorizer* authorizer = nullptr;  ///< nullptr: nobody asks for it
  std::string token;
};

/// One y-websocket connection: translates between its messages and its hub session.
///
/// Reading is paused until the document is live and while the document is congested, so nothing is
/// queued on a client's behalf. Threading: the document's executor.
class YWebSocketSession final : public net::WebSocketHandler, public hub::SessionEvents {
 public:
  YWebSocketSession(hub::Hub& hub, const Framings& framings, base::DocumentId document,
                    std::string sender_id, Credentials credentials);

  // net::WebSocketHandler
  void on_open(net::WebSocketConnection& connection) override;
  void on_message(base::byte_view message, bool binary) override;
  void on_gather(net::GatherSink& sink) override;
  std::uint16_t too_big_code() const override;
  void on_closed(std::uint16_t code) override;

  // hub::SessionEvents
  void on_live() override;
  void on_output() override;
  void on_resync() override;
  void on_uncongested() override;
  void on_ended(const base::error& why) override;

 private:
  /// A question to the authorizer that is under way.
  struct Asking {
    YWebSocketSession& session;
    Credentials credentials;
  };

  void join(hub::Permit permit);
  base::result<void> handle(const yjs::ProtocolMessage& message);
  void ask_for_missing();
  void end(const base::error& why);

  hub::Hub& hub_;
  const Framings& framings_;
  const base::DocumentId document_;
  const std::string sender_id_;
  net::WebSocketConnection* connection_ = nullptr;
  std::shared_ptr<Asking> asking_;  ///< none once answered, or when nobody is to be asked
  std::unique_ptr<hub::Session> session_;
  base::shared_bytes step1_;  ///< our SyncStep1, waiting to be sent
  bool closing_ = false;
};

}  // namespace weft::gateway::ywebsocket
