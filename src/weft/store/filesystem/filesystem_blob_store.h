#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "weft/store/blob_store.h"

namespace weft::store::filesystem {

struct FilesystemBlobStoreOptions {
  std::filesystem::path directory;  ///< created if missing; belongs to this store alone
  /// Nothing is put that would leave less free disk than this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  /// The largest blob that is taken; one blob is held in memory as a whole.
  std::uint64_t blob_bytes_max = std::uint64_t{1} << 30;
  bool sync = true;  ///< false: done means given to the operating system
  std::size_t worker_threads = 2;
  std::size_t requests_queued_max = 65536;
};

/// Blobs in plain files. Listing reads the names of all of them for each page.
/// Threading: any thread.
/// Source: docs/formats/blob.md.
class FilesystemBlobStore final : public BlobStore {
 public:
  /// Errors: unavailable (in use by another process, not permitted, holds something else …),
  /// corrupt (an unknown format).
  static base::result<std::unique_ptr<FilesystemBlobStore>> open(
      FilesystemBlobStoreOptions options);

  ~FilesystemBlobStore() override;
  FilesystemBlobStore(const FilesystemBlobStore&) = delete;
  FilesystemBlobStore& operator=(const FilesystemBlobStore&) = delete;

  void put(std::string location, base::shared_bytes bytes, existing_blob existing,
           base::Executor& executor, callback<void> done) override;
  void get(std::string location, base::Executor& executor,
           callback<std::optional<base::shared_bytes>> done) override;
  void remove(std::string location, base::Executor& executor, callback<void> done) override;
  void list(std::string prefix, std::string after, std::size_t count_max, base::Executor& executor,
            callback<std::vector<BlobEntry>> done) override;
  std::uint64_t blob_bytes_max() const override;
  void close() override;

 private:
  struct Parts;
  explicit FilesystemBlobStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::store::filesystem
