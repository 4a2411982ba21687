#include "weft/log/embedded/database.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/slice_transform.h>

#include "weft/base/rocksdb/database.h"
#include "weft/log/embedded/schema.h"

namespace weft::log::embedded {
namespace {

/// Lets the write-ahead log reserve its room with its length. RocksDB reserves room either way, but
/// by default leaves the length to grow with every commit: each sync then writes the inode as well,
/// which costs a third of it. The reserved rest reads as zeros; a clean close cuts it off, and
/// recovery passes over it.
class GrownLogFiles final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "weft.grown_log_files"; }
  rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& options,
                                           const rocksdb::DBOptions& settings) const override {
    rocksdb::FileOptions out = target()->OptimizeForLogWrite(options, settings);
    out.fallocate_with_keep_size = false;
    return out;
  }
};

/// A document's chunks come in the order of their keys, and so do commits: the memtable remembers
/// where the last one of each went instead of searching from the top.
///
/// RocksDB 7.8 keeps one place for a prefix although deletions of ranges lie in a table of their
/// own: no range may begin with a key in this domain (see chunks_begin).
class AscendingKeys final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "weft.ascending_keys"; }
  bool InDomain(const rocksdb::Slice& key) const override {
    return (key.size() == chunk_key_bytes && key[0] == chunk_prefix) ||
           (key.size() == commit_key_bytes && key[0] == commit_prefix);
  }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), key.size() - offset_bytes};
  }

 private:
  static constexpr std::size_t offset_bytes = 8;
};

/// Stateless and for the whole process, as RocksDB's own default; databases that were given up
/// (base::abandon) refer to it for ever.
rocksdb::Env* environment() {
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<GrownLogFiles>(rocksdb::FileSystem::Default()))
          .release();
  return env;
}

rocksdb::Options database_options(const EmbeddedLogOptions& options) {
  rocksdb::Options out = base::rocks::common_options(options.memory_bytes_max);
  out.env = environment();
  // One thread writes, in large batches, and hardly anything is read again soon.
  out.allow_concurrent_memtable_write = false;
  out.enable_write_thread_adaptive_yield = false;
  out.memtable_insert_with_hint_prefix_extractor = std::make_shared<AscendingKeys>();
  out.max_total_wal_size = options.memory_bytes_max;
  out.bottommost_compression = rocksdb::kLZ4Compression;
  out.max_open_files = 512;
  return out;
}

bool is_at(const rocksdb::Iterator& at, char prefix, std::size_t key_bytes) {
  return at.Valid() && at.key().size() == key_bytes && at.key()[0] == prefix;
}

}  // namespace

base::error to_error(const rocksdb::Status& status, std::string_view doing) {
  errc code = errc::failed;
  if (status.IsCorruption()) code = errc::corrupt;
  if (status.IsNoSpace()) code = errc::disk_full;
  if (status.IsShutdownInProgress()) code = errc::closed;
  return {make_error_code(code), "embedded log: " + std::string(doing) + ": " + status.ToString()};
}

base::result<std::unique_ptr<rocksdb::DB>> open_database(const EmbeddedLogOptions& options) {
  std::unique_ptr<rocksdb::DB> opened;
  const rocksdb::Status status =
      base::rocks::open_database(database_options(options), options.directory, opened);
  if (!status.ok()) return base::fail(to_error(status, "open " + options.directory.string()));
  return opened;
}

base::result<std::unique_ptr<rocksdb::DB>> open_read_only(const std::filesystem::path& directory) {
  EmbeddedLogOptions options;
  options.directory = directory;
  std::unique_ptr<rocksdb::DB> opened;
  const rocksdb::Status status =
      base::rocks::open_read_only(database_options(options), directory, opened);
  if (!status.ok()) return base::fail(to_error(status, "open " + directory.string()));
  return opened;
}

std::unique_ptr<rocksdb::Iterator> read_through(rocksdb::DB& database) {
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  how.readahead_size = std::size_t{1} << 20;
  return std::unique_ptr<rocksdb::Iterator>(database.NewIterator(how));
}

bool at_commit(const rocksdb::Iterator& at) { return is_at(at, commit_prefix, commit_key_bytes); }
bool at_chunk(const rocksdb::Iterator& at) { return is_at(at, chunk_prefix, chunk_key_bytes); }
bool at_name(const rocksdb::Iterator& at) { return is_at(at, name_prefix, name_key_bytes); }

base::result<std::optional<std::uint64_t>> get_number(rocksdb::DB& database,
                                                      const std::string& key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database.Get(rocksdb::ReadOptions(), database.DefaultColumnFamily(), key, &value);
  if (status.IsNotFound()) return std::optional<std::uint64_t>();
  if (!status.ok()) return base::fail(to_error(status, "read"));
  auto number = decode_number(key, value.ToStringView());
  if (!number) return base::fail(std::move(number.error()));
  return std::optional<std::uint64_t>(*number);
}

}  // namespace weft::log::embedded
