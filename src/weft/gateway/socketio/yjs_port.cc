#include "weft/gateway/socketio/yjs_port.h"

#include "weft/hub/errc.h"

namespace weft::gateway::socketio {

YjsPort::YjsPort(hub::Hub& hub, const YjsFramings& framings, YjsName name, hub::SessionInfo who,
                 PortOwner& owner)
    : hub_(hub), framings_(framings), name_(std::move(name)), who_(std::move(who)), owner_(owner) {}

void YjsPort::start() {
  auto joined = hub_.join(name_.document, framings_.of(name_), *this, who_);
  if (!joined) return end(joined.error());
  session_ = std::move(*joined);
}

// --- requests -----------------------------------------------------------------------------------

void YjsPort::request(PortRequest request) {
  if (lost_) return;
  if (live_) {
    handle(request);
  } else {
    waiting_.push_back(std::move(request));
  }
  heed_bounds();
}

void YjsPort::handle(const PortRequest& request) {
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(request.bytes, consumed);
  WEFT_CHECK(message && consumed == request.bytes.size());  // the gateway has made it
  if (auto ok = take(*message, request.ack); !ok) end(ok.error());
}

base::result<void> YjsPort::take(const yjs::ProtocolMessage& message,
                                 std::optional<std::uint64_t> ack) {
  const hub::Rights& rights = session_->permit().rights;
  if (message.type == yjs::message_type::awareness) {
    // Clients show their presence unasked, and nothing depends on it: they may go on without.
    if (!rights.awareness) return {};
    if (auto ok = session_->apply_awareness(message.body); !ok) {
      queue(yjs_error_frame(name_, refusal_of(ok.error())));
    }
    return {};
  }
  if (message.sync == yjs::sync_type::step1) return answer(message.body, ack);
  const bool asked_for = message.sync == yjs::sync_type::step2;
  // Readers are asked too, as that makes them synced; what they have is not for this document.
  if (asked_for && !rights.write) return {};
  return session_->submit({.update = message.body, .from_sync = asked_for});
}

base::result<void> YjsPort::answer(base::byte_view state_vector, std::optional<std::uint64_t> ack) {
  // While an answer is on its way, it and the stream behind it hold whatever this client lacks.
  if (answers_ == 0) {
    if (auto ok = session_->answer(state_vector); !ok) return ok;
  }
  ++answers_;
  session_->acknowledge(ack.value_or(no_ack));
  return {};
}

/// Tells the owner whether requests are wanted, when that has changed.
void YjsPort::heed_bounds() {
  const bool held = !live_ || answers_ > answers_max || (session_ && session_->congested());
  const bool wanted = lost_ || !held;
  if (std::exchange(reading_, wanted) != wanted) owner_.on_port_reading(wanted);
}

// --- answers ------------------------------------------------------------------------------------

void YjsPort::on_acknowledged(std::uint64_t token, const hub::Acknowledgement&,
                              net::GatherSink& sink) {
  if (lost_) return;
  --answers_;
  if (token != no_ack) sink.add(yjs_answered_frame(name_, token));
  // Not sooner: clients take the question for the sign that they have everything.
  if (!std::exchange(asked_, true)) sink.add(question());
}

void YjsPort::on_unacknowledged(std::uint64_t token, const base::error&) {
  unsettled_.push_back(token);
}

base::shared_bytes YjsPort::question() const {
  return yjs_question_frame(name_, session_->state_vector());
}

void YjsPort::queue(base::shared_bytes frame) {
  frames_.push_back(std::move(frame));
  owner_.on_port_output();
}

void YjsPort::collect(net::GatherSink& sink) {
  while (!frames_.empty()) {
    if (sink.room() == 0) return owner_.on_port_output();
    sink.add(std::move(frames_.front()));
    frames_.pop_front();
  }
  if (session_ && !lost_) session_->collect(sink);
  heed_bounds();
}

// --- the document -------------------------------------------------------------------------------

void YjsPort::on_live() {
  live_ = true;
  session_->resend_awareness();
  for (; !waiting_.empty() && !lost_; waiting_.pop_front()) handle(waiting_.front());
  heed_bounds();
}

void YjsPort::on_output() { owner_.on_port_output(); }

void YjsPort::on_resync() {
  for (const std::uint64_t token : std::exchange(unsettled_, {})) session_->acknowledge(token);
  if (asked_) queue(question());
}

void YjsPort::on_uncongested() { heed_bounds(); }

void YjsPort::on_ended(const base::error& why) { end(why); }

void YjsPort::end(const base::error& why) {
  if (std::exchange(lost_, true)) return;
  const Refusal refusal = refusal_of(why);
  queue(yjs_error_frame(name_, refusal));
  heed_bounds();
  // A document that is broken may be repaired.
  owner_.on_port_lost(refusal.retry || why.code == hub::errc::broken);
  // Not in here: the session may be in the middle of a call to this.
  hub_.executor().post([self = weak_from_this()] {
    if (const auto port = self.lock()) port->session_.reset();
  });
}

}  // namespace weft::gateway::socketio
