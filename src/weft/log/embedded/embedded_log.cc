#include "weft/log/embedded/embedded_log.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "weft/base/abandon.h"
#include "weft/base/random.h"
#include "weft/base/worker_pool.h"
#include "weft/log/embedded/committer.h"
#include "weft/log/embedded/database.h"
#include "weft/log/embedded/reads.h"
#include "weft/log/embedded/scan.h"
#include "weft/log/embedded/schema.h"

namespace weft::log::embedded {
namespace {

constexpr std::uint64_t format_version = 1;

struct Identity {
  std::uint64_t log = 0;
  std::uint64_t actor = 0;
};

std::uint64_t nonzero_seed() {
  std::uint64_t seed = 0;
  while (seed == 0) seed = base::system_seed();
  return seed;
}

/// Reads who this log is, or decides it for a new one.
base::result<Identity> identify(rocksdb::DB& database) {
  const std::string format_key = meta_key("format");
  const std::string log_key = meta_key("log");
  const std::string actor_key = meta_key("actor");
  const auto format = get_number(database, format_key);
  if (!format) return base::fail(base::error(format.error()));
  if (format->has_value()) {
    if (**format != format_version) {
      return base::fail(errc::failed, "embedded log: format " + std::to_string(**format) +
                                          " needs another version of this program");
    }
    const auto log = get_number(database, log_key);
    const auto actor = get_number(database, actor_key);
    if (!log || !actor || !log->has_value() || !actor->has_value()) {
      return base::fail(errc::corrupt, "embedded log: its identity is unreadable");
    }
    return Identity{**log, **actor};
  }
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
  at->SeekToFirst();
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  if (at->Valid()) {
    return base::fail(errc::corrupt, "embedded log: the directory holds keys but no identity");
  }
  const Identity made{nonzero_seed(), nonzero_seed()};
  rocksdb::WriteBatch batch;
  batch.Put(format_key, encode_number(format_key, format_version));
  batch.Put(log_key, encode_number(log_key, made.log));
  batch.Put(actor_key, encode_number(actor_key, made.actor));
  rocksdb::WriteOptions how;
  how.sync = true;
  const rocksdb::Status status = database.Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "create"));
  return made;
}

/// Finds the last key with `prefix`, or leaves the iterator invalid.
bool seek_last(rocksdb::Iterator& at, char prefix) {
  const std::string after(1, static_cast<char>(prefix + 1));
  at.SeekForPrev(after);
  return at.Valid() && at.key()[0] == prefix;
}

base::result<WriteStart> find_start(rocksdb::DB& database, std::uint64_t actor) {
  WriteStart out;
  out.actor = actor;
  const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
  if (seek_last(*at, commit_prefix)) {
    const std::string_view key = at->key().ToStringView();
    const auto commit = decode_commit(key, at->value().ToStringView());
    if (!commit) return base::fail(base::error(commit.error()));
    out.next_offset = key_offset(key);
    for (const CommitEntry& entry : commit->entries) out.next_offset += entry.count;
    out.seq_max = commit->seq_max;
  }
  if (seek_last(*at, name_prefix)) out.next_document = key_offset(at->key().ToStringView()) + 1;
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return out;
}

}  // namespace

struct EmbeddedLog::Parts {
  Parts(EmbeddedLogOptions with, std::unique_ptr<rocksdb::DB> opened, Identity who,
        WriteStart start)
      : options(std::move(with)),
        database(std::move(opened)),
        identity(who),
        registry(std::make_shared<Registry>()),
        committer(options, *database, *registry, start),
        readers(options.reader_threads, options.reads_queued_max) {
    registry->set_published_end(start.next_offset);
  }

  /// After a failed write RocksDB must not be written to before the next open.
  base::result<void> still_writes() const {
    if (!committer.failed()) return {};
    return base::fail(errc::failed,
                      "embedded log: an earlier write failed; nothing can be written before the "
                      "next start");
  }

  rocksdb::WriteOptions write_options() const {
    rocksdb::WriteOptions how;
    how.sync = options.durability == durability::fsync;
    how.disableWAL = options.durability == durability::memory;
    return how;
  }

  const EmbeddedLogOptions options;
  std::unique_ptr<rocksdb::DB> database;
  const Identity identity;
  const std::shared_ptr<Registry> registry;
  Committer committer;
  base::WorkerPool readers;
};

EmbeddedLog::EmbeddedLog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

EmbeddedLog::~EmbeddedLog() {
  close();
  if (parts_->committer.failed()) base::abandon(std::move(parts_->database));
}

base::result<std::unique_ptr<EmbeddedLog>> EmbeddedLog::open(EmbeddedLogOptions options) {
  auto database = open_database(options);
  if (!database) return base::fail(std::move(database.error()));
  const auto identity = identify(**database);
  if (!identity) return base::fail(base::error(identity.error()));
  const auto start = find_start(**database, identity->actor);
  if (!start) return base::fail(base::error(start.error()));
  return std::unique_ptr<EmbeddedLog>(new EmbeddedLog(
      std::make_unique<Parts>(std::move(options), std::move(*database), *identity, *start)));
}

