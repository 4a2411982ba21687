#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "weft/base/executor.h"

namespace weft::test {

/// A strand on a thread of its own, in real time.
class TestExecutor final : public base::Executor {
 public:
  TestExecutor() : thread_([this] { run(); }) {}
  ~TestExecutor() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  TestExecutor(const TestExecutor&) = delete;
  TestExecutor& operator=(const TestExecutor&) = delete;

  void post(base::task work) override {
    {
      const std::scoped_lock lock(mutex_);
      queue_.push_back(std::move(work));
      ++posted_;
      // Under the lock: whoever waited for this work may take the executor down with it.
      wake_.notify_one();
    }
  }

  void at_turn_end(base::task work) override { turn_end_.push_back(std::move(work)); }

  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override {
    timers_.emplace(std::pair(now() + delay, ++last_timer_), std::move(work));
    return last_timer_;
  }

  void cancel(base::timer_id timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }

  base::monotonic_time now() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }

  std::int64_t wall_clock_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  /// Runs `work` on the executor and waits for its result. Not from the executor's own thread.
  template <typename Work>
  auto run_on(Work work) {
    std::promise<decltype(work())> done;
    auto result = done.get_future();
    post([&] {
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        done.set_value();
      } else {
        done.set_value(work());
      }
    });
    return result.get();
  }

  /// How many tasks were ever posted: one wake-up each.
  std::uint64_t posted() const {
    const std::scoped_lock lock(mutex_);
    return posted_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (queue_.empty() && stopping_) return;
      if (queue_.empty()) {
        if (timers_.empty()) {
          wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        } else {
          wake_.wait_for(lock, timers_.begin()->first.first - now(),
                         [this] { return stopping_ || !queue_.empty(); });
        }
      }
      std::deque<base::task> turn;
      turn.swap(queue_);
      lock.unlock();
      for (base::task& work : turn) work();
      while (!timers_.empty() && timers_.begin()->first.first <= now()) {
        base::task work = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        work();
      }
      std::vector<base::task> ending;
      ending.swap(turn_end_);
      for (base::task& work : ending) work();
      turn.clear();
      lock.lock();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<base::task> queue_;
  std::uint64_t posted_ = 0;
  bool stopping_ = false;
  // The executor thread's own.
  std::vector<base::task> turn_end_;
  std::map<std::pair<base::monotonic_time, base::timer_id>, base::task> timers_;
  base::timer_id last_timer_ = 0;
  std::thread thread_;
};

/// Calls `start(callback)` and waits for what the callback is given.
template <typename T, typename Start>
T await(Start start) {
  std::promise<T> done;
  auto result = done.get_future();
  start([&done](T value) { done.set_value(std::move(value)); });
  return result.get();
}

}  // namespace weft::test
