#include "weft/app/background.h"

#include "weft/base/result.h"

namespace weft::app {

Background::Background() : thread_([this] { run(); }) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Background::post(base::task work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void Background::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto work = std::move(queue_);
    queue_.clear();
    lock.unlock();
    for (auto& one : work) one();
    work.clear();
    lock.lock();
  }
}

base::timer_id Background::schedule(std::chrono::nanoseconds, base::task) {
  WEFT_CHECK(!"the background executor has no timers");
  return 0;
}

base::monotonic_time Background::now() const {
  return std::chrono::steady_clock::now().time_since_epoch();
}

std::int64_t Background::wall_clock_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace weft::app
