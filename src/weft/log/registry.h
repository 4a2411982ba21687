#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "weft/log/op_log.h"

namespace weft::log {

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

/// How far readers may see a partition: its records with a smaller offset. Belongs to the registry
/// that it is used with, which guards it.
class VisibleEnd {
 private:
  friend class Registry;
  std::uint64_t value_ = 0;
};

/// Who listens to which document, and how far each partition is visible.
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
  void publish(const std::vector<Delivery>& commit, VisibleEnd& of, std::uint64_t end);

  void fail(std::vector<Failure> failures);

  /// Ends every subscription of these documents: after on_lost they hear nothing more.
  void lose(const std::vector<base::DocumentId>& documents, const base::error& why);

  std::uint64_t end(const VisibleEnd& of) const {
    const std::scoped_lock lock(mutex_);
    return of.value_;
  }
  void set_end(VisibleEnd& of, std::uint64_t end) {
    const std::scoped_lock lock(mutex_);
    of.value_ = end;
  }

  /// The same for a log of one partition.
  void publish(const std::vector<Delivery>& commit, std::uint64_t end) {
    publish(commit, only_, end);
  }
  std::uint64_t published_end() const { return end(only_); }
  void set_published_end(std::uint64_t value) { set_end(only_, value); }

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
  VisibleEnd only_;
};

}  // namespace weft::log
