#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/errc_category.h"
#include "weft/base/executor.h"
#include "weft/base/ids.h"
#include "weft/base/meter.h"
#include "weft/base/result.h"

namespace weft::log {

enum class errc {
  overloaded = 1,  ///< nothing was written; try again later
  commit_unknown,  ///< the append may have landed: read back before retrying
  failed,          ///< the log can no longer append (sync error, fenced); reads may still work
  disk_full,       ///< nothing was written; appends work again once there is room
  corrupt,         ///< stored bytes are not what was written
  not_found,       ///< the document has no records
  trimmed,         ///< the position asked for was trimmed away
  closed,          ///< the log is shutting down
  too_large,       ///< a record exceeds the log's limits: nothing was written, nor ever will be
  unavailable,     ///< the log cannot be reached; nothing was read or written; try again later
  unsupported,     ///< this kind of log cannot do it at all; the contract says what can
  replaced,        ///< the log that the position is of is no more: only full recovery helps
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

using base::log_offset;

/// Where a record lies. `partition` is 0 on the embedded log, whose one partition holds every
/// document; `topic` is what a TopicResolver of a partitioned log would have said.
struct LogPosition {
  std::string cluster;     ///< empty: the only one
  base::log_identity log;  ///< 0: not known, or whichever is there
  std::string topic;
  std::int32_t partition = 0;
  log_offset offset;
};

/// What a log notes of the commit of a record that somebody follows. Written before on_committed
/// brings the record, read after that.
struct CommitTrace {
  const base::Meter* meter = nullptr;  ///< nullptr: times only
  base::TracePoint begun;              ///< the log took the record up; at 0: it does not tell
  base::TracePoint written;            ///< it was as durable as it gets
  std::size_t records = 0;             ///< in the same commit, of all documents
};

/// One operation as the log holds it.
///
/// `envelope` is the client's envelope verbatim (see protocol/envelope.h); the other fields are
/// what the server knows and a client cannot forge.
/// Source: docs/formats/log_record.md.
struct Record {
  base::OperationId operation;
  std::int64_t received_at_ms = 0;  ///< wall clock of the accepting node; for people only
  std::string identity;             ///< authenticated identity; empty when anonymous
  base::shared_bytes envelope;      ///< 2..record_bytes_max bytes
  std::shared_ptr<CommitTrace> trace = nullptr;  ///< not stored; nullptr unless it is followed
};

/// A record and the offset it has in the partition.
struct CommittedRecord {
  log_offset offset;
  Record record;
};

/// Records of one document in log order, contiguous for that document.
using record_batch = std::vector<CommittedRecord>;

/// What a subscriber of a document hears. All calls come on the executor it subscribed with.
class Subscriber {
 public:
  virtual ~Subscriber() = default;

  /// Records that are durable now, in log order, each exactly once, none skipped.
  virtual void on_committed(const record_batch& records) = 0;

  /// These operations, appended through this log object, will not be seen in on_committed.
  /// commit_unknown means that they may still be in the log after a restart. A log that others
  /// hold has looked for them before it says so; should one be there all the same, it comes in
  /// on_committed like the record of anybody else, since it is part of the history.
  virtual void on_append_failed(const std::vector<base::OperationId>& operations,
                                const base::error& why) = 0;

  /// This subscription brings nothing more, since the log that it followed is no more: it was
  /// recreated, or has lost records that were committed (replaced), or records were deleted before
  /// they could be delivered (trimmed), or one is unreadable (corrupt). Its appends under way have
  /// been told commit_unknown. Whoever goes on subscribes anew and reads everything. A log of one
  /// process never calls this.
  virtual void on_lost(const base::error& why) { static_cast<void>(why); }
};

/// Keeps a subscription alive; destroying it ends it: no call comes after the destructor returns
/// (destroy it on the executor it was made with).
class Subscription {
 public:
  virtual ~Subscription() = default;
};

/// A slice of a document's history.
struct ReadResult {
  record_batch records;
  log_offset next;    ///< where to go on reading
  bool more = false;  ///< read on: there were, or may have been, records at or after `next`
};

/// One document's records found while reading a partition.
struct PartitionRecord {
  base::DocumentId document;
  CommittedRecord entry;
};

struct PartitionReadResult {
  std::vector<PartitionRecord> records;
  log_offset next;
  bool more = false;
};

template <typename T>
using callback = std::move_only_function<void(base::result<T>)>;

/// The durable, ordered stream of operations that everything else derives from.
///
/// Durability: a record reaches on_committed only once losing every unsynced byte of the machine
/// would not lose it (with durability `fsync`).
/// Order: records of one document appear to every reader and subscriber in one order; appends of
/// one executor to one document keep their order.
/// Threading: every method may be called on any thread; callbacks run on the executor passed in.
/// The log must outlive its subscriptions; executors must outlive close().
class OpLog {
 public:
  virtual ~OpLog() = default;

