#include "weft/gateway/socketio/document_socket.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/socketio/protocol/decoder.h"
#include "weft/protocol/envelope.h"

namespace weft::gateway::socketio {

namespace {

using nlohmann::json;

/// The attachment that `value` stands for; none when it is no binary value.
std::optional<base::byte_view> binary_of(const json& value, const protocol::Event& event) {
  const auto number = protocol::attachment_number(value);
  if (!number) return std::nullopt;
  return event.attachments[*number];
}

base::result<void> check_names(const base::DocumentId& document) {
  if (auto ok = check_name(document.room_id, "roomId"); !ok) return ok;
  if (auto ok = check_name(document.doc_id, "docId"); !ok) return ok;
  return document.subdoc_id ? check_name(*document.subdoc_id, "subdocId") : base::result<void>{};
}

}  // namespace

DocumentSocket::DocumentSocket(SocketParts parts, const SocketOptions& options, Handshake handshake)
    : parts_(parts),
      options_(options),
      handshake_(std::move(handshake)),
      token_(handshake_.token) {}

DocumentSocket::~DocumentSocket() { WEFT_CHECK(joined_.empty()); }

void DocumentSocket::on_connect(protocol::Socket& socket) {
  socket_ = &socket;
  parts_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  if (parts_.events.wants(base::severity::debug)) {
    const auto document = handshake_.document();
    parts_.events.report(base::severity::debug, "socketio.connected",
                         {{"connection", socket.id()},
                          {"room", handshake_.room_id.value_or("")},
                          {"document", document ? base::to_string(*document) : ""},
                          {"sender", handshake_.sender_id}});
  }
}

void DocumentSocket::on_disconnect(protocol::disconnect_reason) {
  if (parts_.events.wants(base::severity::debug)) {
    parts_.events.report(
        base::severity::debug, "socketio.disconnected",
        {{"connection", socket_->id()}, {"documents", std::to_string(joined_.size())}});
  }
  renewal_.reset();
  while (!joined_.empty()) leave(joined_.begin()->first);
  parts_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  socket_ = nullptr;
}

// --- events -------------------------------------------------------------------------------------

void DocumentSocket::on_event(protocol::Event event, protocol::Ack ack) {
  parts_.counters.messages.fetch_add(1, std::memory_order_relaxed);
  if (event.name == "protocol-message") return protocol_message(event, ack);
  if (event.name == "sync-request") return sync_request(event, ack);
  if (event.name == "sync-leave") return sync_leave(event, ack);
  if (event.name == "authorize") return authorize(event, std::move(ack));
  refuse(ack, {"unknown-event", "there is no event \"" + event.name.substr(0, 100) +
                                    "\"; there are protocol-message, sync-request, sync-leave and "
                                    "authorize"});
}

void DocumentSocket::protocol_message(const protocol::Event& event, protocol::Ack& ack) {
  const auto bytes = event.arguments.empty() ? std::nullopt : binary_of(event.arguments[0], event);
  if (!bytes) {
    return refuse(ack, {"bad-arguments", "protocol-message takes an envelope: binary data"});
  }
  auto read = read_message(ack.id(), base::shared_bytes::copy_of(*bytes));
  if (!read) return refuse(ack, read.error());
  const base::DocumentId& document = read->document;
  if (parts_.events.wants(base::severity::debug)) {
    const auto parts = weft::protocol::split_envelope(*bytes);
    parts_.events.report(base::severity::debug, "socketio.message",
                         {{"connection", socket_->id()},
                          {"metadata", std::string(base::as_text(parts->metadata))},
                          {"payload_bytes", std::to_string(parts->payload.size())}});
  }
  if (auto ok = check_names(document); !ok)
    return refuse(ack, {"bad-metadata", ok.error().message});
  if (!handshake_.admits(document)) {
    return refuse(ack,
                  {"wrong-document", "the metadata name " + base::to_string(document) +
                                         ", which is not what this connection is for"},
                  &document);
  }
  auto to = channel(document);
  if (!to) return refuse(ack, {"too-many-documents", to.error().message}, &document);
  (*to)->request(std::move(read->request));
}

void DocumentSocket::sync_request(const protocol::Event& event, protocol::Ack& ack) {
  const json nothing = json::object();
  const json& said = event.arguments.empty() ? nothing : event.arguments[0];
  auto asked = read_request(handshake_, said);
  if (!asked) return refuse(ack, {"bad-arguments", asked.error().message});
  if (!handshake_.admits(asked->document)) {
    return refuse(ack,
                  {"wrong-document",
                   base::to_string(asked->document) + " is not what this connection is for"},
                  &asked->document);
  }
  PortRequest request{PortRequest::kind::sync, ack.id(), {}};
  request.version = asked->version;
  if (const auto known = said.find("stateVector"); known != said.end() && !known->is_null()) {
    const auto bytes = binary_of(*known, event);
    if (!bytes) return refuse(ack, {"bad-arguments", "stateVector must be binary data"});
    request.bytes = base::shared_bytes::copy_of(*bytes);
    request.state_vector = true;
  }
  auto to = channel(asked->document);
  if (!to) return refuse(ack, {"too-many-documents", to.error().message}, &asked->document);
  (*to)->request(std::move(request));
}

void DocumentSocket::sync_leave(const protocol::Event& event, protocol::Ack& ack) {
  const json nothing = json::object();
  auto asked = read_request(handshake_, event.arguments.empty() ? nothing : event.arguments[0]);
  if (!asked) return refuse(ack, {"bad-arguments", asked.error().message});
  leave(asked->document);
  ack.reply(json::array({json::object()}));
}

void DocumentSocket::authorize(const protocol::Event& event, protocol::Ack ack) {
  const json nothing = json::object();
  const json& said = event.arguments.empty() ? nothing : event.arguments[0];
  const auto token = said.is_object() ? said.find("token") : said.end();
  if (!said.is_object() || token == said.end() || !token->is_string()) {
    return refuse(ack, {"bad-arguments", "authorize takes an object with a string \"token\""});
  }
  std::string given = token->get<std::string>();
  if (given.size() > hub::token_bytes_max) {
    return refuse(ack, {"bad-arguments", "the token has more than " +
                                             std::to_string(hub::token_bytes_max) + " bytes"});
  }
  if (renewal_) {
    return refuse(ack, {"unavailable", "the token before is still being looked at", true});
  }
  renewal_ = std::make_shared<Renewal>(Renewal{*this, std::move(given), std::move(ack)});
  go_on_renewing();
}

/// A document that the new token was not shown for, those that were joined meanwhile too.
const base::DocumentId* DocumentSocket::next_to_renew() const {
  if (!parts_.authorizer) return nullptr;
  const auto it = std::ranges::find_if(
      joined_, [&](const auto& item) { return !renewal_->permits.contains(item.first); });
  return it == joined_.end() ? nullptr : &it->first;
}

void DocumentSocket::go_on_renewing() {
  std::erase_if(renewal_->permits, [&](const auto& item) { return !joined_.contains(item.first); });
  if (const auto* document = next_to_renew()) {
    return hub::authorize(*parts_.authorizer, {*document, renewal_->token, handshake_.sender_id},
                          socket_->executor(),
                          [document = *document,
                           renewal = std::weak_ptr(renewal_)](base::result<hub::Permit> permit) {
                            const auto still = renewal.lock();
                            if (still) still->socket.on_renewed(document, std::move(permit));
                          });
  }
  const auto renewal = std::move(renewal_);
  token_ = renewal->token;
  for (auto& [document, permit] : renewal->permits) {
    joined_.at(document).channel->renew(std::move(permit));
  }
  renewal->ack.reply(json::array({json::object()}));
}

void DocumentSocket::on_renewed(const base::DocumentId& document,
                                base::result<hub::Permit> permit) {
  if (permit) {
    auto readable = hub::check_permit(*permit, &hub::Rights::read, "read this document",
                                      socket_->executor().now());
    if (!readable) permit = base::fail(std::move(readable.error()));
  }
  if (!permit) {
    // Everything stays as it was permitted before.
    const auto renewal = std::move(renewal_);
    return refuse(renewal->ack, refusal_of(permit.error()), &document);
  }
  renewal_->permits[document] = std::move(*permit);
  go_on_renewing();
}

void DocumentSocket::refuse(protocol::Ack& ack, const Refusal& why,
                            const base::DocumentId* document) {
  parts_.counters.refused.fetch_add(1, std::memory_order_relaxed);
  const json said = refusal_object(why, document);
  if (ack.wanted()) return ack.reply(json::array({{{"error", said}}}));
  // Nothing more is read of a client that does not take what is said to it.
  if (auto ok = socket_->emit("protocol-error", json::array({said})); !ok) {
    parts_.events.report(base::severity::debug, "socketio.error_not_sent",
                         {{"connection", socket_->id()}, {"reason", ok.error().message}});
  }
}

// --- documents ----------------------------------------------------------------------------------

base::result<DocumentChannel*> DocumentSocket::channel(const base::DocumentId& document) {
  if (const auto it = joined_.find(document); it != joined_.end()) return it->second.channel.get();
  if (joined_.size() >= options_.documents_max) {
    return base::fail(std::errc::too_many_files_open,
                      "this connection has joined " + std::to_string(joined_.size()) +
                          " documents, as many as socketio.documents_max allows");
  }
  hub::Hub& hub = parts_.hubs.at(document);
  const PortClient client{handshake_.sender_id.empty() ? socket_->id() : handshake_.sender_id,
                          token_, parts_.authorizer};
  port_maker make = [&hub, &history = parts_.history, &framing = parts_.framing, document,
                     client](PortOwner& owner) {
    return std::make_shared<DocumentPort>(hub, history, framing, document, client, owner);
  };
  base::Executor& here = socket_->executor();
  Joined& joined = joined_[document];
  parts_.counters.channels.fetch_add(1, std::memory_order_relaxed);
  joined.channel = &hub.executor() == &here
                       ? local_channel(document, here, make, *this)
                       : remote_channel(document, here, hub.executor(), std::move(make), *this,
                                        RemoteChannelOptions{});
  if (parts_.events.wants(base::severity::debug)) {
    parts_.events.report(base::severity::debug, "socketio.joined",
                         {{"connection", socket_->id()}, {"document", base::to_string(document)}});
  }
  return joined.channel.get();
}

void DocumentSocket::leave(const base::DocumentId& document) {
  const auto it = joined_.find(document);
  if (it == joined_.end()) return;
  // Out of the map first: the channel calls back when it is destroyed.
  const auto channel = std::move(it->second.channel);
  joined_.erase(it);
  parts_.counters.channels.fetch_sub(1, std::memory_order_relaxed);
}

void DocumentSocket::on_channel_output() {
  if (socket_) socket_->want_write();
}

void DocumentSocket::on_channel_reading(bool wanted) {
  if (wanted) {
    if (--stops_ == 0 && socket_) socket_->resume_reading();
  } else if (stops_++ == 0) {
    socket_->pause_reading();
  }
}

void DocumentSocket::on_channel_lost(const base::DocumentId& document, bool) {
  const auto it = joined_.find(document);
  if (it == joined_.end()) return;
  it->second.lost = true;
  on_channel_output();
}

void DocumentSocket::on_gather(net::GatherSink& sink) {
  // In turn: a busy document does not keep the others' from a slow socket.
  auto it = first_ ? joined_.lower_bound(*first_) : joined_.begin();
  first_.reset();
  std::vector<base::DocumentId> gone;
  for (std::size_t left = joined_.size(); left > 0; --left, ++it) {
    if (it == joined_.end()) it = joined_.begin();
    if (sink.room() == 0 && !first_) first_ = it->first;
    // Asked all the same: it asks to be asked again.
    it->second.channel->collect(sink);
    if (it->second.lost && sink.room() > 0) gone.push_back(it->first);
  }
  for (const auto& document : gone) leave(document);
}

}  // namespace weft::gateway::socketio
