#include "weft/gateway/http/presence.h"

#include "weft/gateway/base64.h"
#include "weft/gateway/batch_sink.h"
#include "weft/gateway/http/event_stream.h"
#include "weft/hub/errc.h"

namespace weft::gateway::http {

namespace {

/// Of one batch, about; what does not fit comes with the next one, in its latest state.
constexpr std::size_t batch_bytes_max = 256u << 10;

}  // namespace

std::size_t PresenceFraming::write_header(const hub::FrameInfo&, std::uint8_t*) const {
  base::invariant_broken("an edit for a session that hears none", __FILE__, __LINE__);
}

base::shared_bytes PresenceFraming::frame_awareness(base::byte_view awareness_update) const {
  if (awareness_update.size() == 1 && awareness_update[0] == 0) return {};
  std::string data = R"({"update":")";
  append_base64(awareness_update, data);
  return base::shared_bytes::copy_of(base::as_bytes(event_text("awareness", {}, data + "\"}")));
}

void PresenceEnd::start() {
  ticket_.table.add(ticket_.stream, weak_from_this());
  auto joined = ticket_.hub.join(ticket_.document, ticket_.framing, *this, ticket_.who);
  if (!joined) return end_with(std::move(joined.error()));
  session_ = std::move(*joined);
}

void PresenceEnd::end() {
  ticket_.table.remove(ticket_.stream);
  session_.reset();
  refuse_waiting({make_error_code(hub::errc::unavailable), "the event stream has ended"});
}

void PresenceEnd::show(base::byte_vector awareness_update, log::callback<void> done) {
  if (ended_) return done(base::fail(base::error(*ended_)));
  if (live_) return done(session_->apply_awareness(awareness_update));
  if (waiting_) {
    return done(base::fail(hub::errc::unavailable,
                           "the document is still loading, and another one waits for that"));
  }
  waiting_ = {std::move(awareness_update), std::move(done)};
}

void PresenceEnd::refuse_waiting(const base::error& why) {
  auto waiting = std::exchange(waiting_, std::nullopt);
  if (waiting) waiting->done(base::fail(base::error(why)));
}

void PresenceEnd::on_live() {
  live_ = true;
  auto waiting = std::exchange(waiting_, std::nullopt);
  if (waiting) waiting->done(session_->apply_awareness(waiting->update));
  session_->resend_awareness();
}

void PresenceEnd::on_output() {
  more_ = true;
  if (scheduled_ || under_way_) return;
  scheduled_ = true;
  executor().at_turn_end([self = weak_from_this()] {
    if (const auto end = self.lock()) end->send();
  });
}

void PresenceEnd::send() {
  scheduled_ = false;
  if (!session_ || under_way_) return;
  more_ = false;
  under_way_ = true;  // the session may ask for another one meanwhile: it waits for this one
  BatchSink sink(batch_bytes_max);
  session_->collect(sink);
  under_way_ = !sink.frames.empty();
  if (under_way_) {
    stream_.post([slot = slot_, events = std::move(sink.frames)]() mutable {
      if (const auto listener = slot.lock()) (*listener)->on_presence(std::move(events));
    });
  } else if (more_) {
    on_output();
  }
}

void PresenceEnd::taken() {
  under_way_ = false;
  if (more_) on_output();
}

void PresenceEnd::on_ended(const base::error& why) {
  end_with(why);
  // Not in here: the session may be in the middle of a call to this.
  executor().post([self = weak_from_this()] {
    if (const auto end = self.lock()) end->session_.reset();
  });
}

void PresenceEnd::end_with(base::error why) {
  live_ = false;
  refuse_waiting(why);
  stream_.post([slot = slot_, why] {
    if (const auto listener = slot.lock()) (*listener)->on_presence_ended(why);
  });
  ended_ = std::move(why);
}

std::shared_ptr<PresenceEnd> PresenceTable::find(const std::string& stream,
                                                 const base::DocumentId& document,
                                                 const std::string& identity) const {
  const auto it = ends_.find(stream);
  auto end = it == ends_.end() ? nullptr : it->second.lock();
  return end && end->belongs_to(document, identity) ? end : nullptr;
}

}  // namespace weft::gateway::http
