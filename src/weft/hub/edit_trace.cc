#include "weft/hub/edit_trace.h"

#include <algorithm>

#include "weft/hub/errc.h"

namespace weft::hub {

namespace {
constexpr std::size_t steps_max = 16;
}

EditTrace::EditTrace(base::Executor& executor, const base::Meter* meter, base::task over,
                     callback done)
    : executor_(executor), meter_(meter), over_(std::move(over)), done_(std::move(done)) {
  // What the trace allocates is not the edit's.
  timeline_.steps.reserve(steps_max);
}

void EditTrace::step(std::string_view name) {
  EditTimeline::Step step{name, executor_.now(), {}};
  if (meter_) {
    const base::Usage now = meter_->used();
    step.used = now - used_;
    used_ = now;
  }
  timeline_.steps.push_back(std::move(step));
}

/// What the next step takes is counted from when this thread woke up for it.
void EditTrace::begin_turn() {
  if (meter_) used_ = meter_->used_at_turn_begin();
}

void EditTrace::on_received() {
  if (at_ != Station::waiting) return;
  // What came before was no edit to be logged.
  timeline_.steps.clear();
  timeline_.steps.push_back({"received", executor_.turn_time(), {}});
  begin_turn();
}

void EditTrace::on_admitted() {
  if (at_ == Station::waiting) step("admitted");
}

void EditTrace::on_accepted(log::Record& record, std::uint64_t session, const std::string& sender,
                            std::size_t update_bytes) {
  if (at_ != Station::waiting) return;
  step("accepted");
  at_ = Station::accepted;
  timeline_.operation = record.operation;
  timeline_.sender = sender;
  timeline_.update_bytes = update_bytes;
  session_ = session;
  commit_ = std::make_shared<log::CommitTrace>();
  commit_->meter = meter_;
  record.trace = commit_;
  if (meter_) used_ = meter_->used();
}

// Two calls: the time is from before the append, so that no step of the log's own thread precedes
// it, and what it takes is known after it.
void EditTrace::on_append() {
  if (at_ != Station::accepted) return;
  // Again after the log had no room for it.
  if (timeline_.steps.back().name == "appended") timeline_.steps.pop_back();
  timeline_.steps.push_back({"appended", executor_.now(), {}});
}

void EditTrace::on_appended() {
  if (at_ != Station::accepted) return;
  at_ = Station::appended;
  if (meter_) timeline_.steps.back().used = meter_->used() - used_;
}

void EditTrace::on_committed(const log::record_batch& records) {
  if (at_ != Station::appended) return;
  const auto found = std::ranges::find_if(
      records, [this](const auto& entry) { return entry.record.operation == timeline_.operation; });
  if (found == records.end()) return;
  at_ = Station::committed;
  timeline_.offset = found->offset;
  timeline_.batch_edits = records.size();
  timeline_.commit_records = commit_->records;
  if (commit_->written.at.count() != 0) {
    timeline_.steps.push_back({"commit_begun", commit_->begun.at, {}});
    timeline_.steps.push_back({"durable", commit_->written.at, {}});
    if (meter_) timeline_.steps.back().used = commit_->written.used - commit_->begun.used;
  }
  begin_turn();
  step("committed");
}

void EditTrace::on_applied() {
  if (at_ == Station::committed) step("applied");
}

void EditTrace::on_framed() {
  if (at_ != Station::committed) return;
  step("framed");
  at_ = Station::framed;
}

void EditTrace::send_to(std::vector<std::uint64_t> receivers,
                        std::vector<EditTimeline::Frame> frames) {
  if (at_ != Station::framed) return;
  waiting_ = std::move(receivers);
  timeline_.receivers = waiting_.size();
  timeline_.frames = std::move(frames);
  if (meter_) used_ = meter_->used();
  end_if_sent();
}

void EditTrace::on_collected(std::uint64_t session, base::log_offset next, net::GatherSink& sink) {
  if (at_ != Station::framed || next <= *timeline_.offset) return;
  if (std::erase(waiting_, session) == 0) return;
  ++flushing_;
  sink.tell(*this);
}

void EditTrace::on_flushed(bool whole) {
  if (at_ != Station::framed || flushing_ == 0) return;
  --flushing_;
  if (!whole) ++timeline_.blocked;
  const bool first = timeline_.sent++ == 0;
  // Of several receivers the last is told anew with each.
  if (timeline_.sent > 2) {
    auto& last = timeline_.steps.back();
    last.at = executor_.now();
    if (meter_) last.used = meter_->used() - used_;
  } else {
    const base::Usage before = used_;
    step(first ? "first_sent" : "last_sent");
    if (!first) used_ = before;
  }
  end_if_sent();
}

void EditTrace::on_left(std::uint64_t session) {
  if (std::erase(waiting_, session) == 0) return;
  ++timeline_.left;
  end_if_sent();
}

void EditTrace::end_if_sent() {
  if (!waiting_.empty() || flushing_ != 0) return;
  at_ = Station::over;
  executor_.post(std::move(over_));
}

void EditTrace::finish(std::chrono::milliseconds wait) {
  if (at_ == Station::waiting) {
    return done_(
        base::fail(errc::timed_out, "no edit came within " + std::to_string(wait.count()) + " ms"));
  }
  done_(std::move(timeline_));
}

}  // namespace weft::hub
