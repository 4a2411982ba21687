#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "weft/base/executor.h"
#include "weft/base/result.h"

namespace weft::base {

/// A few threads that run blocking work (disk reads) away from the executors.
///
/// Work starts in the order it was accepted; with more than one thread it may finish in another.
/// Threading: any thread. Idle threads sleep and cost nothing.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queued_max) : queued_max_(queued_max) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~WorkerPool() { close(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  enum class verdict { accepted, full, closed };

  /// Queues `work`; it is moved from only when accepted.
  verdict submit(task& work) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_) return verdict::closed;
      if (queue_.size() >= queued_max_) return verdict::full;
      queue_.push_back(std::move(work));
    }
    wake_.notify_one();
    return verdict::accepted;
  }

  /// Runs what was accepted, then stops. Blocks until done; further calls do nothing.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  const std::size_t queued_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<task> queue_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

/// Runs `work`, which returns a result<T>, on the pool and hands what it returns to `done` on
/// `executor`, where `done` also dies. When the pool does not take it, `done` gets
/// `refusal(verdict)` instead, on the executor too. The executor must outlive the pool's work.
template <typename T, typename Work, typename Refusal>
void run_and_answer(WorkerPool& pool, Executor& executor,
                    std::move_only_function<void(result<T>)> done, Work work, Refusal refusal) {
  // Shared, because a task that is not accepted must still be able to answer.
  auto answer = std::make_shared<std::move_only_function<void(result<T>)>>(std::move(done));
  const auto reply = [&executor, answer](result<T> value) {
    executor.post([answer, value = std::move(value)]() mutable {
      // Taken out, so that what the callback holds dies on the executor and not with the task here.
      auto call = std::move(*answer);
      call(std::move(value));
    });
  };
  task on_pool = [reply, work = std::move(work)]() mutable { reply(work()); };
  const auto taken = pool.submit(on_pool);
  if (taken != WorkerPool::verdict::accepted) reply(std::unexpected<error>(refusal(taken)));
}

}  // namespace weft::base
