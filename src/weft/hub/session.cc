#include "weft/hub/session.h"

#include "weft/hub/live_document.h"
#include "weft/hub/session_extras.h"

namespace weft::hub {

Session::Session(std::shared_ptr<LiveDocument> document, std::uint64_t number,
                 const FramingSource& framing, SessionEvents& events, SessionInfo info)
    : document_(std::move(document)),
      number_(number),
      events_(events),
      info_(std::move(info)),
      envelopes_(document_->id(), protocol::Channel::doc, info_.sender_id) {
  document_->attach(*this, framing);
}

Session::~Session() { document_->detach(*this); }

base::byte_vector Session::state_vector() const {
  return yjs::encode_state_vector(document_->state_.held().structs);
}

base::log_offset Session::end() const { return document_->end(); }

base::result<void> Session::submit(const Submission& submission) {
  base::byte_vector reduced;
  auto novel = document_->admit(submission.update, submission.from_sync, info_.permit, reduced);
  if (!novel) return base::fail(std::move(novel.error()));
  LiveDocument::position_callback settled;
  if (submission.token) settled = settling(*submission.token);
  if (!*novel) {
    if (submission.token) document_->when_settled(std::move(settled));
    return {};
  }
  document_->append(
      {reduced.empty() ? submission.update : base::byte_view(reduced), info_, envelopes_, number_,
       submission.envelope, /*reduced=*/!reduced.empty() || submission.from_sync},
      std::move(settled));
  last_submission_ = document_->submitted_;
  return {};
}

void Session::acknowledge(std::uint64_t token) { document_->when_settled(settling(token)); }

/// What becomes of a token once its edit is settled; harmless when the session has gone.
log::callback<base::log_offset> Session::settling(std::uint64_t token) {
  extras();
  return [extras = std::weak_ptr(extras_), token](base::result<base::log_offset> settled) {
    const auto here = extras.lock();
    if (!here) return;
    Session& session = here->session;
    if (!settled) return session.events_.on_unacknowledged(token, settled.error());
    // No record at all is told as the end of an empty document.
    std::optional<base::log_offset> record;
    if (session.end().value > 0) record = *settled;
    here->acks.push_back({token, record});
    session.events_.on_output();
  };
}

SessionExtras& Session::extras() {
  if (!extras_) extras_ = std::make_shared<SessionExtras>(*this);
  return *extras_;
}

base::result<void> Session::renew(Permit permit) {
  auto ok =
      check_permit(permit, &Rights::read, "read this document", document_->parts_.executor.now());
  if (!ok) return ok;
  info_.permit = std::move(permit);
  if (!info_.permit.rights.awareness && document_->awareness_.withdraw(number_)) {
    document_->announce_awareness();
  }
  return {};
}

base::result<void> Session::answer(base::byte_view state_vector) {
  return document_->answer(*this, state_vector);
}

void Session::resume(base::log_offset from) {
  extras().whole = false;
  extras().delivered.reset();
  document_->resume(*this, from);
}

base::result<void> Session::send_control(base::byte_view message) {
  auto ok = check_permit(info_.permit, &Rights::control, "send control messages here",
                         document_->parts_.executor.turn_time());
  if (!ok) return ok;
  return document_->pass_control(*this, message);
}

base::result<void> Session::apply_awareness(base::byte_view awareness_update) {
  auto ok = check_permit(info_.permit, &Rights::awareness, "show their presence here",
                         document_->parts_.executor.turn_time());
  if (!ok) return ok;
  auto entries = yjs::decode_awareness(awareness_update);
  if (!entries) {
    return base::fail(errc::invalid_update, "awareness: " + entries.error().message);
  }
  for (const auto& entry : *entries) {
    if (!document_->awareness_.apply(entry, number_, last_submission_, document_->committed_)) {
      return base::fail(
          errc::too_large,
          "awareness: too many clients or bytes in this document, or a state beyond " +
              std::to_string(document_->options_.awareness_state_bytes_max) +
              " bytes (hub.awareness_… in the configuration)");
    }
  }
  count(document_->parts_.counters.awareness_updates);
  document_->announce_awareness();
  return {};
}

void Session::resend_awareness() {
  awareness_seen_ = 0;
  events_.on_output();
}

bool Session::congested() const { return document_->congested(); }

void Session::collect(net::GatherSink& sink) {
  document_->collect(*this, sink);
  if (document_->trace_ && direct_.empty()) [[unlikely]] {
    document_->trace_->on_collected(number_, next_offset_, sink);
  }
}

}  // namespace weft::hub
