#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "weft/store/directory_store.h"

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

/// Reads the snapshots of a store that no process has open; writes nothing. `document` as in
/// DirectoryStore::audit. Errors: unavailable, corrupt.
base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each);

/// Snapshots in a RocksDB of this process. Large ones lie in its blob files, so that compaction
/// does not copy them again and again.
///
/// A snapshot that fails its checksum stays where it is and is reported as corrupt; saving a newer
/// one moves it aside (key `x`), so the evidence outlives the repair. A torn tail of the
/// write-ahead log is cut off on opening. Threading: any thread. Source: docs/formats/snapshot.md.
class RocksDbStore final : public DirectoryStore {
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
  std::string snapshot_location(const base::DocumentId& document) const override;
  void close() override;

  base::result<void> audit(const base::DocumentId* document,
                           const snapshot_visitor& each) const override;
  base::result<void> replace_snapshot(const base::DocumentId& document,
                                      const Snapshot& snapshot) override;
  base::result<void> checkpoint(const std::filesystem::path& directory) const override;

 private:
  struct Parts;
  explicit RocksDbStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::store::rocks
