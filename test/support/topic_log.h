#pragma once

#include <mutex>
#include <set>

#include "weft/log/op_log.h"

namespace weft::test {

/// Makes of a log one whose documents lie in topics with identities of their own, as on Kafka: id()
/// names the whole and no document's versions, and where a document lies is not known before
/// something was heard or read of it. So whoever takes one for the other is found out.
class TopicLog final : public log::OpLog {
 public:
  explicit TopicLog(log::OpLog& inner) : inner_(inner) {}

  /// That its documents' versions count in.
  base::log_identity topic_id() const { return inner_.id(); }

  base::log_identity id() const override { return {~inner_.id().value}; }
  std::uint64_t actor() const override { return inner_.actor(); }
  std::uint64_t next_seq() const override { return inner_.next_seq(); }
  base::result<void> append(const base::DocumentId& document,
                            std::vector<log::Record>&& records) override {
    return inner_.append(document, std::move(records));
  }
  std::unique_ptr<log::Subscription> subscribe(const base::DocumentId& document,
                                               base::Executor& executor,
                                               log::Subscriber& subscriber) override {
    return inner_.subscribe(document, executor, subscriber);
  }
  void read(const base::DocumentId& document, base::log_offset from, std::size_t bytes_max,
            base::Executor& executor, log::callback<log::ReadResult> done) override {
    inner_.read(document, from, bytes_max, executor, knowing(document, std::move(done)));
  }
  void read_partition(const log::LogPosition& from, std::size_t bytes_max, base::Executor& executor,
                      log::callback<log::PartitionReadResult> done) override {
    inner_.read_partition(from, bytes_max, executor, std::move(done));
  }
  void end(const base::DocumentId& document, base::Executor& executor,
           log::callback<base::log_offset> done) override {
    inner_.end(document, executor, knowing(document, std::move(done)));
  }
  void documents(const base::DocumentId* after, std::size_t count_max, base::Executor& executor,
                 log::callback<std::vector<base::DocumentId>> done) override {
    inner_.documents(after, count_max, executor, std::move(done));
  }
  void trim(const base::DocumentId& document, base::log_offset before, base::Executor& executor,
            log::callback<void> done) override {
    inner_.trim(document, before, executor, std::move(done));
  }
  log::LogPosition position(const base::DocumentId& document,
                            base::log_offset offset) const override {
    const std::scoped_lock lock(mutex_);
    if (known_.contains(document)) return inner_.position(document, offset);
    log::LogPosition out;
    out.offset = offset;
    return out;
  }
  bool writable() const override { return inner_.writable(); }
  void close() override { inner_.close(); }

 private:
  template <typename T>
  log::callback<T> knowing(const base::DocumentId& document, log::callback<T> done) {
    return [this, document, done = std::move(done)](base::result<T> found) mutable {
      {
        const std::scoped_lock lock(mutex_);
        known_.insert(document);
      }
      done(std::move(found));
    };
  }

  log::OpLog& inner_;
  mutable std::mutex mutex_;
  std::set<base::DocumentId> known_;
};

}  // namespace weft::test
