#include "weft/log/embedded/committer.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "weft/base/disk.h"
#include "weft/base/document_key.h"
#include "weft/log/embedded/database.h"
#include "weft/log/record_codec.h"

namespace weft::log::embedded {
namespace {

/// Beyond this many documents written since the last reset, what is known of them is looked up
/// again; it bounds memory, not the number of documents.
constexpr std::size_t known_documents_max = 65536;

/// What a record costs while it waits, besides its envelope.
constexpr std::size_t record_overhead_bytes = 128;

constexpr std::chrono::milliseconds probe_interval{100};

rocksdb::Slice to_slice(base::byte_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

base::TracePoint point_now(const base::Meter* meter) {
  return {std::chrono::steady_clock::now().time_since_epoch(),
          meter ? meter->used() : base::Usage{}};
}

std::vector<base::OperationId> operations_of(const std::vector<Record>& records) {
  std::vector<base::OperationId> out;
  out.reserve(records.size());
  for (const Record& record : records) out.push_back(record.operation);
  return out;
}

}  // namespace

Committer::Committer(const EmbeddedLogOptions& options, rocksdb::DB& database, Registry& registry,
                     WriteStart start)
    : options_(options),
      database_(database),
      registry_(registry),
      actor_(start.actor),
      seq_max_(start.seq_max),
      next_offset_(start.next_offset),
      next_document_(start.next_document),
      thread_([this] { run(); }) {}

base::error Committer::state_error() const {
  if (state_.load() == state::full) {
    return {make_error_code(errc::disk_full),
            "embedded log: less than " + std::to_string(options_.disk_reserve_bytes >> 20) +
                " MiB free in " + options_.directory.string()};
  }
  const std::scoped_lock lock(mutex_);
  return {make_error_code(errc::failed), failure_};
}

base::result<void> Committer::append(const base::DocumentId& document,
                                     std::vector<Record>&& records) {
  if (records.empty()) return {};
  std::size_t bytes = 0;
  for (const Record& record : records) {
    const std::size_t size = record.envelope.size();
    if (size < envelope_bytes_min || size > options_.record_bytes_max ||
        record.identity.size() > identity_bytes_max) {
      return base::fail(errc::too_large,
                        "embedded log: an envelope has " + std::to_string(size) +
                            " bytes, the identity " + std::to_string(record.identity.size()) +
                            "; allowed are " + std::to_string(options_.record_bytes_max) + " and " +
                            std::to_string(identity_bytes_max));
    }
    bytes += size + record.identity.size() + record_overhead_bytes;
  }
  if (state_.load(std::memory_order_acquire) != state::running) {
    if (state_.load() == state::full) request_probe();
    return base::fail(state_error());
  }
  // A batch larger than the whole bound is taken when nothing else waits: else it never could be.
  const std::size_t before = inflight_bytes_.fetch_add(bytes);
  if (before != 0 && before + bytes > options_.inflight_bytes_max) {
    inflight_bytes_.fetch_sub(bytes);
    return base::fail(errc::overloaded, "embedded log: " + std::to_string(before) +
                                            " bytes are waiting to be committed");
  }
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) {
      inflight_bytes_.fetch_sub(bytes);
      return base::fail(errc::closed, "embedded log: closing");
    }
    queue_.push_back({document, std::move(records), bytes});
    wake = std::exchange(asleep_, false);
  }
  if (wake) wake_.notify_one();
  return {};
}

void Committer::run() {
  std::vector<Pending> pending;
  auto next_start = std::chrono::steady_clock::time_point::min();
  for (;;) {
    bool probing = false;
    {
      std::unique_lock lock(mutex_);
      while (queue_.empty() && !closing_ && !probe_wanted_) {
        asleep_ = true;
        wake_.wait(lock);
      }
      asleep_ = false;
      if (queue_.empty() && closing_) return;
      if (options_.commit_interval_us.count() > 0 && !queue_.empty()) {
        wake_.wait_until(lock, next_start, [this] { return closing_; });
      }
      pending.swap(queue_);
      probing = std::exchange(probe_wanted_, false);
    }
    next_start = std::chrono::steady_clock::now() + options_.commit_interval_us;
    std::size_t first = 0;
    while (first < pending.size()) {
      std::size_t last = first;
      for (std::size_t bytes = 0; last < pending.size() && bytes < options_.commit_bytes_max;) {
        bytes += pending[last++].bytes;
      }
      if (state_.load() == state::running) {
        commit(pending, first, last);
      } else {
        refuse(pending, first, state_error());
        last = pending.size();
      }
      first = last;
    }
    pending.clear();
    // After the refusals above, so that nothing lands behind an edit that was just refused.
    if (probing) probe();
  }
}

