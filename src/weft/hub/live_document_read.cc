// The way out: from committed edits to what each session sends. Sessions hold cursors; this file
// moves them.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/session_extras.h"

namespace weft::hub {

// --- joining and leaving ------------------------------------------------------------------------

void LiveDocument::attach(Session& session, const FramingSource& framing) {
  std::size_t ring = 0;
  while (ring < rings_.size() && &rings_[ring]->source != &framing) ++ring;
  if (ring == rings_.size()) {
    rings_.push_back(std::make_unique<Ring>(framing, framing.framing_of(id_, parts_.log),
                                            options_.ring_bytes_max));
    rings_.back()->frames.begin_at(state_.end());
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
  if (trace_) [[unlikely]]
    trace_->on_left(session.number_);
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
  std::vector<Session*> readers;
  readers.reserve(sessions_.size());
  for (Session* session : sessions_) {
    Ring& ring = *rings_[session->ring_];
    const bool only_its_own = one_origin && edits.front().origin == session->number_;
    if ((only_its_own && !session->behind_ && !session->catching_up_) || !hears_edits(*session)) {
      session->cursor_ = ring.frames.end() + edits.size();
      session->next_offset_.value = edits.back().offset.value + 1;
      continue;
    }
    if (!session->behind_) {
      session->behind_ = true;
      ++ring.behind;
    }
    if (session->live_) readers.push_back(session);
  }
  // Framed only for whom somebody reads.
  for (auto& ring : rings_) {
    if (ring->behind == 0) {
      ring->frames.pass(edits);
    } else {
      ring->frames.publish(edits);
    }
  }
  for (Session* session : readers) session->events_.on_output();
}

void LiveDocument::mark_caught_up(Session& session) {
  if (!session.behind_) return;
  session.behind_ = false;
  Ring& ring = *rings_[session.ring_];
  if (--ring.behind != 0) return;
  ring.frames.clear();
  const bool nobody =
      std::all_of(rings_.begin(), rings_.end(), [](const auto& each) { return each->behind == 0; });
  if (nobody) last_catch_up_.reset();
}

void LiveDocument::collect(Session& session, net::GatherSink& sink) {
  if (!session.live_) return;
  if (!collect_direct(session, sink)) return;
  if (!collect_edits(session, sink)) return;
  if (session.extras_) [[unlikely]]
    collect_control(session, sink);
  // Presence never overtakes edits: it goes only when no edit waits.
  if (!session.behind_ && session.direct_.empty()) collect_awareness(session, sink);
}

/// Edits and, each at its place among them, the acknowledgements of the session's own. False when
/// the sink is full; the session is then told to come again.
bool LiveDocument::collect_edits(Session& session, net::GatherSink& sink) {
  const FrameRing& ring = rings_[session.ring_]->frames;
  while (true) {
    base::log_offset until{UINT64_MAX};
    if (session.extras_) [[unlikely]] {
      collect_acknowledgements(session, sink);
      const auto& acks = session.extras_->acks;
      if (!acks.empty() && acks.front().record) until.value = acks.front().record->value + 1;
    }
    if (!session.behind_ || session.catching_up_) return true;
    if (session.cursor_ < ring.begin()) {
      start_catch_up(session);
      return true;
    }
    session.cursor_ =
        ring.collect(session.cursor_, session.number_, sink, session.next_offset_, until);
    session.quiet_ = false;
    if (session.cursor_ == ring.end()) {
      mark_caught_up(session);
      if (!session.extras_) return true;
    } else if (sink.room() == 0) {
      session.events_.on_output();
      return false;
    } else {
      // Nothing more lies before the record that is to be acknowledged.
      session.next_offset_ = std::max(session.next_offset_, until);
    }
  }
}

void LiveDocument::collect_acknowledgements(Session& session, net::GatherSink& sink) {
  auto& acks = session.extras_->acks;
  while (!acks.empty()) {
    const SessionExtras::Due due = acks.front();
    if (due.record && *due.record >= session.next_offset_) return;
    if (sink.room() == 0) return session.events_.on_output();
    acks.pop_front();
    session.quiet_ = false;
    const SessionExtras& extras = *session.extras_;
    std::optional<base::log_offset> version;
    if (!recovering_) version = std::max(due.record, extras.delivered);
    session.events_.on_acknowledged(due.token, {due.record, version, extras.whole}, sink);
  }
}

void LiveDocument::resume(Session& session, base::log_offset from) {
  session.direct_.clear();
  stop_catching_up(session);
  Ring& ring = *rings_[session.ring_];
  session.next_offset_ = std::min(from, state_.end());
  session.cursor_ = ring.frames.end();
  if (session.next_offset_ == state_.end()) return mark_caught_up(session);
  if (!session.behind_) {
    session.behind_ = true;
    ++ring.behind;
  }
  const auto cursor = ring.frames.cursor_at(session.next_offset_);
  if (cursor) {
    session.cursor_ = *cursor;
  } else {
    start_catch_up(session);
  }
  session.events_.on_output();
}

// --- slow readers -------------------------------------------------------------------------------

namespace {

/// Is a remainder [begin, to) good for a reader that lacks what follows `from`? What it has already
/// does no harm, but should be no more than a quarter.
bool serves(base::log_offset begin, base::log_offset to, base::log_offset from) {
  return begin <= from && from <= to && (from.value - begin.value) * 4 <= to.value - begin.value;
}

/// An update in parts that may be taken one after the other.
base::result<std::vector<base::shared_bytes>> parts_of(base::shared_bytes update,
                                                       std::size_t part_bytes_max) {
  std::vector<base::shared_bytes> out;
  if (update.size() <= part_bytes_max) {
    out.push_back(std::move(update));
    return out;
  }
  auto parts = yjs::split(update, part_bytes_max);
  if (!parts) return base::fail(std::move(parts.error()));
  for (auto& part : *parts) out.push_back(base::shared_bytes::adopt(std::move(part)));
  return out;
}

}  // namespace

void LiveDocument::start_catch_up(Session& session) {
  session.catching_up_ = true;
  count(parts_.counters.catch_ups);
  const base::log_offset from = session.next_offset_;
  // A reader that stalls is rarely alone: those that fell off at about one place share one read.
  if (last_catch_up_ && serves(last_catch_up_->from, last_catch_up_->to, from) &&
      rings_[session.ring_]->frames.cursor_at(last_catch_up_->to)) {
    return give_missed(session, std::optional(last_catch_up_));
  }
  for (CatchUpRead& under_way : catch_up_reads_) {
    if (serves(under_way.from, state_.end(), from)) {
      return under_way.sessions.push_back(session.number_);
    }
  }
  count(parts_.counters.catch_up_reads);
  catch_up_reads_.push_back({from, {session.number_}});
  read_missed(from);
}

/// A read that is under way for it is not for the place where it stands now.
void LiveDocument::stop_catching_up(Session& session) {
  session.catching_up_ = false;
  for (CatchUpRead& read : catch_up_reads_) std::erase(read.sessions, session.number_);
}

void LiveDocument::read_missed(base::log_offset from) {
  // More than this and the whole state is the smaller answer.
  const std::size_t worth_reading = state_.bytes() + options_.ring_bytes_max;
  parts_.log.read(id_, from, worth_reading, parts_.executor,
                  [self = weak_from_this(), from](base::result<log::ReadResult> read) {
                    const auto document = self.lock();
                    if (!document || document->phase_ != Phase::live) return;
                    // What cannot be read, or is larger than the document: the state is at hand.
                    // And while a failed append is looked into, the log may hold what the state
                    // does not: nobody may see that before a later joiner would get it.
                    if (!read || read->more || document->recovering_) {
                      return document->end_catch_up_read(from, {});
                    }
                    document->merge_missed(from, std::move(*read));
                  });
}

void LiveDocument::merge_missed(base::log_offset from, log::ReadResult read) {
  if (read.records.empty()) return end_catch_up_read(from, {});
  std::vector<base::shared_bytes> updates;
  updates.reserve(read.records.size());
  for (const auto& entry : read.records) {
    auto update = update_of(entry);
    if (!update) return end_catch_up_read(from, {});
    updates.push_back(std::move(*update));
  }
  parts_.background.post([self = weak_from_this(), &executor = parts_.executor, from,
                          to = read.next, last = read.records.back().offset,
                          part_bytes_max = options_.answer_slice_bytes,
                          updates = std::move(updates)]() mutable {
    auto merged = yjs::compact(std::vector<base::byte_view>(updates.begin(), updates.end()));
    updates.clear();
    std::optional<CatchUp> missed;
    if (merged) {
      // Here and once: a large remainder would else be cut, and kept, for each reader.
      auto parts = parts_of(base::shared_bytes::adopt(std::move(*merged)), part_bytes_max);
      if (parts) missed = {from, to, last, std::move(*parts)};
    }
    executor.post([self, from, missed = std::move(missed)]() mutable {
      const auto document = self.lock();
      if (!document || document->phase_ != Phase::live) return;
      document->end_catch_up_read(from, std::move(missed));
    });
  });
}

void LiveDocument::end_catch_up_read(base::log_offset from, std::optional<CatchUp> missed) {
  const auto it = std::find_if(catch_up_reads_.begin(), catch_up_reads_.end(),
                               [&](const CatchUpRead& read) { return read.from == from; });
  const auto waiting = std::move(it->sessions);
  catch_up_reads_.erase(it);
  // Before anybody is given it: it goes when nobody is behind any more.
  if (missed) last_catch_up_ = missed;
  for (const std::uint64_t number : waiting) {
    Session* session = find_session(number);
    // Gone, or a sync answer has brought everything meanwhile.
    if (!session || !session->catching_up_) continue;
    if (missed && session->next_offset_ > missed->to) {
      // It came while this was read, with more than that.
      session->catching_up_ = false;
      session->events_.on_output();
      continue;
    }
    give_missed(*session, missed);
  }
}

void LiveDocument::give_missed(Session& session, const std::optional<CatchUp>& missed) {
  session.catching_up_ = false;
  const FrameRing& ring = rings_[session.ring_]->frames;
  const auto cursor = missed ? ring.cursor_at(missed->to) : std::nullopt;
  if (!cursor) {
    if (auto queued = queue_whole_state(session); !queued) {
      return session.events_.on_ended(queued.error());
    }
  } else {
    for (const auto& part : missed->parts) {
      maybe_version delivered;
      if (&part == &missed->parts.back()) delivered = missed->last;
      queue_frame(session, yjs::sync_type::update, part, delivered);
    }
    session.cursor_ = *cursor;
    session.next_offset_ = missed->to;
    if (session.cursor_ == ring.end()) mark_caught_up(session);
  }
  session.events_.on_output();
}

// --- sync answers -------------------------------------------------------------------------------

base::result<void> LiveDocument::answer(Session& session, base::byte_view state_vector) {
  if (phase_ == Phase::broken) return base::fail(base::error(*why_broken_));
  // The new answer holds everything committed: it replaces an older one that still waits.
  session.direct_.clear();
  stop_catching_up(session);
  base::result<void> queued;
  if (state_vector.size() == 1 && state_vector[0] == 0) {
    queued = queue_whole_state(session);
  } else {
    auto news = state_.diff(state_vector);
    if (!news) return base::fail(errc::invalid_update, news.error().message);
    // What is nearly everything is sent as everything: those bytes are shared, a diff is not.
    if (news->size() > options_.answer_private_bytes_min && news->size() > state_.bytes() / 2) {
      queued = queue_whole_state(session);
      if (queued) session.events_.on_output();
      return queued;
    }
    queued = queue_answer(session, base::shared_bytes::adopt(std::move(*news)));
  }
  if (queued) session.events_.on_output();
  return queued;
}

base::result<void> LiveDocument::queue_whole_state(Session& session) {
  auto news = state_.merged_tail();
  if (!news) return base::fail(errc::broken, news.error().message);
  session.direct_.clear();
  const bool tail_carries = !state_.tail().empty();
  for (const auto& run : state_.runs()) {
    for (const auto& part : run->parts) {
      const bool last =
          !tail_carries && &run == &state_.runs().back() && &part == &run->parts.back();
      queue_part(session, part.update(), last ? yjs::sync_type::step2 : yjs::sync_type::update,
                 last ? last_version() : std::nullopt);
    }
  }
  if (tail_carries || session.direct_.empty()) {
    queue_frame(session, yjs::sync_type::step2, *news, last_version());
  }
  if (session.extras_) session.extras_->whole = true;
  session.cursor_ = rings_[session.ring_]->frames.end();
  session.next_offset_ = state_.end();
  mark_caught_up(session);
  return {};
}

base::result<void> LiveDocument::queue_answer(Session& session, base::shared_bytes update) {
  const auto parts = parts_of(std::move(update), options_.answer_slice_bytes);
  if (!parts) return base::fail(errc::broken, parts.error().message);
  for (const auto& part : *parts) {
    const bool last = &part == &parts->back();
    queue_frame(session, last ? yjs::sync_type::step2 : yjs::sync_type::update, part,
                last ? last_version() : std::nullopt);
  }
  session.cursor_ = rings_[session.ring_]->frames.end();
  session.next_offset_ = state_.end();
  mark_caught_up(session);
  return {};
}

}  // namespace weft::hub
