#include "weft/gateway/socketio/document_port.h"

#include <nlohmann/json.hpp>

#include "weft/hub/errc.h"

namespace weft::gateway::socketio {

namespace {

/// A state vector that knows nothing.
constexpr std::uint8_t nothing_known[] = {0};

}  // namespace

DocumentPort::DocumentPort(hub::Hub& hub, hub::DocumentHistory& history,
                           const SocketFraming& framing, base::DocumentId document,
                           PortClient client, PortOwner& owner)
    : hub_(hub),
      history_(history),
      framing_(framing),
      document_(std::move(document)),
      client_(std::move(client)),
      owner_(owner) {}

void DocumentPort::start() {
  if (!client_.authorizer) return join({});
  hub::authorize(*client_.authorizer, {document_, client_.token, client_.sender_id},
                 hub_.executor(), [self = weak_from_this()](base::result<hub::Permit> permit) {
                   if (const auto port = self.lock()) port->on_authorized(std::move(permit));
                 });
}

void DocumentPort::on_authorized(base::result<hub::Permit> permit) {
  if (session_ || lost_) return;  // a newer token was quicker
  if (!permit) return on_ended(permit.error());
  join(std::move(*permit));
}

void DocumentPort::join(hub::Permit permit) {
  auto joined = hub_.join(document_, framing_, *this, {client_.sender_id, std::move(permit)});
  if (!joined) return on_ended(joined.error());
  session_ = std::move(*joined);
}

void DocumentPort::renew(hub::Permit permit) {
  if (lost_) return;
  if (!session_) return join(std::move(permit));
  const bool wrote = session_->permit().rights.write;
  const bool writes = permit.rights.write;
  if (auto ok = session_->renew(std::move(permit)); !ok) return on_ended(ok.error());
  if (!live_) return;
  if (writes != wrote) tell_permission();
  // What was refused for want of permission may come now.
  if (writes && (!wrote || write_ended_)) {
    write_ended_ = false;
    ask_for_missing();
  }
}

void DocumentPort::tell_permission() {
  const std::string_view said = session_->permit().rights.write
                                    ? R"({"type":"permission","write":true})"
                                    : R"({"type":"permission","write":false})";
  queue(message_frame(document_, "control", base::as_bytes(said)));
}

// --- requests -----------------------------------------------------------------------------------

void DocumentPort::request(PortRequest request) {
  if (lost_) {
    return refuse(request.ack,
                  {"unavailable", "the document has ended this connection's part", true});
  }
  if (live_ && waiting_.empty()) {
    handle(std::move(request));
  } else {
    waiting_.push_back(std::move(request));
  }
  heed_bounds();
}

void DocumentPort::handle(PortRequest request) {
  if (request.what == PortRequest::kind::sync) {
    sync(std::move(request));
  } else {
    message(request);
  }
}

void DocumentPort::handle_waiting() {
  stuck_ = false;
  while (!waiting_.empty() && !stuck_ && !lost_) {
    auto request = std::move(waiting_.front());
    waiting_.pop_front();
    handle(std::move(request));
  }
  heed_bounds();
}

/// Tells the owner whether requests are wanted, when that has changed.
void DocumentPort::heed_bounds() {
  // An acknowledgement that is due costs about this much, here and in the hub.
  constexpr std::size_t acknowledgement_bytes = 128;
  const std::size_t answers = frame_bytes_ + expected_.size() * acknowledgement_bytes;
  full_ = answers > (full_ ? answers_bytes_max / 2 : answers_bytes_max);
  const bool held = !live_ || !waiting_.empty() || (session_ && session_->congested());
  const bool wanted = lost_ || !(held || full_);
  if (std::exchange(reading_, wanted) != wanted) owner_.on_port_reading(wanted);
}

void DocumentPort::sync(PortRequest request) {
  // One at a time: each moves the place in the stream. What comes behind it keeps its order.
  if (syncing_) {
    stuck_ = true;
    return waiting_.push_front(std::move(request));
  }
  syncing_ = true;
  write_ended_ = false;
  if (request.state_vector) {
    const std::uint64_t token = expect({request.ack, "diff"});
    if (auto ok = session_->answer(request.bytes); !ok) return give_up(token, ok.error());
    return session_->acknowledge(token);
  }
  const std::uint64_t token = expect({request.ack, "full"});
  if (!request.version) return send_whole(token, "no-version");
  // Nothing goes out meanwhile: a later version must not come before what the client lacks.
  locating_ = true;
  history_.locate(document_, *request.version, hub_.executor(),
                  [self = weak_from_this(), token,
                   version = *request.version](base::result<hub::Located> located) {
                    const auto port = self.lock();
                    if (port && !port->lost_) port->on_located(token, version, std::move(located));
                  });
}

void DocumentPort::on_located(std::uint64_t token, hub::VersionName version,
                              base::result<hub::Located> located) {
  locating_ = false;
  owner_.on_port_output();
  if (!located) return give_up(token, located.error());
  if (located->where != hub::standing::known) {
    return send_whole(token, hub::describe(located->where));
  }
  expected(token)->recovery = "tail";
  session_->resume({version.offset.value + 1});
  if (!lost_) session_->acknowledge(token);
}

void DocumentPort::send_whole(std::uint64_t token, std::string_view reason) {
  expected(token)->reason = reason;
  if (auto ok = session_->answer(nothing_known); !ok) return give_up(token, ok.error());
  session_->acknowledge(token);
}

/// Refuses what an acknowledgement was expected for.
void DocumentPort::give_up(std::uint64_t token, const base::error& why) {
  const auto ack = expected(token)->ack;
  settle(token);
  refuse(ack, refusal_of(why));
}

void DocumentPort::message(const PortRequest& request) {
  const auto parts = protocol::split_envelope(request.bytes);
  if (!parts) return refuse(request.ack, {"bad-envelope", parts.error().message});
  if (request.channel == protocol::Channel::control) return control(request, parts->payload);

  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  if (!message || consumed != parts->payload.size()) {
    return refuse(request.ack, {"bad-envelope", message ? "the payload goes on behind its message"
                                                        : "payload: " + message.error().message});
  }
  const bool presence = message->type == yjs::message_type::awareness;
  const bool fits = request.channel == protocol::Channel::awareness
                        ? presence
                        : message->type == yjs::message_type::sync;
  if (!fits) {
    return refuse(request.ack, {"bad-envelope", "the payload is no message of its channel"});
  }
  if (presence) {
    // Clients show their presence unasked: who may not is not told off for it.
    if (!session_->permit().rights.awareness) return answer_now(request.ack);
    if (auto ok = session_->apply_awareness(message->body); !ok) {
      return refuse(request.ack, refusal_of(ok.error()));
    }
    return answer_now(request.ack);
  }
  if (message->sync != yjs::sync_type::step1) return edit(request, *message);
  PortRequest question{PortRequest::kind::sync, request.ack, {}, true};
  question.bytes = base::shared_bytes::copy_of(message->body);
  sync(std::move(question));
}

void DocumentPort::edit(const PortRequest& request, const yjs::ProtocolMessage& message) {
  if (write_ended_) {
    return refuse(request.ack, {"write-ended",
                                "an earlier edit of this connection was refused; ask for a "
                                "sync-request before others are sent"});
  }
  hub::Submission submission{.update = message.body,
                             .from_sync = message.sync == yjs::sync_type::step2,
                             .envelope = request.bytes};
  if (request.ack) submission.token = expect({request.ack});
  if (auto ok = session_->submit(submission); !ok) {
    write_ended_ = true;
    if (submission.token) return give_up(*submission.token, ok.error());
    refuse({}, refusal_of(ok.error()));
  }
}

void DocumentPort::control(const PortRequest& request, base::byte_view payload) {
  const std::size_t bytes_max = hub_.options().control_message_bytes_max;
  if (payload.size() > bytes_max) {
    return refuse(
        request.ack,
        {"too-large", "control message of " + std::to_string(payload.size()) + " bytes; " +
                          "hub.control_message_bytes_max is " + std::to_string(bytes_max)});
  }
  const auto said = nlohmann::json::parse(payload.begin(), payload.end(), nullptr, false);
  const auto type = said.is_object() ? said.find("type") : said.end();
  if (!said.is_object() || type == said.end() || !type->is_string()) {
    return refuse(request.ack,
                  {"bad-envelope", "a control message is a JSON object with a string \"type\""});
  }
  if (*type == "resync" || *type == "permission") {
    return refuse(request.ack,
                  {"bad-envelope", "control messages of the type " + type->get<std::string>() +
                                       " are the server's to send"});
  }
  if (auto ok = session_->send_control(payload); !ok) {
    return refuse(request.ack, refusal_of(ok.error()));
  }
  answer_now(request.ack);
}

// --- answers ------------------------------------------------------------------------------------

std::uint64_t DocumentPort::expect(Expected what) {
  expected_.push_back(what);
  return first_token_ + expected_.size() - 1;
}

DocumentPort::Expected* DocumentPort::expected(std::uint64_t token) {
  WEFT_CHECK(token >= first_token_ && token - first_token_ < expected_.size());
  return &expected_[token - first_token_];
}

void DocumentPort::settle(std::uint64_t token) {
  Expected& one = *expected(token);
  one.settled = true;
  if (!one.recovery.empty()) {
    // The next one may come; not from in here, where the hub may be in the middle of a collect.
    syncing_ = false;
    hub_.executor().post([self = weak_from_this()] {
      if (const auto port = self.lock()) port->handle_waiting();
    });
  }
  while (!expected_.empty() && expected_.front().settled) {
    expected_.pop_front();
    ++first_token_;
  }
}

void DocumentPort::on_acknowledged(std::uint64_t token, const hub::Acknowledgement& what,
                                   net::GatherSink& sink) {
  if (lost_) return;
  const Expected said = *expected(token);
  settle(token);
  if (!said.ack) return;
  std::string argument = "{";
  if (said.recovery.empty() && what.record) {
    positions_->write_record(*what.record, what.version, argument);
  } else {
    positions_->write_version(what.version, argument);
  }
  if (!said.recovery.empty()) {
    const bool whole = said.recovery == "tail" && what.whole;
    argument.append(R"(,"recovery":")").append(whole ? "full" : said.recovery).append("\"");
    if (!said.reason.empty()) argument.append(R"(,"reason":")").append(said.reason).append("\"");
  }
  sink.add(ack_frame(*said.ack, argument + "}"));
}

