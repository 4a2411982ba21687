#include "weft/store/rocksdb/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "weft/base/abandon.h"
#include "weft/base/disk.h"
#include "weft/base/document_key.h"
#include "weft/base/worker_pool.h"
#include "weft/store/rocksdb/snapshot_codec.h"

namespace weft::store::rocks {
namespace {

constexpr char snapshot_prefix = 's';
constexpr char evidence_prefix = 'x';

/// Keeps RocksDB from recovering by itself after a full disk, on a thread of its own: a failed
/// write ends writing until the next start, whatever the reason.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::Options database_options(const RocksDbStoreOptions& options) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.paranoid_checks = true;
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  out.track_and_verify_wals_in_manifest = true;
  out.listeners.push_back(std::make_shared<NoAutomaticRecovery>());
  out.write_buffer_size = options.memory_bytes_max / 4;
  out.max_write_buffer_number = 3;
  out.max_total_wal_size = options.memory_bytes_max * 2;
  out.compression = rocksdb::kNoCompression;
  out.enable_blob_files = true;
  out.min_blob_size = 64u << 10;
  out.enable_blob_garbage_collection = true;
  out.blob_garbage_collection_age_cutoff = 0.5;
  out.max_background_jobs = 2;
  out.max_open_files = 256;
  out.max_manifest_file_size = 16u << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.memory_bytes_max / 4);
  table.cache_index_and_filter_blocks = true;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.max_log_file_size = 2u << 20;
  out.keep_log_file_num = 3;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

base::error to_error(const rocksdb::Status& status, std::string_view doing) {
  const errc code = status.IsCorruption() ? errc::corrupt : errc::unavailable;
  return {make_error_code(code),
          "snapshot store: " + std::string(doing) + ": " + status.ToString()};
}

base::result<std::optional<Snapshot>> load(rocksdb::DB& database, const std::string& key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database.Get(rocksdb::ReadOptions(), database.DefaultColumnFamily(), key, &value);
  if (status.IsNotFound()) return std::optional<Snapshot>();
  if (!status.ok()) return base::fail(to_error(status, "load"));
  auto snapshot =
      decode_snapshot(key, base::shared_bytes::copy_of(base::as_bytes(value.ToStringView())));
  if (!snapshot) return base::fail(std::move(snapshot.error()));
  return std::optional<Snapshot>(std::move(*snapshot));
}

/// Copies a damaged value aside, as far as it can still be read.
void keep_evidence(rocksdb::DB& database, const std::string& key, rocksdb::WriteBatch& batch) {
  std::string value;
  if (!database.Get(rocksdb::ReadOptions(), key, &value).ok()) return;
  batch.Put(evidence_prefix + key.substr(1), value);
}

base::result<void> put(rocksdb::DB& database, const std::string& key, const Snapshot& snapshot,
                       rocksdb::WriteBatch& batch, bool sync) {
  const std::string head = encode_snapshot_head(key, snapshot);
  const rocksdb::Slice key_slice(key);
  const std::array<rocksdb::Slice, 2> value{
      rocksdb::Slice(head), rocksdb::Slice(reinterpret_cast<const char*>(snapshot.update.data()),
                                           snapshot.update.size())};
  batch.Put(rocksdb::SliceParts(&key_slice, 1),
            rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
  rocksdb::WriteOptions how;
  how.sync = sync;
  const rocksdb::Status status = database.Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "save"));
  return {};
}

base::result<void> save(rocksdb::DB& database, const std::string& key, const Snapshot& snapshot,
                        bool sync) {
  rocksdb::WriteBatch batch;
  const auto present = load(database, key);
  if (!present) {
    if (present.error().code != errc::corrupt) return base::fail(base::error(present.error()));
    keep_evidence(database, key, batch);
  } else if (present->has_value() && (*present)->log == snapshot.log &&
             (*present)->covered_end > snapshot.covered_end) {
    return base::fail(errc::stale, "snapshot store: holds a snapshot up to " +
                                       std::to_string((*present)->covered_end.value) +
                                       ", this one ends at " +
                                       std::to_string(snapshot.covered_end.value));
  }
  return put(database, key, snapshot, batch, sync);
}

base::result<void> scan(rocksdb::DB& database, const base::DocumentId* document,
                        const snapshot_visitor& each) {
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(how));
  const std::string wanted = document ? snapshot_prefix + base::document_key(*document) : "";
  at->Seek(document ? wanted : std::string(1, snapshot_prefix));
  for (; at->Valid() && at->key()[0] == snapshot_prefix; at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (document && key != wanted) break;
    auto name = base::parse_document_key(key.substr(1));
    if (!name) return base::fail(errc::corrupt, "snapshot store: a snapshot has a bad key");
    const auto bytes = base::shared_bytes::copy_of(base::as_bytes(at->value().ToStringView()));
    each({std::move(*name), bytes, decode_snapshot(key, bytes)});
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return {};
}

}  // namespace

