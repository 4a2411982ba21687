// What goes on beside the edits: compactions in the background and snapshots.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"

namespace weft::hub {

void LiveDocument::compact_if_worth_it() {
  if (compacting_ || phase_ != Phase::live) return;
  if (state_.tail_bytes() > options_.compact_tail_bytes_min ||
      state_.tail().size() > options_.compact_tail_records_max) {
    compact(false, [this](const base::shared_bytes&) { save_snapshot(false, [] {}); });
  }
}

void LiveDocument::compact(bool everything, compaction_callback then) {
  WEFT_CHECK(!compacting_);
  compacting_ = true;
  auto plan = state_.plan(everything);
  // A compaction of a part is nobody's to read.
  const std::uint64_t number = plan.first_run == 0 ? ++compactions_begun_ : 0;
  parts_.background.post([self = shared_from_this(), number, recoveries = recoveries_,
                          plan = std::move(plan), then = std::move(then)]() mutable {
    auto compacted =
        compact_run(std::vector<base::byte_view>(plan.updates.begin(), plan.updates.end()),
                    self->options_.answer_slice_bytes);
    plan.updates.clear();
    auto& executor = self->parts_.executor;
    executor.post([self = std::move(self), number, recoveries, plan = std::move(plan),
                   compacted = std::move(compacted), then = std::move(then)]() mutable {
      self->end_compaction(number, recoveries, plan, std::move(compacted), std::move(then));
    });
  });
}

void LiveDocument::end_compaction(std::uint64_t number, std::uint64_t recoveries,
                                  const DocumentState::Plan& plan,
                                  base::result<CompactedRun> compacted, compaction_callback then) {
  compacting_ = false;
  // A recovery may have found records below the plan's end that this compaction has not seen.
  if (phase_ != Phase::live || recoveries_ != recoveries) {
    then({});
    return compact_for_readers();
  }
  if (!compacted) {
    break_with(base::error{make_error_code(errc::broken),
                           "compaction failed: " + compacted.error().message});
    return then({});
  }
  state_.replace(plan, std::move(compacted->run));
  forget_answer_frames();
  count(parts_.counters.compactions);
  if (number != 0) serve_state_readers(number, compacted->whole, plan.end);
  then(compacted->whole);
  compact_for_readers();
  if (sessions_.empty()) note_idle();
}

void LiveDocument::save_snapshot(bool force, base::task done) {
  // A large document is worth writing anew only when a good part of it is new.
  const std::size_t worth = std::max(options_.snapshot_bytes_min, state_.bytes() / 4);
  if (phase_ != Phase::live || recovering_ || saving_ || compacting_ ||
      state_.end() == snapshot_end_ || (!force && snapshot_news_bytes_ < worth)) {
    return done();
  }
  saving_ = true;
  if (auto whole = state_.whole()) {
    return write_snapshot(std::move(*whole), state_.end(), std::move(done));
  }
  compact(true, [this, end = state_.end(),
                 done = std::move(done)](const base::shared_bytes& whole) mutable {
    // Without one the compaction has missed something, or the document is broken.
    if (!whole.empty() && !recovering_) return write_snapshot(whole, end, std::move(done));
    saving_ = false;
    done();
  });
}

void LiveDocument::write_snapshot(base::shared_bytes whole, base::log_offset covered,
                                  base::task done) {
  parts_.store.save_snapshot(
      id_, {log_identity_, covered, std::move(whole)}, parts_.executor,
      [self = shared_from_this(), covered,
       done = std::move(done)](base::result<void> saved) mutable {
        self->saving_ = false;
        if (saved) {
          self->snapshot_end_ = covered;
          self->snapshot_news_bytes_ = 0;
          count(self->parts_.counters.snapshots);
          if (auto* hooks = self->parts_.persistence) {
            hooks->persist_result(self->id_, {covered.value - 1},
                                  self->parts_.store.snapshot_location(self->id_));
          }
        } else {
          // The log still has everything: the next snapshot covers this one's part too.
          count(self->parts_.counters.snapshot_failures);
          self->parts_.events.report(
              base::severity::warn, "snapshot.failed",
              {{"document", base::to_string(self->id_)}, {"reason", saved.error().message}});
        }
        done();
      });
}

}  // namespace weft::hub
