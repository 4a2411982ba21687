// The way out: from committed edits to what each session sends. Sessions hold cursors; this file
// moves them.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"

namespace weft::hub {

// --- joining and leaving ------------------------------------------------------------------------

void LiveDocument::attach(Session& session) {
  std::size_t ring = 0;
  while (ring < rings_.size() && &rings_[ring]->frames.framing() != &session.framing_) ++ring;
  if (ring == rings_.size()) {
    rings_.push_back(std::make_unique<Ring>(FrameRing(session.framing_, options_.ring_bytes_max)));
  }
  session.ring_ = ring;
  session.cursor_ = rings_[ring]->frames.end();
  session.next_offset_ = state_.end();
  sessions_.push_back(&session);
  count(parts_.counters.sessions);
  if (phase_ == Phase::loading) return;
  // Told in a turn of its own, so that the caller has its Session in hand.
  parts_.executor.post([self = weak_from_this(), number = session.number_] {
    const auto document = self.lock();
    Session* joined = document ? document->find_session(number) : nullptr;
    if (!joined) return;
    if (document->phase_ == Phase::broken) {
      return joined->events_.on_ended(*document->why_broken_);
    }
    if (document->phase_ != Phase::live || joined->live_) return;
    joined->live_ = true;
    joined->events_.on_live();
  });
}

void LiveDocument::detach(Session& session) {
  std::erase(sessions_, &session);
  uncount(parts_.counters.sessions);
  mark_caught_up(session);
  if (awareness_.withdraw(session.number_)) announce_awareness();
  if (sessions_.empty()) note_idle();
}

Session* LiveDocument::find_session(std::uint64_t number) {
  for (Session* session : sessions_) {
    if (session->number_ == number) return session;
  }
  return nullptr;
}

// --- edits --------------------------------------------------------------------------------------

void LiveDocument::publish_frames(const std::vector<OutgoingEdit>& edits) {
  if (edits.empty()) return;
  const bool one_origin = std::all_of(edits.begin(), edits.end(), [&](const OutgoingEdit& e) {
    return e.origin == edits.front().origin;
  });
  for (auto& ring : rings_) ring->frames.publish(edits);
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    Ring& ring = *rings_[session->ring_];
    const bool only_its_own = one_origin && edits.front().origin == session->number_;
    if (only_its_own && !session->behind_ && !session->catching_up_) {
      session->cursor_ = ring.frames.end();
      session->next_offset_.value = edits.back().offset.value + 1;
      continue;
    }
    if (!session->behind_) {
      session->behind_ = true;
      ++ring.behind;
    }
    if (session->live_) session->events_.on_output();
  }
  for (auto& ring : rings_) {
    if (ring->behind == 0) ring->frames.clear();
  }
}

void LiveDocument::mark_caught_up(Session& session) {
  if (!session.behind_) return;
  session.behind_ = false;
  Ring& ring = *rings_[session.ring_];
  if (--ring.behind == 0) ring.frames.clear();
}

void LiveDocument::collect(Session& session, net::GatherSink& sink) {
  if (!session.live_) return;
  while (!session.direct_.empty() && sink.room() > 0) {
    // Header and body go together: a newer answer may replace what still waits.
    sink.add(std::move(session.direct_.front().header));
    sink.add(std::move(session.direct_.front().body));
    session.direct_.pop_front();
    session.quiet_ = false;
  }
  if (!session.direct_.empty()) return session.events_.on_output();
  if (session.behind_ && !session.catching_up_) {
    const FrameRing& ring = rings_[session.ring_]->frames;
    if (session.cursor_ < ring.begin()) {
      start_catch_up(session);
    } else {
      session.cursor_ = ring.collect(session.cursor_, session.number_, sink, session.next_offset_);
      session.quiet_ = false;
      if (session.cursor_ < ring.end()) return session.events_.on_output();
      mark_caught_up(session);
    }
  }
  // Presence never overtakes edits: it goes only when no edit waits.
  if (!session.behind_ && session.direct_.empty()) collect_awareness(session, sink);
}

// --- slow readers -------------------------------------------------------------------------------

void LiveDocument::start_catch_up(Session& session) {
  session.catching_up_ = true;
  count(parts_.counters.catch_ups);
  if (last_catch_up_.from == session.next_offset_ && !last_catch_up_.update.empty() &&
      rings_[session.ring_]->frames.cursor_at(last_catch_up_.to)) {
    log::ReadResult known;
    known.next = last_catch_up_.to;
    return finish_catch_up(session.number_, std::move(known));
  }
  // More than this and the whole state is the smaller answer.
  const std::size_t worth_reading =
      state_.base().size() + state_.tail_bytes() + options_.ring_bytes_max;
  parts_.log.read(id_, session.next_offset_, worth_reading, parts_.executor,
                  [self = weak_from_this(), number = session.number_,
                   from = session.next_offset_](base::result<log::ReadResult> read) {
                    const auto document = self.lock();
                    if (!document || document->phase_ != Phase::live) return;
                    if (read && !read->more) {
                      std::vector<base::byte_view> updates;
                      for (const auto& entry : read->records) {
                        const auto parts = protocol::split_envelope(entry.record.envelope);
                        std::size_t consumed = 0;
                        const auto message = parts ? yjs::decode_message(parts->payload, consumed)
                                                   : base::result<yjs::ProtocolMessage>(
                                                         base::fail(base::error(parts.error())));
                        if (!message) {
                          read = base::fail(base::error(message.error()));
                          break;
                        }
                        updates.push_back(message->body);
                      }
                      if (read) {
                        auto merged = yjs::compact(updates);
                        if (merged) {
                          document->last_catch_up_ = {
                              from, read->next, base::shared_bytes::adopt(std::move(*merged))};
                        } else {
                          read = base::fail(std::move(merged.error()));
                        }
                      }
                    }
                    document->finish_catch_up(number, std::move(read));
                  });
}

