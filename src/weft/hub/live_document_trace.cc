// Following one edit, while somebody has asked for that. See edit_trace.h.

#include "weft/hub/errc.h"
#include "weft/hub/live_document.h"

namespace weft::hub {

void LiveDocument::trace(std::chrono::milliseconds wait, EditTrace::callback done) {
  if (phase_ == Phase::broken) return done(base::fail(base::error(*why_broken_)));
  // Who asked before may be gone, and would hold up all others until their time has passed.
  fail_trace(
      {make_error_code(errc::unavailable), "somebody else follows this document's edits now"});
  const auto over = [self = weak_from_this(), number = ++traces_, wait] {
    const auto document = self.lock();
    if (!document || !document->trace_ || document->traces_ != number) return;
    document->parts_.executor.cancel(document->trace_timer_);
    std::exchange(document->trace_, nullptr)->finish(wait);
    document->note_idle();
  };
  trace_ = std::make_unique<EditTrace>(parts_.executor, parts_.meter, over, std::move(done));
  trace_timer_ = parts_.executor.schedule(wait, over);
}

void LiveDocument::fail_trace(const base::error& why) {
  if (!trace_) return;
  parts_.executor.cancel(trace_timer_);
  std::exchange(trace_, nullptr)->fail(why);
}

void LiveDocument::trace_framed() {
  const auto offset = trace_->offset();
  if (!offset || trace_->framed()) return;
  trace_->on_framed();
  std::vector<std::uint64_t> receivers;
  std::vector<EditTimeline::Frame> frames(rings_.size());
  for (const Session* session : sessions_) {
    // Who has not yet asked for the document's state will have the edit with that.
    if (!session->live_ || session->number_ == trace_->session()) continue;
    if (!hears_edits(*session)) continue;
    receivers.push_back(session->number_);
    ++frames[session->ring_].receivers;
  }
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    frames[i].bytes = rings_[i]->frames.frame_bytes(*offset);
  }
  std::erase_if(frames, [](const auto& frame) { return frame.receivers == 0; });
  trace_->send_to(std::move(receivers), std::move(frames));
}

}  // namespace weft::hub