base::result<Committer::KnownDocument*> Committer::know(const base::DocumentId& document) {
  const auto found = known_.find(document);
  if (found != known_.end()) return &found->second;
  KnownDocument known;
  const auto number = get_number(database_, number_key(document));
  if (!number) return base::fail(base::error(number.error()));
  if (!number->has_value()) {
    known.number = next_document_++;
    known.is_new = true;
  } else {
    known.number = **number;
    const auto floor = get_number(database_, floor_key(known.number));
    if (!floor) return base::fail(base::error(floor.error()));
    known.end = floor->value_or(0);
    const std::unique_ptr<rocksdb::Iterator> at(database_.NewIterator(rocksdb::ReadOptions()));
    const std::string begin = chunk_key(known.number, 0);
    at->SeekForPrev(chunk_key(known.number, ~std::uint64_t{0}));
    if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
    if (at->Valid() && at->key().compare(begin) >= 0) {
      const auto head = decode_chunk_head(at->key().ToStringView(), at->value().ToStringView());
      if (!head) return base::fail(base::error(head.error()));
      known.end = std::max(known.end, head->end);
    }
  }
  return &known_.emplace(document, known).first->second;
}

std::vector<Committer::Group> Committer::group(std::vector<Pending>& pending, std::size_t first,
                                               std::size_t last) {
  if (known_.size() > known_documents_max) known_.clear();
  ++commit_serial_;
  std::vector<Group> groups;
  std::vector<Failure> failures;
  for (std::size_t i = first; i < last; ++i) {
    Pending& item = pending[i];
    const auto known = know(item.document);
    if (!known) {
      // Only this document is unreadable; the others go on.
      failed_records_ += item.records.size();
      failures.push_back({item.document, operations_of(item.records), known.error()});
      continue;
    }
    KnownDocument& document = **known;
    if (document.commit != commit_serial_) {
      document.commit = commit_serial_;
      document.group = groups.size();
      groups.push_back({&item.document, &document, std::make_shared<record_batch>()});
    }
    record_batch& records = *groups[document.group].records;
    for (Record& record : item.records) {
      if (record.trace) [[unlikely]] {
        record.trace->begun = point_now(record.trace->meter);
        followed_.push_back(record.trace);
      }
      records.push_back({log_offset{}, std::move(record)});
    }
  }
  if (!failures.empty()) registry_.fail(std::move(failures));
  return groups;
}

void Committer::encode(Group& group, rocksdb::WriteBatch& batch, Commit& commit) {
  const record_batch& records = *group.records;
  KnownDocument& known = *group.known;
  std::uint64_t previous_end = known.end;
  EncodedChunk chunk;
  std::vector<rocksdb::Slice> slices;
  for (std::size_t first = 0; first < records.size();) {
    std::size_t last = first;
    for (std::size_t bytes = 0; last < records.size(); ++last) {
      const Record& record = records[last].record;
      const std::size_t size = record.envelope.size() + record.identity.size() + 64;
      if (last > first && bytes + size > options_.chunk_bytes_max) break;
      bytes += size;
    }
    const std::string key = chunk_key(known.number, records[first].offset.value);
    encode_chunk(key, previous_end, &records[first], last - first, chunk);
    slices.clear();
    for (const base::byte_view piece : chunk.pieces) slices.push_back(to_slice(piece));
    const rocksdb::Slice key_slice(key);
    batch.Put(rocksdb::SliceParts(&key_slice, 1),
              rocksdb::SliceParts(slices.data(), static_cast<int>(slices.size())));
    commit.entries.push_back({known.number, last - first});
    previous_end = records[last - 1].offset.value + 1;
    first = last;
  }
}

