#include "weft/base/rocksdb/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <string>

#include "weft/base/rocksdb/wal_tail.h"

namespace weft::base::rocks {
namespace {

/// Keeps RocksDB from recovering by itself after a full disk, on a thread of its own: a failed
/// write ends writing until the next start, whatever the reason.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::Status open_once(const rocksdb::Options& options, const std::filesystem::path& directory,
                          std::unique_ptr<rocksdb::DB>& out) {
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, directory.string(), &opened);
  out.reset(opened);
  return status;
}

}  // namespace

rocksdb::Options common_options(std::size_t memory_bytes_max) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.paranoid_checks = true;
  // Refuses damage in the middle of the write-ahead log, where the default would silently drop
  // everything after it; and the manifest remembers how much of each older file was synced.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  out.track_and_verify_wals_in_manifest = true;
  out.use_fsync = false;
  out.listeners.push_back(std::make_shared<NoAutomaticRecovery>());

  out.write_buffer_size = memory_bytes_max / 4;
  out.max_write_buffer_number = 3;
  out.compression = rocksdb::kNoCompression;
  out.max_background_jobs = 2;
  out.max_manifest_file_size = 16u << 20;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(memory_bytes_max / 4);
  table.cache_index_and_filter_blocks = true;
  table.block_size = 16u << 10;
  table.format_version = 5;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  // RocksDB's own diary stays small, and no timer wakes an idle process.
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.max_log_file_size = 2u << 20;
  out.keep_log_file_num = 3;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

rocksdb::Status open_database(const rocksdb::Options& options,
                              const std::filesystem::path& directory,
                              std::unique_ptr<rocksdb::DB>& out) {
  std::error_code made;
  std::filesystem::create_directories(directory, made);
  if (made) return rocksdb::Status::IOError("cannot create the directory", made.message());
  rocksdb::Status status = open_once(options, directory, out);
  if (status.IsCorruption()) {
    const auto cut = cut_torn_tail(directory);
    if (!cut) return rocksdb::Status::IOError(cut.error().message);
    if (*cut) status = open_once(options, directory, out);
  }
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return rocksdb::Status::Busy(
        "in use by another process; stop it or choose another data directory");
  }
  return status;
}

rocksdb::Status open_read_only(rocksdb::Options options, const std::filesystem::path& directory,
                               std::unique_ptr<rocksdb::DB>& out) {
  options.create_if_missing = false;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, directory.string(), &opened);
  out.reset(opened);
  return status;
}

rocksdb::Status checkpoint(rocksdb::DB& database, const std::filesystem::path& directory) {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database, &made);
  const std::unique_ptr<rocksdb::Checkpoint> keeper(made);
  if (status.ok()) status = made->CreateCheckpoint(directory.string());
  return status;
}

}  // namespace weft::base::rocks
