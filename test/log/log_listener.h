#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "weft/log/op_log.h"

/// A subscriber that tests wait on, and small records to append.
namespace weft::log::conformance {

/// Collects what a subscriber is told; the test's thread waits for counts.
class Listener final : public Subscriber {
 public:
  void on_committed(const record_batch& records) override {
    {
      const std::scoped_lock lock(mutex_);
      ++batches_;
      records_.insert(records_.end(), records.begin(), records.end());
    }
    changed_.notify_all();
  }
  void on_append_failed(const std::vector<base::OperationId>& operations,
                        const base::error& why) override {
    {
      const std::scoped_lock lock(mutex_);
      failed_.insert(failed_.end(), operations.begin(), operations.end());
      reasons_.insert(reasons_.end(), operations.size(), why.code);
      why_ = why;
    }
    changed_.notify_all();
  }
  void on_lost(const base::error& why) override {
    {
      const std::scoped_lock lock(mutex_);
      lost_ = true;
      why_ = why;
    }
    changed_.notify_all();
  }

  /// The first `count` records, once there are as many; fewer after a deadline.
  record_batch wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline, [&] { return records_.size() >= count; });
    return records_;
  }
  std::vector<base::OperationId> wait_for_failed(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline, [&] { return failed_.size() >= count; });
    return failed_;
  }
  /// Why each of those that failed did, in the order of wait_for_failed.
  std::vector<std::error_code> reasons() const {
    const std::scoped_lock lock(mutex_);
    return reasons_;
  }
  /// Until everything appended has been answered one way or the other.
  std::size_t wait_for_answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline, [&] { return failed_.size() + records_.size() >= count; });
    return failed_.size() + records_.size();
  }
  bool wait_until_lost() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline, [&] { return lost_; });
    return lost_;
  }
  record_batch records() const {
    const std::scoped_lock lock(mutex_);
    return records_;
  }
  base::error why() const {
    const std::scoped_lock lock(mutex_);
    return why_;
  }
  std::size_t batches() const {
    const std::scoped_lock lock(mutex_);
    return batches_;
  }

 private:
  static constexpr std::chrono::seconds deadline{60};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  record_batch records_;
  std::vector<base::OperationId> failed_;
  std::vector<std::error_code> reasons_;
  base::error why_;
  bool lost_ = false;
  std::size_t batches_ = 0;
};

inline base::DocumentId document(const std::string& name) { return {"room", name, std::nullopt}; }

inline Record record(std::uint64_t actor, std::uint64_t seq, std::string text = {}) {
  if (text.empty()) text = "record " + std::to_string(seq);
  Record out;
  out.operation = {actor, seq};
  out.received_at_ms = 1700000000000 + static_cast<std::int64_t>(seq);
  out.identity = seq % 2 ? "ada" : "";
  out.envelope = base::shared_bytes::copy_of(base::as_bytes(text));
  return out;
}

inline std::vector<Record> one(Record value) {
  std::vector<Record> out;
  out.push_back(std::move(value));
  return out;
}

inline std::vector<std::uint64_t> seqs(const record_batch& records) {
  std::vector<std::uint64_t> out;
  for (const CommittedRecord& entry : records) out.push_back(entry.record.operation.seq);
  return out;
}

inline std::vector<std::uint64_t> count_up(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> out;
  for (; first < end; ++first) out.push_back(first);
  return out;
}

}  // namespace weft::log::conformance