void DocumentPort::on_unacknowledged(std::uint64_t token, const base::error& why) {
  if (!lost_) give_up(token, why);
}

void DocumentPort::refuse(std::optional<std::uint64_t> ack, const Refusal& why) {
  queue(ack ? ack_error_frame(*ack, why) : error_frame(why, document_));
}

void DocumentPort::answer_now(std::optional<std::uint64_t> ack) {
  if (ack) queue(ack_frame(*ack, "{}"));
}

void DocumentPort::queue(base::shared_bytes frame) {
  frame_bytes_ += frame.size();
  frames_.push_back(std::move(frame));
  owner_.on_port_output();
}

void DocumentPort::collect(net::GatherSink& sink) {
  while (!frames_.empty()) {
    if (sink.room() == 0) return owner_.on_port_output();
    frame_bytes_ -= frames_.front().size();
    sink.add(std::move(frames_.front()));
    frames_.pop_front();
  }
  if (session_ && !lost_ && !locating_) session_->collect(sink);
  heed_bounds();
}

// --- the document -------------------------------------------------------------------------------

void DocumentPort::on_live() {
  live_ = true;
  positions_.emplace(document_, history_.log());
  // Who may not write is not asked for what they would not be allowed to send.
  if (session_->permit().rights.write) {
    ask_for_missing();
  } else {
    tell_permission();
  }
  session_->resend_awareness();
  handle_waiting();
}

void DocumentPort::ask_for_missing() {
  queue(message_frame(document_, "doc", yjs::encode_sync_step1(session_->state_vector())));
}

void DocumentPort::on_output() { owner_.on_port_output(); }

void DocumentPort::on_resync() {
  write_ended_ = false;
  queue(message_frame(document_, "control", base::as_bytes(R"({"type":"resync"})")));
  if (session_->permit().rights.write) ask_for_missing();
}

void DocumentPort::on_uncongested() { heed_bounds(); }

void DocumentPort::on_ended(const base::error& why) {
  if (std::exchange(lost_, true)) return;
  const Refusal refusal = refusal_of(why);
  for (const Expected& one : expected_) {
    if (!one.settled && one.ack) refuse(one.ack, refusal);
  }
  expected_.clear();
  for (const PortRequest& request : waiting_) {
    if (request.ack) refuse(request.ack, refusal);
  }
  waiting_.clear();
  refuse({}, refusal);
  heed_bounds();
  owner_.on_port_lost(refusal.retry);
  // The document need not wait for a client to take what it is told.
  hub_.executor().post([self = weak_from_this()] {
    if (const auto port = self.lock()) port->session_.reset();
  });
}

}  // namespace weft::gateway::socketio
