#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "weft/base/result.h"
#include "weft/log/embedded/audit.h"
#include "weft/log/op_log.h"

namespace weft::log::embedded {

enum class durability {
  fsync,   ///< committed means synced to the disk: survives loss of power
  os,      ///< committed means given to the operating system: survives a crash of the process
  memory,  ///< committed means in memory: survives an orderly close only
};

struct EmbeddedLogOptions {
  std::filesystem::path directory;  ///< created if missing; belongs to this log alone
  embedded::durability durability = durability::fsync;

  /// Bytes of records accepted and not yet committed; beyond that append says overloaded.
  std::size_t inflight_bytes_max = std::size_t{64} << 20;
  /// The largest envelope taken.
  std::size_t record_bytes_max = std::size_t{65} << 20;
  /// A commit takes what is waiting, up to about this many bytes.
  std::size_t commit_bytes_max = std::size_t{8} << 20;
  /// Records of one document in one commit are stored in pieces of about this size.
  std::size_t chunk_bytes_max = std::size_t{1} << 20;
  /// The least time between the starts of two commits: larger groups for a later acknowledgement.
  /// An edit after a pause is committed at once; under steady load a sync costs more CPU than all
  /// else that an edit needs, and 2 ms halve that or better (bench/RESULTS.md).
  std::chrono::microseconds commit_interval_us{2000};
  /// Appends say disk_full while the file system has less room than this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  /// What RocksDB may use for write buffers and cache, about.
  std::size_t memory_bytes_max = std::size_t{128} << 20;
  std::size_t reader_threads = 2;
  std::size_t reads_queued_max = 65536;
};

/// Counters since open, for metrics and benchmarks.
struct EmbeddedLogStats {
  std::uint64_t commits = 0;
  std::uint64_t records = 0;
  std::uint64_t envelope_bytes = 0;
  std::uint64_t failed_records = 0;
  std::uint64_t write_ns = 0;  ///< time spent in RocksDB's write, sync included
  std::uint64_t inflight_bytes = 0;
};

/// The durable log of one process, on RocksDB: one partition, offsets from 0 across all documents.
///
/// One thread commits: it takes everything that waits, writes it as one batch with one sync, and
/// then tells each executor concerned once. Records that wait together are ordered by document.
/// A failed write or sync makes the log read-only until the next open (guarantee 1 of the design:
/// after a failed fdatasync nobody can know what is on the disk); the operations under way are
/// told commit_unknown. Below disk_reserve_bytes nothing is written: appends say disk_full until
/// there is room again.
/// Threading and promises: see OpLog.
/// Source: docs/formats/embedded_log.md.
class EmbeddedLog final : public OpLog {
 public:
  /// Opens or creates the log. A torn end of the last file, as a crash leaves it, is cut off and
  /// kept aside; damage anywhere else is an error.
  /// Errors: failed (also: in use by another process), corrupt, disk_full.
  static base::result<std::unique_ptr<EmbeddedLog>> open(EmbeddedLogOptions options);

  ~EmbeddedLog() override;
  EmbeddedLog(const EmbeddedLog&) = delete;
  EmbeddedLog& operator=(const EmbeddedLog&) = delete;

  base::log_identity id() const override;
  std::uint64_t actor() const override;
  std::uint64_t next_seq() const override;
  base::result<void> append(const base::DocumentId& document,
                            std::vector<Record>&& records) override;
  std::unique_ptr<Subscription> subscribe(const base::DocumentId& document,
                                          base::Executor& executor,
                                          Subscriber& subscriber) override;
  void read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
            base::Executor& executor, callback<ReadResult> done) override;
  void read_partition(const LogPosition& from, std::size_t bytes_max, base::Executor& executor,
                      callback<PartitionReadResult> done) override;
  void end(const base::DocumentId& document, base::Executor& executor,
           callback<log_offset> done) override;
  void documents(const base::DocumentId* after, std::size_t count_max, base::Executor& executor,
                 callback<std::vector<base::DocumentId>> done) override;
  void trim(const base::DocumentId& document, log_offset before, base::Executor& executor,
            callback<void> done) override;
  LogPosition position(const base::DocumentId& document, log_offset offset) const override;
  bool writable() const override;
  void close() override;

  EmbeddedLogStats stats() const;

  /// Looks through one document's records; see audit.h. Blocks. Errors: corrupt, failed (the
  /// database itself cannot be read on).
  base::result<DocumentAudit> audit(const base::DocumentId& document,
                                    const record_visitor& visitor) const;

  /// Looks through everything below `limit`. Blocks. Errors as above.
  base::result<LogAudit> audit(log_offset limit, const audit_progress& progress = {},
                               const document_visitor& each_document = {}) const;

  /// Puts records where damaged chunks lay, all or none; durable when it returns. Blocks. What
  /// lay there is gone: keep it before. Errors: failed, not_found.
  base::result<void> replace(const base::DocumentId& document,
                             const std::vector<Replacement>& replacements);

  /// A consistent copy of all that is committed, in a directory that must not exist yet. Appends
  /// go on meanwhile. Blocks. Errors: failed, disk_full.
  base::result<void> checkpoint(const std::filesystem::path& directory) const;

 private:
  struct Parts;
  explicit EmbeddedLog(std::unique_ptr<Parts> parts);

  template <typename T, typename Work>
  void on_reader(base::Executor& executor, callback<T> done, Work work);

  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::log::embedded