base::log_identity EmbeddedLog::id() const { return {parts_->identity.log}; }
std::uint64_t EmbeddedLog::actor() const { return parts_->identity.actor; }
std::uint64_t EmbeddedLog::next_seq() const { return parts_->committer.next_seq(); }
bool EmbeddedLog::writable() const { return parts_->committer.writable(); }
EmbeddedLogStats EmbeddedLog::stats() const { return parts_->committer.stats(); }

base::result<void> EmbeddedLog::append(const base::DocumentId& document,
                                       std::vector<Record>&& records) {
  return parts_->committer.append(document, std::move(records));
}

std::unique_ptr<Subscription> EmbeddedLog::subscribe(const base::DocumentId& document,
                                                     base::Executor& executor,
                                                     Subscriber& subscriber) {
  return parts_->registry->subscribe(document, executor, subscriber);
}

template <typename T, typename Work>
void EmbeddedLog::on_reader(base::Executor& executor, callback<T> done, Work work) {
  base::run_and_answer<T>(parts_->readers, executor, std::move(done), std::move(work),
                          [](base::WorkerPool::verdict why) {
                            return why == base::WorkerPool::verdict::full
                                       ? base::error{make_error_code(errc::overloaded),
                                                     "embedded log: too many reads are waiting"}
                                       : base::error{make_error_code(errc::closed),
                                                     "embedded log: closed"};
                          });
}

void EmbeddedLog::read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
                       base::Executor& executor, callback<ReadResult> done) {
  on_reader<ReadResult>(executor, std::move(done), [this, document, from, bytes_max] {
    return read_document(*parts_->database, *parts_->registry, document, from, bytes_max);
  });
}

void EmbeddedLog::read_partition(const LogPosition& from, std::size_t bytes_max,
                                 base::Executor& executor, callback<PartitionReadResult> done) {
  on_reader<PartitionReadResult>(
      executor, std::move(done),
      [this, partition = from.partition, of = from.log, offset = from.offset,
       bytes_max]() -> base::result<PartitionReadResult> {
        if (partition != 0) {
          return base::fail(errc::not_found,
                            "embedded log: no partition " + std::to_string(partition));
        }
        if (of.value != 0 && of != id()) {
          return base::fail(errc::replaced, "embedded log: the position is of another log");
        }
        return read_commits(*parts_->database, *parts_->registry, offset, bytes_max);
      });
}

void EmbeddedLog::end(const base::DocumentId& document, base::Executor& executor,
                      callback<log_offset> done) {
  on_reader<log_offset>(executor, std::move(done), [this, document] {
    return read_end(*parts_->database, *parts_->registry, document);
  });
}

void EmbeddedLog::documents(const base::DocumentId* after, std::size_t count_max,
                            base::Executor& executor,
                            callback<std::vector<base::DocumentId>> done) {
  std::optional<base::DocumentId> start;
  if (after) start = *after;
  on_reader<std::vector<base::DocumentId>>(
      executor, std::move(done), [this, start = std::move(start), count_max] {
        return list_documents(*parts_->database, start ? &*start : nullptr, count_max);
      });
}

void EmbeddedLog::trim(const base::DocumentId& document, log_offset before,
                       base::Executor& executor, callback<void> done) {
  on_reader<void>(executor, std::move(done), [this, document, before] {
    return trim_document(*parts_->database, *parts_->registry, document, before,
                         parts_->write_options());
  });
}

LogPosition EmbeddedLog::position(const base::DocumentId& document, log_offset offset) const {
  return {{}, id(), "sync-" + document.room_id, 0, offset};
}

base::result<DocumentAudit> EmbeddedLog::audit(const base::DocumentId& document,
                                               const record_visitor& visitor) const {
  return scan_document(*parts_->database, document, parts_->registry->published_end(), visitor);
}

base::result<LogAudit> EmbeddedLog::audit(log_offset limit, const audit_progress& progress,
                                          const document_visitor& each_document) const {
  return scan_log(*parts_->database, limit.value, progress, each_document);
}

base::result<void> EmbeddedLog::replace(const base::DocumentId& document,
                                        const std::vector<Replacement>& replacements) {
  if (auto ok = parts_->still_writes(); !ok) return ok;
  return replace_chunks(*parts_->database, document, replacements);
}

base::result<void> EmbeddedLog::checkpoint(const std::filesystem::path& directory) const {
  if (auto ok = parts_->still_writes(); !ok) return ok;
  return embedded::checkpoint(*parts_->database, directory);
}

void EmbeddedLog::close() {
  parts_->committer.close();
  parts_->readers.close();
}

}  // namespace weft::log::embedded
