#include "weft/gateway/socketio/yjs_namespace.h"

#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/socketio/admit.h"
#include "weft/gateway/socketio/protocol/decoder.h"
#include "weft/gateway/socketio/yjs_port.h"

namespace weft::gateway::socketio {

using nlohmann::json;

namespace {

class YjsNamespaces final : public protocol::Namespaces {
 public:
  YjsNamespaces(SocketParts parts, const YjsFramings& framings, Handshake from_query)
      : parts_(parts), framings_(framings), from_query_(std::move(from_query)) {}

  void on_connect(protocol::ConnectRequest request, protocol::Admission admission) override {
    if (!is_yjs_namespace(request.name_space)) return admission.refuse(protocol::invalid_namespace);
    auto name = read_yjs_namespace(request.name_space);
    if (!name) return refuse(admission, {"bad-metadata", name.error().message});
    if (!from_query_.admits(name->document)) {
      return refuse(admission, {"wrong-document", base::to_string(name->document) +
                                                      " is not what this connection is for"});
    }
    std::string sender_id = said(request.auth, "senderId").value_or(from_query_.sender_id);
    if (sender_id.size() > sender_bytes_max) {
      return refuse(admission, {"bad-metadata", "senderId has more than " +
                                                    std::to_string(sender_bytes_max) + " bytes"});
    }
    hub::AuthorizationRequest question{
        name->document, said(request.auth, "token").value_or(from_query_.token), sender_id};
    admit(parts_.authorizer, std::move(question), std::move(admission),
          [parts = parts_, &framings = framings_, name = std::move(*name),
           sender_id = std::move(sender_id)](hub::Permit permit) mutable {
            return std::make_unique<YjsNamespace>(
                parts, framings, std::move(name),
                hub::SessionInfo{std::move(sender_id), std::move(permit)});
          });
  }

 private:
  /// Applications put into `auth` what they like: only text that this server knows is looked at.
  static std::optional<std::string> said(const json& auth, const char* what) {
    const auto it = auth.find(what);
    if (it == auth.end() || !it->is_string()) return std::nullopt;
    return it->get<std::string>();
  }

  const SocketParts parts_;
  const YjsFramings& framings_;
  const Handshake from_query_;
};

}  // namespace

std::unique_ptr<protocol::Namespaces> yjs_namespaces(SocketParts parts, const YjsFramings& framings,
                                                     Handshake from_query) {
  return std::make_unique<YjsNamespaces>(parts, framings, std::move(from_query));
}

YjsNamespace::YjsNamespace(SocketParts parts, const YjsFramings& framings, YjsName name,
                           hub::SessionInfo who)
    : parts_(parts), framings_(framings), name_(std::move(name)), who_(std::move(who)) {}

YjsNamespace::~YjsNamespace() { WEFT_CHECK(!channel_); }

void YjsNamespace::on_connect(protocol::Socket& socket) {
  socket_ = &socket;
  parts_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  parts_.counters.channels.fetch_add(1, std::memory_order_relaxed);
  if (parts_.events.wants(base::severity::debug)) {
    parts_.events.report(base::severity::debug, "socketio.connected",
                         {{"connection", socket.id()},
                          {"namespace", socket.name_space()},
                          {"document", base::to_string(name_.document)},
                          {"sender", who_.sender_id}});
  }
  hub::Hub& hub = parts_.hubs.at(name_.document);
  if (who_.sender_id.empty()) who_.sender_id = socket.id();
  port_maker make = [&hub, &framings = framings_, name = name_, who = who_](PortOwner& owner) {
    return std::make_shared<YjsPort>(hub, framings, name, who, owner);
  };
  base::Executor& here = socket.executor();
  channel_ = &hub.executor() == &here
                 ? local_channel(name_.document, here, make, *this)
                 : remote_channel(name_.document, here, hub.executor(), std::move(make), *this,
                                  RemoteChannelOptions{});
}

void YjsNamespace::on_disconnect(protocol::disconnect_reason) {
  if (parts_.events.wants(base::severity::debug)) {
    parts_.events.report(base::severity::debug, "socketio.disconnected",
                         {{"connection", socket_->id()}, {"namespace", socket_->name_space()}});
  }
  channel_.reset();
  socket_ = nullptr;
  parts_.counters.channels.fetch_sub(1, std::memory_order_relaxed);
  parts_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
}

// --- events -------------------------------------------------------------------------------------

void YjsNamespace::on_event(protocol::Event event, protocol::Ack ack) {
  if (leaving_) return;
  parts_.counters.messages.fetch_add(1, std::memory_order_relaxed);
  const auto pass_as = [&](encoder encode) {
    pass(event.name, event.arguments, event.attachments, encode, ack.id());
  };
  if (event.name == "sync-update") return pass_as(yjs::encode_sync_update);
  if (event.name == "sync-step-1") return pass_as(yjs::encode_sync_step1);
  if (event.name == "awareness-update") return pass_as(yjs::encode_awareness);
  refuse({"unknown-event", "there is no event \"" + event.name.substr(0, 100) +
                               "\"; there are sync-step-1, sync-update and awareness-update"});
}

void YjsNamespace::on_reply(std::uint64_t id, protocol::Reply reply) {
  if (leaving_ || id != yjs_question_id) return;
  pass("the acknowledgement of sync-step-1", reply.arguments, reply.attachments,
       yjs::encode_sync_step2, {});
}

/// Sends the one argument, bytes, to the document as a message.
void YjsNamespace::pass(std::string_view what, const json& arguments,
                        std::span<const base::byte_view> attachments, encoder encode,
                        std::optional<std::uint64_t> ack) {
  const auto number = arguments.empty() ? std::nullopt : protocol::attachment_number(arguments[0]);
  if (!number) {
    refuse({"bad-arguments", std::string(what) + " takes binary data"});
    // It may have been an edit that others depend on.
    return leave(false);
  }
  channel_->request(
      {PortRequest::kind::message, ack, base::shared_bytes::adopt(encode(attachments[*number]))});
}

void YjsNamespace::refuse(const Refusal& why) {
  parts_.counters.refused.fetch_add(1, std::memory_order_relaxed);
  // Nothing more is read of a client that does not take what is said to it.
  if (auto ok = socket_->emit("protocol-error", json::array({refusal_object(why)})); !ok) {
    parts_.events.report(base::severity::debug, "socketio.error_not_sent",
                         {{"connection", socket_->id()}, {"reason", ok.error().message}});
  }
}

/// Stock clients come again after a lost connection, and stay away once they are sent away.
void YjsNamespace::leave(bool returns) {
  if (std::exchange(leaving_, true)) return;
  socket_->executor().post([socket = socket_->weak_from_this(), returns] {
    const auto here = socket.lock();
    if (!here) return;
    if (returns) {
      here->drop_connection();
    } else {
      here->disconnect();
    }
  });
}

// --- the document -------------------------------------------------------------------------------

void YjsNamespace::on_channel_output() {
  if (socket_) socket_->want_write();
}

void YjsNamespace::on_channel_reading(bool wanted) {
  if (wanted) {
    if (--stops_ == 0 && socket_) socket_->resume_reading();
  } else if (stops_++ == 0) {
    socket_->pause_reading();
  }
}

void YjsNamespace::on_channel_lost(const base::DocumentId&, bool returns) {
  lost_ = returns;
  on_channel_output();
}

void YjsNamespace::on_gather(net::GatherSink& sink) {
  channel_->collect(sink);
  if (lost_ && sink.room() > 0) leave(*lost_);
}

}  // namespace weft::gateway::socketio
