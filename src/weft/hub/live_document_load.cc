// How a document becomes live: subscribe, load the snapshot, read the log behind it. A failed load
// is an error for those who wait, never a blank document.

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/put_back.h"
#include "weft/protocol/envelope.h"

namespace weft::hub {

namespace {

/// How much of the log one read brings while loading.
constexpr std::size_t load_read_bytes = 8u << 20;
/// Larger snapshots are read in the background: others wait for the executor.
constexpr std::size_t taken_at_once_bytes_max = 256u << 10;

base::error loading_failed(const base::DocumentId& id, const char* what, const base::error& why) {
  return {make_error_code(why.code == store::errc::corrupt || why.code == log::errc::corrupt
                              ? errc::broken
                              : errc::unavailable),
          "document " + base::to_string(id) + ": " + what + ": " + why.message};
}

}  // namespace

void LiveDocument::open() {
  count(parts_.counters.loads);
  subscription_ = parts_.log.subscribe(id_, parts_.executor, *this);
  load_snapshot();
}

void LiveDocument::stay_broken(base::error why) {
  phase_ = Phase::broken;
  why_broken_ = std::move(why);
  note_idle();
}

void LiveDocument::load_snapshot() {
  parts_.store.load_snapshot(
      id_, parts_.executor,
      [self = shared_from_this()](base::result<std::optional<store::Snapshot>> loaded) {
        if (self->phase_ != Phase::loading) return;  // its log was lost meanwhile
        if (!loaded) {
          return self->break_with(loading_failed(self->id_, "snapshot", loaded.error()));
        }
        if (!*loaded) return self->read_tail(self->state_.end());
        self->take_snapshot(std::move(**loaded));
      });
}

void LiveDocument::take_snapshot(store::Snapshot snapshot) {
  struct Taken {
    base::result<CompactedRun> run;
    yjs::Knowledge held;
  };
  const std::size_t bytes = snapshot.update.size();
  auto take = [update = snapshot.update, part_bytes_max = options_.answer_slice_bytes] {
    Taken out{index_run(update, part_bytes_max), {}};
    if (!out.run) return out;
    if (auto learned = yjs::learn(update, out.held); !learned) {
      out.run = base::fail(std::move(learned.error()));
    }
    return out;
  };
  auto finish = [self = shared_from_this(), covered = snapshot.covered_end, log = snapshot.log,
                 update = snapshot.update](Taken taken) {
    if (self->phase_ != Phase::loading) return;
    if (!taken.run) {
      return self->break_with(
          base::error{make_error_code(errc::broken),
                      "document " + base::to_string(self->id_) +
                          ": snapshot does not decode: " + taken.run.error().message});
    }
    self->state_.load(std::move(taken.run->run), std::move(taken.held), covered);
    self->snapshot_end_ = covered;
    self->check_coverage(log, update);
  };
  if (bytes <= taken_at_once_bytes_max) return finish(take());
  parts_.background.post(
      [&executor = parts_.executor, take = std::move(take), finish = std::move(finish)]() mutable {
        executor.post(
            [taken = take(), finish = std::move(finish)]() mutable { finish(std::move(taken)); });
      });
}

void LiveDocument::check_coverage(base::log_identity covered, const base::shared_bytes& snapshot) {
  parts_.log.end(
      id_, parts_.executor,
      [self = shared_from_this(), covered, snapshot](base::result<base::log_offset> end) {
        if (self->phase_ != Phase::loading) return;
        if (!end) return self->break_with(loading_failed(self->id_, "log", end.error()));
        // A snapshot of another log, or one that knows more than the log holds (a log
        // restored, recreated or cut): its content counts, its position does not. All
        // of the log is read over it, and what it lacks is put back.
        if (covered != log::identity_of(self->parts_.log, self->id_) || *end < self->state_.end()) {
          self->parts_.events.report(base::severity::warn, "snapshot.position_unfit",
                                     {{"document", base::to_string(self->id_)},
                                      {"covered", std::to_string(self->state_.end().value)},
                                      {"log_end", std::to_string(end->value)}});
          self->state_.forget_position();
          self->snapshot_end_ = {};
          self->put_back_ = std::make_unique<PutBack>(snapshot);
        }
        self->read_tail(self->state_.end());
      });
}

/// Where the log does not go back to `from` any more, it says so, and the document is not served:
/// a snapshot and records that do not join are not the document, nor is what is left of them.
void LiveDocument::read_tail(base::log_offset from) {
  parts_.log.read(id_, from, load_read_bytes, parts_.executor,
                  [self = shared_from_this()](base::result<log::ReadResult> read) {
                    if (self->phase_ != Phase::loading) return;
                    if (!read) {
                      return self->break_with(loading_failed(self->id_, "log", read.error()));
                    }
                    for (const auto& entry : read->records) {
                      auto update = self->apply(entry, true);
                      if (!update) return self->break_with(std::move(update.error()));
                      if (self->put_back_) self->put_back_->learn(*update);
                    }
                    if (read->more) return self->read_tail(read->next);
                    if (self->put_back_) return self->find_lost();
                    self->become_live();
                  });
}

base::result<base::shared_bytes> LiveDocument::update_of(const log::CommittedRecord& entry) const {
  auto broken = [&](const std::string& why) {
    return base::fail(errc::broken, "document " + base::to_string(id_) + ": record " +
                                        std::to_string(entry.offset.value) + " of the log: " + why);
  };
  const auto parts = protocol::split_envelope(entry.record.envelope);
  if (!parts) return broken(parts.error().message);
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  if (!message) return broken(message.error().message);
  if (message->type != yjs::message_type::sync || message->sync == yjs::sync_type::step1) {
    return broken("not an update");
  }
  const auto& envelope = entry.record.envelope;
  return envelope.slice(static_cast<std::size_t>(message->body.data() - envelope.data()),
                        message->body.size());
}

base::result<base::shared_bytes> LiveDocument::apply(const log::CommittedRecord& entry,
                                                     bool foreign) {
  auto update = update_of(entry);
  if (!update) return update;
  snapshot_news_bytes_ += update->size();
  if (auto ok = state_.commit(*update, entry.offset, foreign); !ok) {
    return base::fail(errc::broken, "document " + base::to_string(id_) + ": record " +
                                        std::to_string(entry.offset.value) +
                                        " of the log: " + ok.error().message);
  }
  return update;
}

void LiveDocument::become_live() {
  WEFT_CHECK(phase_ == Phase::loading && subscription_);
  // Asked for now, while on_lost has not come: later it may be that of a log made again.
  log_identity_ = log::identity_of(parts_.log, id_);
  // What failed meanwhile has been read or lies behind all that was.
  if (recovering_) recover_from_ = state_.end();
  for (const auto& entry : early_) {
    if (entry.offset < state_.end()) continue;
    if (auto ok = apply(entry, true); !ok) return break_with(std::move(ok.error()));
  }
  early_ = {};
  phase_ = Phase::live;
  if (parts_.quarantine->leave(id_)) {
    parts_.events.report(base::severity::info, "quarantine.left",
                         {{"document", base::to_string(id_)}});
  }
  parts_.events.report(base::severity::debug, "document.live",
                       {{"document", base::to_string(id_)},
                        {"end", std::to_string(state_.end().value)},
                        {"bytes", std::to_string(state_.bytes())}});
  for (auto& ring : rings_) {
    // Only now is it known where its records lie, which frames may say.
    ring = std::make_unique<Ring>(ring->source, ring->source.framing_of(id_, parts_.log),
                                  options_.ring_bytes_max);
    ring->frames.begin_at(state_.end());
  }
  const auto sessions = sessions_;
  for (Session* session : sessions) {
    session->live_ = true;
    session->next_offset_ = state_.end();
    session->events_.on_live();
  }
  auto waiting = std::move(when_loaded_);
  when_loaded_.clear();
  for (auto& work : waiting) work();
  if (sessions_.empty()) note_idle();
  recover_if_settled();
  compact_if_worth_it();
}

void LiveDocument::on_lost(const base::error& why) {
  // What is here was built on offsets that mean nothing any more. Whoever comes back has it loaded
  // again, and what the log that is there now lacks is put back out of the snapshot or by clients.
  if (phase_ != Phase::broken) break_with(loading_failed(id_, "log", why));
}

void LiveDocument::break_with(base::error why) {
  count(parts_.counters.load_failures);
  parts_.events.report(base::severity::error, "document.broken",
                       {{"document", base::to_string(id_)}, {"reason", why.message}});
  phase_ = Phase::broken;
  why_broken_ = why;
  recovering_ = false;  // nothing is left to be recovered: it may be put away
  put_back_.reset();
  // What is only out of reach is tried again by the next who comes.
  if (why.code == errc::broken) {
    parts_.quarantine->enter(id_, why.message, parts_.executor.now(),
                             parts_.executor.wall_clock_ms());
  }
  subscription_.reset();
  fail_pending(why);
  fail_state_readers(why);
  auto waiting = std::move(when_loaded_);
  when_loaded_.clear();
  for (auto& work : waiting) work();
  end_sessions(why);
  note_idle();
}

void LiveDocument::fail_pending(const base::error& why) {
  auto pending = std::move(pending_);
  auto waiters = std::move(waiters_);
  pending_.clear();
  waiters_.clear();
  outbox_.clear();
  inflight_bytes_ = 0;
  for (auto& p : pending) {
    if (p.done) p.done(base::fail(base::error(why)));
  }
  for (auto& waiter : waiters) waiter.done(base::fail(base::error(why)));
}

void LiveDocument::end_sessions(const base::error& why) {
  fail_trace(why);
  const auto sessions = sessions_;
  for (Session* session : sessions) session->events_.on_ended(why);
}

}  // namespace weft::hub
