#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "weft/base/worker_pool.h"
#include "weft/store/errc.h"

/// What drivers that block have in common.
namespace weft::store {

/// Runs `work` on the pool and hands its result to `done` on `executor`; the refusals of the pool
/// become unavailable and closed. `who` begins their messages.
template <typename T, typename Work>
void on_worker(base::WorkerPool& workers, const char* who, base::Executor& executor,
               callback<T> done, Work work) {
  base::run_and_answer<T>(
      workers, executor, std::move(done), std::move(work), [who](base::WorkerPool::verdict why) {
        const bool full = why == base::WorkerPool::verdict::full;
        return base::error{
            make_error_code(full ? errc::unavailable : errc::closed),
            std::string(who) + (full ? ": too many requests are waiting" : ": closed")};
      });
}

/// Locks by name, so that reading before writing is safe: users of one name exclude each other, and
/// sometimes those of another.
class NameLocks {
 public:
  std::mutex& of(const std::string& name) {
    return locks_[std::hash<std::string>()(name) % locks_.size()];
  }

 private:
  std::array<std::mutex, 16> locks_;
};

}  // namespace weft::store
