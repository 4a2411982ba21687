#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "weft/log/embedded/embedded_log.h"
#include "weft/log/embedded/schema.h"
#include "weft/log/registry.h"

namespace weft::log::embedded {

/// Where writing starts after an open.
struct WriteStart {
  std::uint64_t actor = 0;
  std::uint64_t next_offset = 0;
  std::uint64_t seq_max = 0;
  doc_number next_document = 0;
};

/// The one writer of the log: a queue that any thread fills, and a thread that empties it into
/// group commits. See EmbeddedLog for what it promises.
class Committer {
 public:
  Committer(const EmbeddedLogOptions& options, rocksdb::DB& database, Registry& registry,
            WriteStart start);
  ~Committer() { close(); }
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  base::result<void> append(const base::DocumentId& document, std::vector<Record>&& records);
  bool writable() const;
  std::uint64_t next_seq() const { return seq_max_.load() + 1; }
  EmbeddedLogStats stats() const;

  /// Whether a write or sync failed: the database must not be written to again.
  bool failed() const { return state_.load() == state::failed; }

  /// Commits what was accepted, then refuses. Blocks.
  void close();

 private:
  enum class state { running, full, failed };

  struct Pending {
    base::DocumentId document;
    std::vector<Record> records;
    std::size_t bytes = 0;
  };

  /// What is known of a document that was written lately. Only the committer thread sees it.
  struct KnownDocument {
    doc_number number = 0;
    std::uint64_t end = 0;     ///< after its last record; 0: none
    std::uint64_t commit = 0;  ///< the commit that `group` belongs to
    std::size_t group = 0;
    bool is_new = false;  ///< its number is not in the database yet
  };

  struct Group {
    const base::DocumentId* document = nullptr;
    KnownDocument* known = nullptr;
    std::shared_ptr<record_batch> records;
  };

  void run();
  void commit(std::vector<Pending>& pending, std::size_t first, std::size_t last);
  std::vector<Group> group(std::vector<Pending>& pending, std::size_t first, std::size_t last);
  rocksdb::Status write(std::vector<Group>& groups);
  void note_written(std::size_t records);
  void encode(Group& group, rocksdb::WriteBatch& batch, Commit& commit);
  void refuse(std::vector<Pending>& pending, std::size_t first, const base::error& why);
  void reject(std::vector<Group>& groups, const base::error& why);
  base::result<KnownDocument*> know(const base::DocumentId& document);
  bool has_room() const;
  void probe();
  void request_probe() const;
  base::error state_error() const;

  const EmbeddedLogOptions& options_;
  rocksdb::DB& database_;
  Registry& registry_;
  const std::uint64_t actor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  std::vector<Pending> queue_;
  bool asleep_ = false;
  bool closing_ = false;
  mutable bool probe_wanted_ = false;
  mutable std::chrono::steady_clock::time_point next_probe_{};

  std::atomic<state> state_{state::running};
  std::atomic<std::size_t> inflight_bytes_{0};
  std::atomic<std::uint64_t> seq_max_;
  std::atomic<std::uint64_t> commits_{0}, records_{0}, envelope_bytes_{0}, failed_records_{0},
      write_ns_{0};

  // The committer thread's own.
  std::unordered_map<base::DocumentId, KnownDocument> known_;
  std::uint64_t next_offset_;
  doc_number next_document_;
  std::uint64_t commit_serial_ = 0;
  std::vector<std::shared_ptr<CommitTrace>> followed_;  ///< of the commit in progress
  std::string failure_;                                 ///< why state_ is failed; guarded by mutex_

  std::thread thread_;
};

}  // namespace weft::log::embedded
