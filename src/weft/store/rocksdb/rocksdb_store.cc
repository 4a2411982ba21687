#include "weft/store/rocksdb/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "weft/base/abandon.h"
#include "weft/base/disk.h"
#include "weft/base/document_key.h"
#include "weft/base/rocksdb/database.h"
#include "weft/store/blocking_work.h"
#include "weft/store/snapshot_codec.h"

namespace weft::store::rocks {
namespace {

constexpr const char* who = "snapshot store";
constexpr char snapshot_prefix = 's';  // as snapshot_key has it
constexpr char evidence_prefix = 'x';

rocksdb::Options database_options(const RocksDbStoreOptions& options) {
  rocksdb::Options out = base::rocks::common_options(options.memory_bytes_max);
  out.max_total_wal_size = options.memory_bytes_max * 2;
  out.enable_blob_files = true;
  out.min_blob_size = 64u << 10;
  out.enable_blob_garbage_collection = true;
  out.blob_garbage_collection_age_cutoff = 0.5;
  out.max_open_files = 256;
  return out;
}

base::error to_error(const rocksdb::Status& status, std::string_view doing) {
  const errc code = status.IsCorruption() ? errc::corrupt : errc::unavailable;
  return {make_error_code(code), who + (": " + std::string(doing)) + ": " + status.ToString()};
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
  } else if (present->has_value()) {
    if (auto ok = may_replace(**present, snapshot); !ok) return ok;
  }
  return put(database, key, snapshot, batch, sync);
}

base::result<void> scan(rocksdb::DB& database, const base::DocumentId* document,
                        const snapshot_visitor& each) {
  rocksdb::ReadOptions how;
  how.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(how));
  const std::string wanted = document ? snapshot_key(*document) : "";
  at->Seek(document ? wanted : std::string(1, snapshot_prefix));
  base::result<void> found;
  for (; at->Valid() && at->key()[0] == snapshot_prefix; at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (document && key != wanted) break;
    auto name = base::parse_document_key(key.substr(1));
    if (!name) {
      found = base::fail(errc::corrupt, "snapshot store: a snapshot has a bad key");
      continue;
    }
    const auto bytes = base::shared_bytes::copy_of(base::as_bytes(at->value().ToStringView()));
    each({std::move(*name), bytes, decode_snapshot(key, bytes)});
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return found;
}

}  // namespace

struct RocksDbStore::Parts {
  Parts(RocksDbStoreOptions with, std::unique_ptr<rocksdb::DB> opened)
      : options(std::move(with)),
        database(std::move(opened)),
        workers(options.worker_threads, options.requests_queued_max) {}

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
    const std::scoped_lock lock(saving.of(key));
    auto saved = save(*database, key, snapshot, options.sync);
    if (!saved && saved.error().code == errc::unavailable) failed = true;
    return saved;
  }

  const RocksDbStoreOptions options;
  std::unique_ptr<rocksdb::DB> database;
  NameLocks saving;
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
  std::unique_ptr<rocksdb::DB> opened;
  const rocksdb::Status status =
      base::rocks::open_database(database_options(options), options.directory, opened);
  if (!status.ok()) return base::fail(to_error(status, "open " + options.directory.string()));
  return std::unique_ptr<RocksDbStore>(
      new RocksDbStore(std::make_unique<Parts>(std::move(options), std::move(opened))));
}

void RocksDbStore::load_snapshot(const base::DocumentId& document, base::Executor& executor,
                                 callback<std::optional<Snapshot>> done) {
  on_worker<std::optional<Snapshot>>(
      parts_->workers, who, executor, std::move(done),
      [this, key = snapshot_key(document)] { return load(*parts_->database, key); });
}

void RocksDbStore::save_snapshot(const base::DocumentId& document, Snapshot snapshot,
                                 base::Executor& executor, callback<void> done) {
  on_worker<void>(parts_->workers, who, executor, std::move(done),
                  [this, key = snapshot_key(document), snapshot = std::move(snapshot)] {
                    return parts_->save_guarded(key, snapshot);
                  });
}

std::string RocksDbStore::snapshot_location(const base::DocumentId& document) const {
  return "rocksdb:" + parts_->options.directory.string() + "#" + base::to_string(document);
}

base::result<void> RocksDbStore::audit(const base::DocumentId* document,
                                       const snapshot_visitor& each) const {
  return scan(*parts_->database, document, each);
}

base::result<void> RocksDbStore::replace_snapshot(const base::DocumentId& document,
                                                  const Snapshot& snapshot) {
  const std::string key = snapshot_key(document);
  const std::scoped_lock lock(parts_->saving.of(key));
  rocksdb::WriteBatch batch;
  keep_evidence(*parts_->database, key, batch);
  return parts_->failed ? parts_->read_only() : put(*parts_->database, key, snapshot, batch, true);
}

base::result<void> RocksDbStore::checkpoint(const std::filesystem::path& directory) const {
  if (parts_->failed) return parts_->read_only();
  const rocksdb::Status status = base::rocks::checkpoint(*parts_->database, directory);
  if (!status.ok()) return base::fail(to_error(status, "checkpoint"));
  return {};
}

base::result<void> audit_directory(const std::filesystem::path& directory,
                                   const base::DocumentId* document, const snapshot_visitor& each) {
  std::unique_ptr<rocksdb::DB> database;
  const rocksdb::Status status =
      base::rocks::open_read_only(database_options({}), directory, database);
  if (!status.ok()) return base::fail(to_error(status, "open " + directory.string()));
  return scan(*database, document, each);
}

void RocksDbStore::close() { parts_->workers.close(); }

}  // namespace weft::store::rocks
