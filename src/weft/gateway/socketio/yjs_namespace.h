#pragma once

#include <memory>
#include <optional>
#include <string>

#include "weft/gateway/socketio/document_socket.h"
#include "weft/gateway/socketio/protocol/connection.h"
#include "weft/gateway/socketio/yjs_wire.h"

namespace weft::gateway::socketio {

/// y-socket.io's documents for one client, as what is behind the namespaces that begin with
/// "/yjs|"; others are refused. `parts` and `framings` outlive it; `from_query` is what the
/// client's first request said.
std::unique_ptr<protocol::Namespaces> yjs_namespaces(SocketParts parts, const YjsFramings& framings,
                                                     Handshake from_query);

/// One client in one namespace of y-socket.io, which is one document: its events, turned into
/// messages for the document's channel, and what that has to say.
///
/// Bounds: those of the channel, and of the protocol layer for what is answered here.
/// Threading: the connection's executor.
class YjsNamespace final : public protocol::SocketHandler, public ChannelOwner {
 public:
  /// `framings` outlives it. `who`: the connection's name stands for an empty sender_id.
  YjsNamespace(SocketParts parts, const YjsFramings& framings, YjsName name, hub::SessionInfo who);
  ~YjsNamespace() override;

  // protocol::SocketHandler
  void on_connect(protocol::Socket& socket) override;
  void on_event(protocol::Event event, protocol::Ack ack) override;
  void on_reply(std::uint64_t id, protocol::Reply reply) override;
  void on_gather(net::GatherSink& sink) override;
  void on_disconnect(protocol::disconnect_reason why) override;

  // ChannelOwner
  void on_channel_output() override;
  void on_channel_reading(bool wanted) override;
  void on_channel_lost(const base::DocumentId& document, bool returns) override;

 private:
  using encoder = base::byte_vector (*)(base::byte_view body);

  void pass(std::string_view what, const nlohmann::json& arguments,
            std::span<const base::byte_view> attachments, encoder encode,
            std::optional<std::uint64_t> ack);
  void refuse(const Refusal& why);
  void leave(bool returns);

  const SocketParts parts_;
  const YjsFramings& framings_;
  const YjsName name_;
  hub::SessionInfo who_;
  protocol::Socket* socket_ = nullptr;
  std::unique_ptr<DocumentChannel> channel_;
  std::size_t stops_ = 0;     ///< how often the channel wants nothing read
  std::optional<bool> lost_;  ///< the channel is; whether the client may come again
  bool leaving_ = false;
};

}  // namespace weft::gateway::socketio