void LiveDocument::finish_catch_up(std::uint64_t session_number,
                                   base::result<log::ReadResult> read) {
  Session* session = find_session(session_number);
  if (!session || !session->catching_up_) return;  // gone, or a sync answer brought everything
  session->catching_up_ = false;
  const FrameRing& ring = rings_[session->ring_]->frames;
  // A remainder that is larger than the document, or that cannot be read: the state is at hand.
  const auto cursor = !read || read->more ? std::nullopt : ring.cursor_at(read->next);
  const auto queued = cursor ? queue_update(*session, last_catch_up_.update, yjs::sync_type::update)
                             : queue_whole_state(*session);
  if (!queued) return session->events_.on_ended(queued.error());
  if (cursor) {
    session->cursor_ = *cursor;
    session->next_offset_ = read->next;
    if (session->cursor_ == ring.end()) mark_caught_up(*session);
  }
  session->events_.on_output();
}

// --- sync answers -------------------------------------------------------------------------------

base::result<void> LiveDocument::answer(Session& session, base::byte_view state_vector) {
  if (phase_ == Phase::broken) return base::fail(base::error(*why_broken_));
  // The new answer holds everything committed: it replaces an older one that still waits.
  session.direct_.clear();
  session.catching_up_ = false;
  base::result<void> queued;
  if (state_vector.size() == 1 && state_vector[0] == 0) {
    queued = queue_whole_state(session);
  } else {
    auto news = state_.diff(state_vector);
    if (!news) return base::fail(errc::invalid_update, news.error().message);
    // What is nearly everything is sent as everything: those bytes are shared, a diff is not.
    if (news->size() > options_.answer_private_bytes_min &&
        news->size() > (state_.base().size() + state_.tail_bytes()) / 2) {
      queued = queue_whole_state(session);
      if (queued) session.events_.on_output();
      return queued;
    }
    queued =
        queue_update(session, base::shared_bytes::adopt(std::move(*news)), yjs::sync_type::step2);
  }
  if (queued) session.events_.on_output();
  return queued;
}

void LiveDocument::queue_frame(Session& session, yjs::sync_type type, base::shared_bytes update) {
  std::uint8_t header[Framing::header_bytes_max];
  const std::size_t n = session.framing_.write_header(type, update.size(), header);
  session.direct_.push_back({base::shared_bytes::copy_of({header, n}), std::move(update)});
}

base::result<void> LiveDocument::queue_whole_state(Session& session) {
  auto news = state_.merged_tail();
  if (!news) return base::fail(errc::broken, news.error().message);
  const auto& whole = state_.base();
  if (base_slices_.empty() && !whole.empty()) {
    if (whole.size() <= options_.answer_slice_bytes) {
      base_slices_.push_back(whole);
    } else {
      auto parts = yjs::split(whole, options_.answer_slice_bytes);
      if (!parts) return base::fail(errc::broken, parts.error().message);
      for (auto& part : *parts) base_slices_.push_back(base::shared_bytes::adopt(std::move(part)));
    }
  }
  session.direct_.clear();
  const bool tail_carries = !state_.tail().empty();
  for (std::size_t i = 0; i < base_slices_.size(); ++i) {
    const bool last = i + 1 == base_slices_.size() && !tail_carries;
    queue_frame(session, last ? yjs::sync_type::step2 : yjs::sync_type::update, base_slices_[i]);
  }
  if (tail_carries || base_slices_.empty()) {
    queue_frame(session, yjs::sync_type::step2, *news);
  }
  session.cursor_ = rings_[session.ring_]->frames.end();
  session.next_offset_ = state_.end();
  mark_caught_up(session);
  return {};
}

base::result<void> LiveDocument::queue_update(Session& session, base::shared_bytes update,
                                              yjs::sync_type last) {
  if (update.size() <= options_.answer_slice_bytes) {
    queue_frame(session, last, std::move(update));
  } else {
    auto parts = yjs::split(update, options_.answer_slice_bytes);
    if (!parts) return base::fail(errc::broken, parts.error().message);
    for (std::size_t i = 0; i < parts->size(); ++i) {
      queue_frame(session, i + 1 == parts->size() ? last : yjs::sync_type::update,
                  base::shared_bytes::adopt(std::move((*parts)[i])));
    }
  }
  if (last == yjs::sync_type::step2) {
    session.cursor_ = rings_[session.ring_]->frames.end();
    session.next_offset_ = state_.end();
    mark_caught_up(session);
  }
  return {};
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
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    if (session->live_ && session->awareness_seen_ < awareness_.last_change()) {
      session->events_.on_output();
    }
  }
}

void LiveDocument::collect_awareness(Session& session, net::GatherSink& sink) {
  if (sink.room() == 0) return;
  const std::uint64_t newest = awareness_.last_change();
  if (session.awareness_seen_ < newest) {
    auto& shared = shared_awareness_;
    if (shared.from != session.awareness_seen_ || shared.to != newest ||
        shared.framing != &session.framing_) {
      shared.from = session.awareness_seen_;
      shared.to = newest;
      shared.framing = &session.framing_;
      shared.frame =
          session.framing_.frame_awareness(awareness_.changes_since(shared.from, shared.only_from));
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
    sink.add(session.framing_.frame_awareness({&nobody, 1}));
  }
}

void LiveDocument::keepalive() {
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
