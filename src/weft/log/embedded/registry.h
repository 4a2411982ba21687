#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "weft/log/op_log.h"

namespace weft::log::embedded {

/// One document's records of one commit.
struct Delivery {
  base::DocumentId document;
  std::shared_ptr<const record_batch> records;
};

/// Operations of one document that were not committed.
struct Failure {
  base::DocumentId document;
  std::vector<base::OperationId> operations;
  base::error why;
};

/// Who listens to which document, and how far the log is visible.
///
/// Publishing a commit, registering a subscriber and asking how far readers may go exclude each
/// other. So what a reader may see has been posted to its subscribers, and what a subscriber was
/// told can be read: together, what OpLog::subscribe promises.
/// Threading: any thread.
class Registry : public std::enable_shared_from_this<Registry> {
 public:
  std::unique_ptr<Subscription> subscribe(const base::DocumentId& document,
                                          base::Executor& executor, Subscriber& subscriber);

  /// Makes a commit readable and tells each executor concerned of the whole of it in one task.
  void publish(const std::vector<Delivery>& commit, std::uint64_t end);

  void fail(std::vector<Failure> failures);

  /// Every record with a smaller offset is durable and may be read.
  std::uint64_t published_end() const {
    const std::scoped_lock lock(mutex_);
    return published_end_;
  }
  void set_published_end(std::uint64_t end) {
    const std::scoped_lock lock(mutex_);
    published_end_ = end;
  }

 private:
  friend class RegisteredSubscription;

  struct Slot {
    base::Executor* executor;
    Subscriber* subscriber;
    std::atomic<bool> alive{true};
  };
  using slots = std::vector<std::shared_ptr<Slot>>;

  void unsubscribe(const base::DocumentId& document, const std::shared_ptr<Slot>& slot);

  mutable std::mutex mutex_;
  std::unordered_map<base::DocumentId, slots> documents_;
  std::uint64_t published_end_ = 0;
};

}  // namespace weft::log::embedded
