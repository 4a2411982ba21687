// Frames that go to a session beside the ring: sync answers and remainders.

#include <unordered_set>

#include "weft/hub/live_document.h"
#include "weft/hub/session_extras.h"

namespace weft::hub {

namespace {

base::shared_bytes rewritten(const Framing& framing, const AnswerFrame& answer) {
  base::byte_vector frame(answer.update.size());
  const auto size = framing.rewrite(answer.type, answer.update, frame.data());
  if (!size) return {};
  return base::shared_bytes::copy_of(base::byte_view(frame).first(*size));
}

}  // namespace

void LiveDocument::queue_frame(Session& session, yjs::sync_type type, base::shared_bytes update,
                               maybe_version delivered) {
  session.direct_.push_back({std::make_shared<AnswerFrame>(type, std::move(update)), delivered});
}

void LiveDocument::queue_part(Session& session, const base::shared_bytes& update,
                              yjs::sync_type type, maybe_version delivered) {
  auto& known = rings_[session.ring_]->part_frames[update.data()];
  if (!known || known->type != type) known = std::make_shared<AnswerFrame>(type, update);
  session.direct_.push_back({known, delivered});
}

/// Keeps the frames of parts that are still there.
void LiveDocument::forget_answer_frames() {
  std::unordered_set<const std::uint8_t*> here;
  for (const auto& run : state_.runs()) {
    for (const auto& part : run->parts) here.insert(part.update().data());
  }
  for (auto& ring : rings_) {
    std::erase_if(ring->part_frames, [&](const auto& item) { return !here.contains(item.first); });
  }
}

/// False while something is left; the session is then told when to come again.
bool LiveDocument::collect_direct(Session& session, net::GatherSink& sink) {
  while (!session.direct_.empty()) {
    if (sink.room() == 0) {
      session.events_.on_output();
      return false;
    }
    const DirectFrame& frame = session.direct_.front();
    if (!add_answer(*rings_[session.ring_], frame, sink)) return false;
    if (session.extras_ && frame.version) session.extras_->delivered = frame.version;
    session.direct_.pop_front();
    session.quiet_ = false;
  }
  return true;
}

/// False when it has to be rewritten first, in the background.
bool LiveDocument::add_answer(const Ring& ring, const DirectFrame& direct, net::GatherSink& sink) {
  const Framing& framing = *ring.framing;
  const auto& answer = direct.frame;
  const base::shared_bytes& update = answer->update;
  if (!answer->final && framing.rewrites(update.size())) {
    if (update.size() > framing.rewrite_at_once_bytes_max()) {
      rewrite_in_background(ring, answer);
      return false;
    }
    answer->rewritten = rewritten(framing, *answer);
    answer->final = true;
  }
  if (!answer->rewritten.empty()) {
    sink.add(answer->rewritten);
    return true;
  }
  // Header and body go together: a newer answer may replace what still waits.
  std::size_t size = 0;
  const auto header = base::shared_bytes::build(framing.header_bytes_max(), [&](std::uint8_t* out) {
    size = framing.write_header({answer->type, update.size(), direct.version}, out);
  });
  sink.add(header.slice(0, size));
  sink.add(update);
  return true;
}

void LiveDocument::rewrite_in_background(const Ring& ring,
                                         const std::shared_ptr<AnswerFrame>& answer) {
  if (answer->under_way) return;
  answer->under_way = true;
  parts_.background.post([self = weak_from_this(), &executor = parts_.executor,
                          framing = ring.framing, answer] {
    executor.post([self, answer, frame = rewritten(*framing, *answer)]() mutable {
      answer->rewritten = std::move(frame);
      answer->final = true;
      const auto document = self.lock();
      if (!document) return;
      const auto sessions = document->sessions_;
      for (Session* session : sessions) {
        const bool waits = !session->direct_.empty() && session->direct_.front().frame == answer;
        if (waits) session->events_.on_output();
      }
    });
  });
}

}  // namespace weft::hub
