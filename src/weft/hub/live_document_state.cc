// What readers and publishers without a session ask of a document: views of its state, compacted
// states that many readers share, batches of edits, and its status for operators.

#include <algorithm>

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"
#include "weft/hub/publish_batch.h"

namespace weft::hub {

void LiveDocument::view(log::callback<DocumentView> done) {
  if (phase_ == Phase::loading) {
    when_loaded_.push_back([this, done = std::move(done)]() mutable { view(std::move(done)); });
    return;
  }
  if (phase_ == Phase::broken) return done(base::fail(base::error(*why_broken_)));
  if (sessions_.empty()) note_idle();
  DocumentView out;
  out.runs = state_.runs();
  out.tail = state_.tail();
  out.end = state_.end();
  out.log = log_identity_;
  out.settled = !recovering_;
  if (committed_ == submitted_ && !recovering_) {
    out.state_vector = yjs::encode_state_vector(state_.held().structs);
  }
  done(std::move(out));
}

void LiveDocument::read_state(log::callback<StateRead> done) {
  if (phase_ == Phase::loading) {
    when_loaded_.push_back(
        [this, done = std::move(done)]() mutable { read_state(std::move(done)); });
    return;
  }
  if (phase_ == Phase::broken) return done(base::fail(base::error(*why_broken_)));
  if (sessions_.empty()) note_idle();
  if (auto whole = state_.whole()) {
    return done(StateRead{std::move(*whole), state_.end(), log_identity_, !recovering_});
  }
  // A compaction that is under way has not seen the latest edits: the next one serves this reader
  // and all that come until it starts.
  state_readers_.push_back({compactions_begun_ + 1, std::move(done)});
  compact_for_readers();
}

void LiveDocument::compact_for_readers() {
  if (compacting_ || state_readers_.empty() || phase_ != Phase::live) return;
  compact(true, [this](const base::shared_bytes&) { save_snapshot(false, [] {}); });
}

void LiveDocument::serve_state_readers(std::uint64_t compaction, const base::shared_bytes& whole,
                                       base::log_offset end) {
  std::vector<log::callback<StateRead>> served;
  const bool all = state_.tail().empty();  // nothing has come since it began
  std::erase_if(state_readers_, [&](StateReader& reader) {
    if (!all && reader.compaction > compaction) return false;
    served.push_back(std::move(reader.done));
    return true;
  });
  for (auto& done : served) done(StateRead{whole, end, log_identity_, !recovering_});
}

void LiveDocument::fail_state_readers(const base::error& why) {
  auto failed = std::move(state_readers_);
  state_readers_.clear();
  for (auto& reader : failed) reader.done(base::fail(base::error(why)));
}

void LiveDocument::publish_all(std::vector<base::shared_bytes> updates, SessionInfo info,
                               std::optional<PublishCondition> condition,
                               log::callback<std::vector<PublishedItem>> done) {
  if (phase_ == Phase::loading) {
    when_loaded_.push_back([this, updates = std::move(updates), info = std::move(info),
                            condition = std::move(condition), done = std::move(done)]() mutable {
      publish_all(std::move(updates), std::move(info), std::move(condition), std::move(done));
    });
    return;
  }
  if (phase_ == Phase::broken) return done(base::fail(base::error(*why_broken_)));
  if (condition) {
    const bool quiet = committed_ == submitted_ && !recovering_;
    const PublishCondition::End now{log_identity_, state_.end()};
    const bool holds = condition->any
                           ? !state_.empty()
                           : std::ranges::find(condition->ends, now) != condition->ends.end();
    if (!quiet || !holds) {
      return done(base::fail(errc::changed,
                             "the document is not at the version that was asked for; read it "
                             "again"));
    }
  }
  std::make_shared<PublishBatch>(*this, std::move(updates), std::move(info), std::move(done))
      ->start();
}

DocumentStatus LiveDocument::status() const {
  DocumentStatus out;
  switch (phase_) {
    case Phase::loading:
      out.what = DocumentStatus::phase::loading;
      break;
    case Phase::live:
      out.what = DocumentStatus::phase::live;
      break;
    case Phase::broken:
      out.what = DocumentStatus::phase::broken;
      out.why_broken = why_broken_->message;
      break;
  }
  out.sessions = sessions_.size();
  out.state_bytes = state_.bytes();
  out.news_records = state_.tail().size();
  out.inflight_bytes = inflight_bytes_;
  for (const auto& ring : rings_) out.ring_bytes += ring->frames.bytes_used();
  for (const Session* session : sessions_) {
    std::size_t bytes = 0;
    for (const auto& direct : session->direct_) bytes += direct.frame->update.size();
    out.answer_bytes = std::max(out.answer_bytes, bytes);
  }
  if (last_catch_up_) {
    for (const auto& part : last_catch_up_->parts) out.catch_up_bytes += part.size();
  }
  out.end = state_.end();
  return out;
}

}  // namespace weft::hub
