// What a failed append leaves behind: it may lie in the log all the same, wholly or in part. While
// that is looked into, edits are dropped; then everybody has what was found, and clients are asked
// for the rest.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/put_back.h"

namespace weft::hub {

namespace {

/// How long clients are left alone after a failed append, so that a full disk is not hammered.
constexpr std::chrono::seconds resync_delay{1};

}  // namespace

void LiveDocument::on_append_failed(const std::vector<base::OperationId>& operations,
                                    const base::error& why) {
  count(parts_.counters.append_failures);
  parts_.events.report(base::severity::error, "append.failed",
                       {{"document", base::to_string(id_)},
                        {"edits", std::to_string(operations.size())},
                        {"reason", why.message}});
  if (put_back_ && put_back_->awaits_any(operations)) {
    // The next who comes has it loaded again; what did arrive is found in the log then.
    return break_with({make_error_code(errc::unavailable),
                       "document " + base::to_string(id_) +
                           ": what its log lacks could not be put back: " + why.message});
  }
  std::vector<position_callback> failed;
  for (const auto& operation : operations) {
    const auto it = std::find_if(pending_.begin(), pending_.end(),
                                 [&](const Pending& p) { return p.operation == operation; });
    if (it == pending_.end()) continue;
    inflight_bytes_ -= it->bytes;
    if (it->done) failed.push_back(std::move(it->done));
    if (trace_ && trace_->follows(operation)) [[unlikely]] {
      fail_trace({make_error_code(errc::unavailable), "its append failed: " + why.message});
    }
    pending_.erase(it);
    ++committed_;  // settled, as far as those who wait behind it are concerned
  }
  for (auto& waiter : waiters_) failed.push_back(std::move(waiter.done));
  waiters_.clear();
  // What is still in flight may have been cut to what these did not hold: when it comes back, that
  // does not say that all of its edit is durable.
  for (Pending& pending : pending_) {
    if (pending.done) failed.push_back(std::exchange(pending.done, {}));
  }
  if (!recovering_) recover_from_ = state_.end();
  recovering_ = true;
  for (auto& done : failed) {
    done(base::fail(errc::unavailable, "the edit may not be durable: " + why.message));
  }
  wake_if_uncongested();
  recover_if_settled();
}

void LiveDocument::recover_if_settled() {
  // While it is loaded, the load may still find it.
  if (!recovering_ || recovery_scheduled_ || !pending_.empty() || phase_ != Phase::live) return;
  recovery_scheduled_ = true;
  parts_.executor.schedule(resync_delay, [self = weak_from_this()] {
    const auto document = self.lock();
    if (!document || document->phase_ != Phase::live) return;
    // Nothing is in flight, and nothing is admitted: what is held is what was committed.
    WEFT_CHECK(document->pending_.empty());
    document->state_.forget_uncommitted();
    document->read_after_failure();
  });
}

void LiveDocument::read_after_failure() {
  parts_.log.read(
      id_, recover_from_, options_.ring_bytes_max, parts_.executor,
      [self = weak_from_this()](base::result<log::ReadResult> read) {
        const auto document = self.lock();
        if (!document || document->phase_ != Phase::live) return;
        if (!read && read.error().code == log::errc::corrupt) {
          return document->break_with({make_error_code(errc::broken),
                                       "document " + base::to_string(document->id_) +
                                           ": log after a failed append: " + read.error().message});
        }
        if (!read && read.error().code == log::errc::trimmed) {
          // What was stored is not to be had from here any more; whoever loads it may have it.
          return document->break_with({make_error_code(errc::unavailable),
                                       "document " + base::to_string(document->id_) +
                                           ": log after a failed append: " + read.error().message});
        }
        if (!read) {
          // Without the log nobody knows what was stored: try again.
          document->recovery_scheduled_ = false;
          return document->recover_if_settled();
        }
        if (auto taken = document->take_missed(read->records); !taken) {
          return document->break_with(std::move(taken.error()));
        }
        // What has been read is part of the state and need not be read again, whatever comes.
        document->recover_from_ = read->next;
        if (read->more) return document->read_after_failure();
        document->end_recovery();
      });
}

base::result<void> LiveDocument::take_missed(const log::record_batch& records) {
  for (const auto& entry : records) {
    auto update = update_of(entry);
    if (!update) return base::fail(std::move(update.error()));
    const auto novelty = yjs::classify(*update, state_.held());
    const bool known =
        novelty && (*novelty == yjs::Novelty::empty || *novelty == yjs::Novelty::contained);
    // A record behind the end counts even if it brings nothing: the version is the log's.
    if (known && entry.offset < state_.end()) continue;
    if (auto applied = apply(entry, true); !applied) {
      return base::fail(std::move(applied.error()));
    }
    // What is known moves the end as well, which no ring and no cursor has seen.
    recovered_ = true;
    ++recoveries_;
    if (parts_.persistence) parts_.persistence->persist_update(id_, entry);
  }
  return {};
}

void LiveDocument::end_recovery() {
  WEFT_CHECK(recovering_ && pending_.empty());
  const auto sessions = sessions_;
  if (std::exchange(recovered_, false)) {
    // It may lie before records that cursors have passed: everybody gets the whole.
    for (Session* session : sessions) {
      if (!hears_edits(*session)) continue;
      if (auto queued = queue_whole_state(*session); !queued) {
        return break_with(std::move(queued.error()));
      }
      stop_catching_up(*session);
      if (session->live_) session->events_.on_output();
    }
    // Nobody is behind: the rings are empty, and what was found was never in them.
    for (auto& ring : rings_) ring->frames.begin_at(state_.end());
  }
  recovering_ = false;
  recovery_scheduled_ = false;
  if (awareness_.release(committed_)) announce_awareness();
  for (Session* session : sessions) session->events_.on_resync();
}

}  // namespace weft::hub
