#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "weft/base/executor.h"

namespace weft::app {

/// One thread for work that would hold up a loop: compactions. post() only; its owner destroys it
/// before what its tasks refer to.
class Background final : public base::Executor {
 public:
  Background();
  /// Runs what is queued, then ends the thread.
  ~Background() override;

  void post(base::task work) override;
  void at_turn_end(base::task work) override { post(std::move(work)); }
  /// Not offered: nothing in the background waits for time. Aborts.
  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override;
  void cancel(base::timer_id) override {}
  base::monotonic_time now() const override;
  std::int64_t wall_clock_ms() const override;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<base::task> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weft::app