rocksdb::Status Committer::write(std::vector<Group>& groups) {
  rocksdb::WriteBatch batch;
  Commit commit;
  commit.seq_max = seq_max_.load();
  std::uint64_t offset = next_offset_;
  for (Group& group : groups) {
    for (CommittedRecord& entry : *group.records) {
      entry.offset.value = offset++;
      if (entry.record.operation.actor == actor_) {
        commit.seq_max = std::max(commit.seq_max, entry.record.operation.seq);
      }
    }
    if (group.known->is_new) {
      const std::string to_number = number_key(*group.document);
      batch.Put(to_number, encode_number(to_number, group.known->number));
      batch.Put(name_key(group.known->number), base::document_key(*group.document));
    }
    encode(group, batch, commit);
  }
  const std::string key = commit_key(next_offset_);
  batch.Put(key, encode_commit(key, commit));

  rocksdb::WriteOptions how;
  how.sync = options_.durability == durability::fsync;
  how.disableWAL = options_.durability == durability::memory;
  const auto start = std::chrono::steady_clock::now();
  const rocksdb::Status status = database_.Write(how, &batch);
  write_ns_ += static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
  if (!followed_.empty()) [[unlikely]]
    note_written(offset - next_offset_);
  if (!status.ok()) return status;

  next_offset_ = offset;
  seq_max_.store(commit.seq_max);
  for (Group& group : groups) {
    group.known->is_new = false;
    group.known->end = group.records->back().offset.value + 1;
  }
  return status;
}

void Committer::note_written(std::size_t records) {
  for (const auto& trace : followed_) {
    trace->written = point_now(trace->meter);
    trace->records = records;
  }
  followed_.clear();
}

void Committer::commit(std::vector<Pending>& pending, std::size_t first, std::size_t last) {
  std::size_t bytes = 0;
  for (std::size_t i = first; i < last; ++i) bytes += pending[i].bytes;

  if (!has_room()) {
    state_.store(state::full);
    std::vector<Pending> refused(std::make_move_iterator(pending.begin() + first),
                                 std::make_move_iterator(pending.begin() + last));
    refuse(refused, 0, state_error());
    return;
  }
  std::vector<Group> groups = group(pending, first, last);
  if (groups.empty()) {
    inflight_bytes_.fetch_sub(bytes);
    return;
  }
  const rocksdb::Status status = write(groups);
  if (!status.ok()) {
    base::error why = to_error(status, "commit");
    {
      const std::scoped_lock lock(mutex_);
      failure_ = why.message + "; the log is read-only until the next start";
    }
    state_.store(state::failed);
    // The write may have reached the file although the sync failed.
    why.code = make_error_code(errc::commit_unknown);
    reject(groups, why);
    known_.clear();
    inflight_bytes_.fetch_sub(bytes);
    return;
  }
  std::vector<Delivery> deliveries;
  deliveries.reserve(groups.size());
  std::uint64_t count = 0;
  std::uint64_t envelope_bytes = 0;
  for (Group& group : groups) {
    count += group.records->size();
    for (const CommittedRecord& entry : *group.records) {
      envelope_bytes += entry.record.envelope.size();
    }
    deliveries.push_back({*group.document, std::move(group.records)});
  }
  ++commits_;
  records_ += count;
  envelope_bytes_ += envelope_bytes;
  inflight_bytes_.fetch_sub(bytes);
  registry_.publish(deliveries, next_offset_);
}

void Committer::refuse(std::vector<Pending>& pending, std::size_t first, const base::error& why) {
  std::vector<Failure> failures;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < pending.size(); ++i) {
    bytes += pending[i].bytes;
    failed_records_ += pending[i].records.size();
    failures.push_back({std::move(pending[i].document), operations_of(pending[i].records), why});
  }
  inflight_bytes_.fetch_sub(bytes);
  registry_.fail(std::move(failures));
}

void Committer::reject(std::vector<Group>& groups, const base::error& why) {
  std::vector<Failure> failures;
  for (const Group& group : groups) {
    Failure failure{*group.document, {}, why};
    for (const CommittedRecord& entry : *group.records) {
      failure.operations.push_back(entry.record.operation);
    }
    failed_records_ += failure.operations.size();
    failures.push_back(std::move(failure));
  }
  registry_.fail(std::move(failures));
}

bool Committer::has_room() const {
  return base::has_room(options_.directory, options_.disk_reserve_bytes);
}

void Committer::probe() {
  if (state_.load() == state::full && has_room()) state_.store(state::running);
}

void Committer::request_probe() const {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(mutex_);
    if (now < next_probe_) return;
    next_probe_ = now + probe_interval;
    probe_wanted_ = true;
  }
  wake_.notify_one();
}

bool Committer::writable() const {
  const state now = state_.load();
  if (now == state::full) request_probe();
  if (now != state::running) return false;
  const std::scoped_lock lock(mutex_);
  return !closing_;
}

EmbeddedLogStats Committer::stats() const {
  return {commits_, records_, envelope_bytes_, failed_records_, write_ns_, inflight_bytes_};
}

void Committer::close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

}  // namespace weft::log::embedded