struct RocksDbStore::Parts {
  Parts(RocksDbStoreOptions with, std::unique_ptr<rocksdb::DB> opened)
      : options(std::move(with)),
        database(std::move(opened)),
        workers(options.worker_threads, options.requests_queued_max) {}

  /// Saving reads before it writes; savers of one document exclude each other.
  std::mutex& saving(const std::string& key) {
    return saving_[std::hash<std::string>()(key) % saving_.size()];
  }

  static base::result<void> read_only() {
    return base::fail(errc::unavailable,
                      "snapshot store: an earlier write failed; read-only until the next start");
  }

  base::result<void> save_guarded(const std::string& key, const Snapshot& snapshot) {
    if (failed) return read_only();
    if (!base::has_room(options.directory, options.disk_reserve_bytes + snapshot.update.size())) {
      return base::fail(errc::unavailable,
                        "snapshot store: too little free disk in " + options.directory.string());
    }
    const std::scoped_lock lock(saving(key));
    auto saved = save(*database, key, snapshot, options.sync);
    if (!saved && saved.error().code == errc::unavailable) failed = true;
    return saved;
  }

  const RocksDbStoreOptions options;
  std::unique_ptr<rocksdb::DB> database;
  std::array<std::mutex, 16> saving_;
  /// A write failed: RocksDB must not be written to again before the next open.
  std::atomic<bool> failed{false};
  base::WorkerPool workers;
};

RocksDbStore::RocksDbStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksDbStore::~RocksDbStore() {
  close();
  if (parts_->failed) base::abandon(std::move(parts_->database));
}

base::result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(RocksDbStoreOptions options) {
  std::error_code made;
  std::filesystem::create_directories(options.directory, made);
  if (made) {
    return base::fail(errc::unavailable, "snapshot store: cannot create " +
                                             options.directory.string() + ": " + made.message());
  }
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(database_options(options), options.directory.string(), &opened);
  if (!status.ok()) return base::fail(to_error(status, "open " + options.directory.string()));
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(
      std::make_unique<Parts>(std::move(options), std::unique_ptr<rocksdb::DB>(opened))));
}

template <typename T, typename Work>
void RocksDbStore::on_worker(base::Executor& executor, callback<T> done, Work work) {
  base::run_and_answer<T>(
      parts_->workers, executor, std::move(done), std::move(work),
      [](base::WorkerPool::verdict why) {
        return why == base::WorkerPool::verdict::full
                   ? base::error{make_error_code(errc::unavailable),
                                 "snapshot store: too many requests are waiting"}
                   : base::error{make_error_code(errc::closed), "snapshot store: closed"};
      });
}

void RocksDbStore::load_snapshot(const base::DocumentId& document, base::Executor& executor,
                                 callback<std::optional<Snapshot>> done) {
  on_worker<std::optional<Snapshot>>(executor, std::move(done),
                                     [this, key = snapshot_prefix + base::document_key(document)] {
                                       return load(*parts_->database, key);
                                     });
}

void RocksDbStore::save_snapshot(const base::DocumentId& document, Snapshot snapshot,
                                 base::Executor& executor, callback<void> done) {
  on_worker<void>(executor, std::move(done),
                  [this, key = snapshot_prefix + base::document_key(document),
                   snapshot = std::move(snapshot)] { return parts_->save_guarded(key, snapshot); });
}

base::result<void> RocksDbStore::audit(const base::DocumentId* document,
                                       const snapshot_visitor& each) const {
  return scan(*parts_->database, document, each);
}

base::result<void> RocksDbStore::replace_snapshot(const base::DocumentId& document,
                                                  const Snapshot& snapshot) {
  const std::string key = snapshot_prefix + base::document_key(document);
  const std::scoped_lock lock(parts_->saving(key));
  rocksdb::WriteBatch batch;
  keep_evidence(*parts_->database, key, batch);
  return parts_->failed ? parts_->read_only() : put(*parts_->database, key, snapshot, batch, true);
}

base::result<void> RocksDbStore::checkpoint(const std::filesystem::path& directory) const {
  if (parts_->failed) return parts_->read_only();
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(parts_->database.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> keeper(made);
  if (status.ok()) status = made->CreateCheckpoint(directory.string());
  if (!status.ok()) return base::fail(to_error(status, "checkpoint"));
  return {};
}

base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each) {
  RocksDbStoreOptions options;
  auto settings = database_options(options);
  settings.create_if_missing = false;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(settings, directory.string(), &opened);
  if (!status.ok()) return base::fail(to_error(status, "open " + directory.string()));
  const std::unique_ptr<rocksdb::DB> database(opened);
  return scan(*database, document, each);
}

void RocksDbStore::close() { parts_->workers.close(); }

}  // namespace weft::store::rocks