  /// This log's identity; changes when the log is recreated or restored. Where documents lie in
  /// topics that can be recreated one by one, this names the whole of it, and position() gives
  /// the identity that a document's offsets belong to.
  virtual base::log_identity id() const = 0;

  /// The actor that operation ids made here carry: one incarnation of a data directory or, on a
  /// log that others write to as well, one run of this log object.
  virtual std::uint64_t actor() const = 0;

  /// The first `seq` of this actor that no stored record uses; a new actor starts at 1. A log that
  /// others write to as well looks at what was appended through this object.
  virtual std::uint64_t next_seq() const = 0;

  /// Appends records to one document, in order.
  /// The outcome of each is told to the document's subscribers: on_committed, or on_append_failed;
  /// or, for all that are under way, on_lost after on_append_failed.
  /// A document may be appended to without a subscriber (the outcome is then lost).
  /// On a log of one process the records of a call are one unit as far as its limits allow, and
  /// appends of one thread to one document that wait for the same commit arrive in one
  /// on_committed. On a log that others write to as well each record is on its own: some of a call
  /// may be committed and others fail, and they arrive in as many on_committed as it takes.
  /// Errors (returned at once, nothing written and `records` as they were): overloaded when more
  /// than inflight_bytes_max wait; too_large; disk_full; unavailable; failed; closed.
  virtual base::result<void> append(const base::DocumentId& document,
                                    std::vector<Record>&& records) = 0;

  /// Hears of every record of the document committed after this call; registration and commits
  /// are atomic to each other. To miss none, subscribe first and then read up to `end`: a read
  /// issued after this call returns every record that on_committed will not bring. It may also
  /// return records that on_committed has brought: always before the read's callback on the same
  /// executor, never after it. So whoever drops offsets it already has sees each exactly once.
  virtual std::unique_ptr<Subscription> subscribe(const base::DocumentId& document,
                                                  base::Executor& executor,
                                                  Subscriber& subscriber) = 0;

  /// Reads the document's records with offset >= from, at most about bytes_max bytes of envelopes
  /// (at least one record if there is one). A document never written to reads as empty. A log
  /// without an index of documents may give up looking after a while: then there are fewer records
  /// than asked for, or none, and `more`. And once its partition was trimmed it cannot tell what
  /// is gone of a document from what there never was: then reading below the first record that the
  /// partition still has fails with trimmed, whatever the document, so that nobody takes a part
  /// for the whole. Errors: trimmed, corrupt, unavailable, closed.
  virtual void read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
                    base::Executor& executor, callback<ReadResult> done) = 0;

  /// Reads all documents' records of the partition that `from` names with offset >= from.offset,
  /// in offset order. Records of a document that were trimmed away are passed over. The embedded
  /// log's one partition has no name. Errors: not_found (no such partition), replaced (from.log is
  /// another one), trimmed, corrupt, unavailable, closed.
  virtual void read_partition(const LogPosition& from, std::size_t bytes_max,
                              base::Executor& executor, callback<PartitionReadResult> done) = 0;

  /// The offset after the last durable record of the document, trimmed or not (0: there was none).
  /// A log without an index of documents forgets what was trimmed: then it is that of the first
  /// record that the partition still has. Errors: corrupt, unavailable, closed.
  virtual void end(const base::DocumentId& document, base::Executor& executor,
                   callback<log_offset> done) = 0;

  /// Every document that has records, in unspecified order, starting after `after` (exclusive;
  /// nullptr: from the start), at most `count_max`. Errors: unsupported on a log without an index
  /// of documents (the store behind it knows them), corrupt, closed.
  virtual void documents(const base::DocumentId* after, std::size_t count_max,
                         base::Executor& executor,
                         callback<std::vector<base::DocumentId>> done) = 0;

  /// Forgets the document's records with offset < before (at most up to its end). Reading below
  /// then fails with trimmed. Errors: unsupported where only whole partitions can be trimmed.
  virtual void trim(const base::DocumentId& document, log_offset before, base::Executor& executor,
                    callback<void> done) = 0;

  /// The position of an offset in this log, as acknowledgements show it. Its `log` is the identity
  /// that the document's offsets belong to; topic and identity are empty and 0 before anything was
  /// heard or read of the document.
  virtual LogPosition position(const base::DocumentId& document, log_offset offset) const = 0;

  /// True while appends can succeed; readiness and metrics ask this.
  virtual bool writable() const = 0;

  /// Commits what was accepted, then refuses everything. Blocks until done.
  virtual void close() = 0;
};

/// The identity that the document's offsets belong to; see OpLog::position.
inline base::log_identity identity_of(const OpLog& log, const base::DocumentId& document) {
  return log.position(document, {}).log;
}

}  // namespace weft::log

template <>
struct std::is_error_code_enum<weft::log::errc> : std::true_type {};
