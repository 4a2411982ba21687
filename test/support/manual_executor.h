#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "weft/base/executor.h"

namespace weft::test {

/// An executor whose time and turns a test makes; everything runs on the test's thread.
class ManualExecutor final : public base::Executor {
 public:
  void post(base::task work) override { posted_.push_back(std::move(work)); }
  void at_turn_end(base::task work) override { turn_end_.push_back(std::move(work)); }

  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override {
    timers_.emplace(std::pair(now_ + delay, ++last_timer_), std::move(work));
    return last_timer_;
  }

  void cancel(base::timer_id timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }

  base::monotonic_time now() const override { return now_ += tick; }
  std::int64_t wall_clock_ms() const override { return now_.count() / 1'000'000; }

  /// Runs what is queued, and what that queues, until nothing is.
  void run() {
    while (!posted_.empty() || !turn_end_.empty()) {
      run_all(posted_);
      run_all(turn_end_);
    }
  }

  /// Lets time pass; each timer runs at its own time, followed by what it queues.
  void advance(std::chrono::nanoseconds by) {
    const auto end = now_ + by;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      now_ = timers_.begin()->first.first;
      auto timer = timers_.extract(timers_.begin());
      timer.mapped()();
      run();
    }
    now_ = end;
  }

  std::size_t timers() const { return timers_.size(); }

  /// What each look at the clock takes.
  std::chrono::nanoseconds tick{0};

 private:
  static void run_all(std::deque<base::task>& queue) {
    std::deque<base::task> now;
    now.swap(queue);
    for (auto& work : now) work();
  }

  std::deque<base::task> posted_;
  std::deque<base::task> turn_end_;
  std::map<std::pair<base::monotonic_time, base::timer_id>, base::task> timers_;
  mutable base::monotonic_time now_{std::chrono::seconds(1)};
  base::timer_id last_timer_ = 0;
};

}  // namespace weft::test
