#include "weft/hub/session.h"

#include "weft/hub/live_document.h"

namespace weft::hub {

Session::Session(std::shared_ptr<LiveDocument> document, std::uint64_t number,
                 const Framing& framing, SessionEvents& events, SessionInfo info)
    : document_(std::move(document)),
      number_(number),
      framing_(framing),
      events_(events),
      info_(std::move(info)),
      envelopes_(document_->id(), protocol::Channel::doc, info_.sender_id) {
  document_->attach(*this);
}

Session::~Session() { document_->detach(*this); }

base::byte_vector Session::state_vector() const {
  return yjs::encode_state_vector(document_->state_.held().structs);
}

base::result<void> Session::submit(base::byte_view update, bool from_sync) {
  base::byte_vector reduced;
  auto novel = document_->admit(update, from_sync, reduced);
  if (!novel) return base::fail(std::move(novel.error()));
  if (!*novel) return {};
  document_->append(reduced.empty() ? update : base::byte_view(reduced), info_, envelopes_, number_,
                    {});
  last_submission_ = document_->submitted_;
  return {};
}

base::result<void> Session::answer(base::byte_view state_vector) {
  return document_->answer(*this, state_vector);
}

base::result<void> Session::apply_awareness(base::byte_view awareness_update) {
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
