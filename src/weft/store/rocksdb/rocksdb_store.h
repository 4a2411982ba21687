#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "weft/base/result.h"
#include "weft/store/document_store.h"

namespace weft::store::rocks {

struct RocksDbStoreOptions {
  std::filesystem::path directory;  ///< created if missing; belongs to this store alone
  /// Nothing is saved that would leave less free disk than this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  bool sync = true;  ///< false: done means given to the operating system
  std::size_t memory_bytes_max = std::size_t{32} << 20;  ///< write buffers and cache, about
  std::size_t worker_threads = 2;
  std::size_t requests_queued_max = 65536;
};

/// A stored snapshot and the bytes it was read from, or why those are none.
struct StoredValue {
  base::DocumentId document;
  base::byte_view bytes;
  base::result<Snapshot> snapshot;
};
using snapshot_visitor = std::function<void(StoredValue&&)>;

/// Reads the snapshots of a store that no process has open; writes nothing. `document` as in
/// RocksDbStore::audit. Errors: unavailable, corrupt.
base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each);

/// Snapshots in a RocksDB of this process. Large ones lie in its blob files, so that compaction
/// does not copy them again and again.
///
/// A snapshot that fails its checksum stays where it is and is reported as corrupt; saving a newer
/// one moves it aside (key `x`), so the evidence outlives the repair.
/// Threading: any thread.
/// Source: docs/formats/snapshot.md.
class RocksDbStore final : public DocumentStore {
 public:
  /// Errors: unavailable (in use by another process, not permitted, disk full …), corrupt.
  static base::result<std::unique_ptr<RocksDbStore>> open(RocksDbStoreOptions options);

  ~RocksDbStore() override;
  RocksDbStore(const RocksDbStore&) = delete;
  RocksDbStore& operator=(const RocksDbStore&) = delete;

  void load_snapshot(const base::DocumentId& document, base::Executor& executor,
                     callback<std::optional<Snapshot>> done) override;
  void save_snapshot(const base::DocumentId& document, Snapshot snapshot, base::Executor& executor,
                     callback<void> done) override;
  void close() override;

  /// Calls `each` for every snapshot of a document, or for all with nullptr. Blocks. Errors:
  /// corrupt, unavailable (the database itself cannot be read on).
  base::result<void> audit(const base::DocumentId* document, const snapshot_visitor& each) const;

  /// Puts a snapshot in the place of whatever is there, which is moved aside (key `x`); durable
  /// when it returns. Blocks. For repair: nothing is compared. Errors: unavailable.
  base::result<void> replace_snapshot(const base::DocumentId& document, const Snapshot& snapshot);

  /// A consistent copy in a directory that must not exist yet. Saving goes on meanwhile. Blocks.
  /// Errors: unavailable.
  base::result<void> checkpoint(const std::filesystem::path& directory) const;

 private:
  struct Parts;
  explicit RocksDbStore(std::unique_ptr<Parts> parts);

  template <typename T, typename Work>
  void on_worker(base::Executor& executor, callback<T> done, Work work);

  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::store::rocks
