#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "weft/store/directory_store.h"

namespace weft::store::filesystem {

struct FilesystemStoreOptions {
  std::filesystem::path directory;  ///< created if missing; belongs to this store alone
  /// Nothing is saved that would leave less free disk than this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  bool sync = true;  ///< false: done means given to the operating system
  std::size_t worker_threads = 2;
  std::size_t requests_queued_max = 65536;
};

/// Reads the snapshots of a directory that no process needs to have open; writes nothing.
/// `document` as in DirectoryStore::audit. Errors: unavailable, corrupt.
base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each);

/// Whether a directory says that it is one of these, in whatever state.
bool is_filesystem_store(const std::filesystem::path& directory);

/// Snapshots in plain files, one for each document, which any tool can list, copy and compare.
///
/// A file that cannot be read (torn, another document's, no plain file) is reported as corrupt and
/// never taken for an empty document; saving a newer snapshot moves what it holds aside
/// (`.damaged`), so the evidence outlives the repair.
/// Threading: any thread.
/// Source: docs/formats/snapshot.md.
class FilesystemStore final : public DirectoryStore {
 public:
  /// Errors: unavailable (in use by another process, not permitted, holds something else …),
  /// corrupt (an unknown format).
  static base::result<std::unique_ptr<FilesystemStore>> open(FilesystemStoreOptions options);

  ~FilesystemStore() override;
  FilesystemStore(const FilesystemStore&) = delete;
  FilesystemStore& operator=(const FilesystemStore&) = delete;

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
  explicit FilesystemStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::store::filesystem
