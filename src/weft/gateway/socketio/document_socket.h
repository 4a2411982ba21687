#pragma once

#include <map>
#include <memory>
#include <string>

#include "weft/base/events.h"
#include "weft/gateway/socketio/document_channel.h"
#include "weft/gateway/socketio/handshake.h"
#include "weft/gateway/socketio/options.h"
#include "weft/gateway/socketio/protocol/socket.h"
#include "weft/hub/hub.h"

namespace weft::gateway::socketio {

/// What all connections of a server share. All of it outlives them.
struct SocketParts {
  const hub::HubSet& hubs;
  hub::DocumentHistory& history;
  const SocketFraming& framing;
  base::Events& events;
  SocketCounters& counters;
  hub::Authorizer* authorizer = nullptr;  ///< nullptr: everybody may do everything
};

/// One client in the namespace "/": its events, cut up and sent to its documents' channels, and
/// what these have to say.
///
/// Bounds: documents_max channels; what waits for the client is bounded by each channel, and by the
/// protocol layer for what is answered here.
/// Threading: the connection's executor.
class DocumentSocket final : public protocol::SocketHandler, public ChannelOwner {
 public:
  DocumentSocket(SocketParts parts, const SocketOptions& options, Handshake handshake);
  ~DocumentSocket() override;

  // protocol::SocketHandler
  void on_connect(protocol::Socket& socket) override;
  void on_event(protocol::Event event, protocol::Ack ack) override;
  void on_gather(net::GatherSink& sink) override;
  void on_disconnect(protocol::disconnect_reason why) override;

  // ChannelOwner
  void on_channel_output() override;
  void on_channel_reading(bool wanted) override;
  void on_channel_lost(const base::DocumentId& document, bool returns) override;

 private:
  struct Joined {
    std::unique_ptr<DocumentChannel> channel;
    bool lost = false;
  };

  /// A new token on its way through the authorizer, one document after the other: all take it, or
  /// none does.
  struct Renewal {
    DocumentSocket& socket;
    std::string token;
    protocol::Ack ack;
    std::map<base::DocumentId, hub::Permit> permits = {};
  };

  void sync_request(const protocol::Event& event, protocol::Ack& ack);
  void protocol_message(const protocol::Event& event, protocol::Ack& ack);
  void sync_leave(const protocol::Event& event, protocol::Ack& ack);
  void authorize(const protocol::Event& event, protocol::Ack ack);
  void go_on_renewing();
  const base::DocumentId* next_to_renew() const;
  void on_renewed(const base::DocumentId& document, base::result<hub::Permit> permit);
  base::result<DocumentChannel*> channel(const base::DocumentId& document);
  void leave(const base::DocumentId& document);
  void refuse(protocol::Ack& ack, const Refusal& why, const base::DocumentId* document = nullptr);

  const SocketParts parts_;
  const SocketOptions& options_;
  const Handshake handshake_;
  std::string token_;
  protocol::Socket* socket_ = nullptr;
  std::map<base::DocumentId, Joined> joined_;
  std::shared_ptr<Renewal> renewal_;       ///< none is under way
  std::optional<base::DocumentId> first_;  ///< the next gather begins with it
  std::size_t stops_ = 0;                  ///< channels that want nothing read
};

}  // namespace weft::gateway::socketio
