// What goes out beside edits and is not durable: control messages and presence.

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/session_extras.h"

namespace weft::hub {

// --- control ------------------------------------------------------------------------------------

base::result<void> LiveDocument::pass_control(const Session& from, base::byte_view message) {
  if (message.size() > options_.control_message_bytes_max) {
    return base::fail(errc::too_large, "control message of " + std::to_string(message.size()) +
                                           " bytes exceeds control_message_bytes_max = " +
                                           std::to_string(options_.control_message_bytes_max));
  }
  count(parts_.counters.control_messages);
  std::vector<base::shared_bytes> frames;
  for (const auto& ring : rings_) frames.push_back(ring->framing->frame_control(message));
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    const base::shared_bytes& frame = frames[session->ring_];
    if (session == &from || !session->live_ || frame.empty()) continue;
    SessionExtras& extras = session->extras();
    extras.control.push_back(frame);
    extras.control_bytes += frame.size();
    while (extras.control_bytes > options_.control_bytes_max && extras.control.size() > 1) {
      extras.control_bytes -= extras.control.front().size();
      extras.control.pop_front();
      count(parts_.counters.control_dropped);
    }
    session->events_.on_output();
  }
  return {};
}

void LiveDocument::collect_control(Session& session, net::GatherSink& sink) {
  SessionExtras& extras = *session.extras_;
  while (!extras.control.empty()) {
    if (sink.room() == 0) return session.events_.on_output();
    extras.control_bytes -= extras.control.front().size();
    sink.add(std::move(extras.control.front()));
    extras.control.pop_front();
    session.quiet_ = false;
  }
}

// --- presence -----------------------------------------------------------------------------------

void LiveDocument::announce_awareness() {
  if (awareness_timer_ != 0) return;
  const auto next = last_awareness_ + options_.awareness_tick;
  const auto now = parts_.executor.now();
  awareness_timer_ = parts_.executor.schedule(next > now ? next - now : std::chrono::nanoseconds(0),
                                              [self = weak_from_this()] {
                                                if (const auto document = self.lock())
                                                  document->flush_awareness();
                                              });
}

void LiveDocument::flush_awareness() {
  awareness_timer_ = 0;
  last_awareness_ = parts_.executor.now();
  awareness_due_ = awareness_.last_change();
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    if (session->live_ && session->awareness_seen_ < awareness_.last_change()) {
      session->events_.on_output();
    }
  }
}

void LiveDocument::collect_awareness(Session& session, net::GatherSink& sink) {
  // Once a tick, however often edits make a session send; then with everything that is known.
  const bool due = session.awareness_seen_ < awareness_due_;
  const Framing& framing = rings_[session.ring_]->frames.framing();
  if (sink.room() == 0) {
    // Edits have filled this send to the last byte; nothing else might ask for another.
    if (due || session.keepalive_due_) session.events_.on_output();
    return;
  }
  if (due) {
    const std::uint64_t newest = awareness_.last_change();
    auto& shared = rings_[session.ring_]->awareness;
    if (shared.from != session.awareness_seen_ || shared.to != newest) {
      shared.from = session.awareness_seen_;
      shared.to = newest;
      shared.frame =
          framing.frame_awareness(awareness_.changes_since(shared.from, shared.only_from));
    }
    session.awareness_seen_ = newest;
    if (shared.only_from != session.number_) {
      sink.add(shared.frame);
      session.quiet_ = false;
    }
  }
  if (session.keepalive_due_) {
    session.keepalive_due_ = false;
    const std::uint8_t nobody = 0;
    sink.add(framing.frame_awareness({&nobody, 1}));
  }
}

void LiveDocument::end_expired() {
  const auto now = parts_.executor.now();
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    // Whoever has a session may read: it can only fail for the time.
    const auto ok = check_permit(session->permit(), &Rights::read, "read this document", now);
    if (!ok) session->events_.on_ended(ok.error());
  }
}

void LiveDocument::keepalive() {
  end_expired();
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    if (session->live_ && session->quiet_) {
      session->keepalive_due_ = true;
      session->events_.on_output();
    }
    session->quiet_ = true;
  }
  // By the second tick after it every client has been told or has timed the presence out itself.
  awareness_.forget_withdrawn(awareness_at_last_tick_);
  awareness_at_last_tick_ = awareness_at_this_tick_;
  awareness_at_this_tick_ = awareness_.last_change();
}

}  // namespace weft::hub
