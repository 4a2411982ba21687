// Reading what lies in a partition: watermarks that callers share, passes that readers share.

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "weft/base/document_key.h"
#include "weft/log/kafka/core.h"

namespace weft::log::kafka {

namespace {

/// Reads that begin within so many offsets of each other share a pass.
constexpr std::uint64_t shared_span = 10'000;
/// What a record takes beside its value, about.
constexpr std::size_t record_bytes_about = 128;

/// Answers with what was found so far, up to `next`.
void finish(PartitionRead& read, std::uint64_t next) {
  if (!read.full) read.result.next = log_offset{next};
  read.result.more = read.result.next.value < read.limit;
  read.done(std::move(read.result));
}

base::error damaged_at(const Partition& partition, std::int64_t offset, const std::string& why) {
  return {make_error_code(errc::corrupt), "kafka: " + partition.topic->name + "[" +
                                              std::to_string(partition.index) + "] offset " +
                                              std::to_string(offset) + ": " + why};
}

/// The error for whoever asked for this position: without an identity it can be of any topic, also
/// of the one that is there by now.
base::error as_told(const LogPosition& of, const base::error& why) {
  if (why.code != errc::replaced || of.log.value != 0) return why;
  return {make_error_code(errc::unavailable), why.message};
}

}  // namespace

void KafkaLog::Core::ask_watermarks(const partition_ptr& partition, watermarks_done done) {
  {
    const std::scoped_lock lock(mutex_);
    partition->asking.push_back(std::move(done));
    // One query answers all who asked before it began.
    if (partition->asking.size() > 1) return;
  }
  partition->connection.readers->submit([this, partition](Reader& reader) {
    std::vector<watermarks_done> answered;
    {
      const std::scoped_lock lock(mutex_);
      answered = std::exchange(partition->asking, {});
      ++stats_.watermark_queries;
    }
    const auto found = checked_watermarks(reader, *partition);
    for (auto& one : answered) one(found);
  });
}

void KafkaLog::Core::when_readable(const base::DocumentId& document, readable_done done) {
  std::optional<Readable> now;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = documents_.find(document);
    if (found != documents_.end() && found->second.subscribers > 0 && !closing_) {
      Entry& entry = found->second;
      if (!entry.partition || entry.partition->follow != Partition::state::following) {
        entry.readers.push_back(std::move(done));
        return;
      }
      now = Readable{entry.partition, registry_->end(entry.partition->end)};
    }
  }
  if (now) return done(std::move(*now));
  find_topic(document, false,
             [this, document, done = std::move(done)](
                 Connection* connection, base::result<std::shared_ptr<const Topic>> topic) mutable {
               if (!topic) return done(base::fail(std::move(topic.error())));
               if (!*topic) return done(Readable{});
               Readable where;
               {
                 const std::scoped_lock lock(mutex_);
                 if (is_current(*connection, *topic)) {
                   where.partition = partition_for(
                       *connection, *topic, partition_of(document.doc_id, (*topic)->partitions));
                   remember(document, *where.partition);
                 }
               }
               if (!where.partition) return when_readable(document, std::move(done));
               ask_watermarks(where.partition, [this, document, where, done = std::move(done)](
                                                   const base::result<Watermarks>& found) mutable {
                 if (found) {
                   where.limit = found->end;
                   return done(std::move(where));
                 }
                 // No identity was asked for: the topic that is there now does.
                 if (found.error().code == errc::replaced) {
                   return when_readable(document, std::move(done));
                 }
                 done(base::fail(base::error(found.error())));
               });
             });
}

void KafkaLog::Core::read(const base::DocumentId& document, log_offset from, std::size_t bytes_max,
                          base::Executor& executor, callback<ReadResult> done) {
  auto answer = [&executor, done = std::move(done)](base::result<ReadResult> value) mutable {
    executor.post(
        [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
  };
  when_readable(document, [this, document, from, bytes_max,
                           answer = std::move(answer)](base::result<Readable> where) mutable {
    if (!where) return answer(base::fail(std::move(where.error())));
    if (!where->partition || from.value >= where->limit) return answer(ReadResult{{}, from, false});
    auto read = std::make_unique<PartitionRead>();
    read->key = base::document_key(document);
    read->from = from.value;
    read->limit = where->limit;
    read->bytes_max = bytes_max;
    read->done = [answer = std::move(answer)](base::result<PartitionReadResult> found) mutable {
      if (!found) return answer(base::fail(std::move(found.error())));
      ReadResult out;
      out.records.reserve(found->records.size());
      for (PartitionRecord& one : found->records) out.records.push_back(std::move(one.entry));
      out.next = found->next;
      out.more = found->more;
      answer(std::move(out));
    };
    enqueue_read(where->partition, std::move(read));
  });
}

void KafkaLog::Core::read_partition(const LogPosition& from, std::size_t bytes_max,
                                    base::Executor& executor, callback<PartitionReadResult> done) {
  auto answer = [&executor,
                 done = std::move(done)](base::result<PartitionReadResult> value) mutable {
    executor.post(
        [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
  };
  with_partition(from, [this, from, bytes_max,
                        answer = std::move(answer)](base::result<partition_ptr> found) mutable {
    if (!found) return answer(base::fail(std::move(found.error())));
    const partition_ptr partition = *found;
    ask_watermarks(partition, [this, partition, from, bytes_max, answer = std::move(answer)](
                                  const base::result<Watermarks>& range) mutable {
      if (!range) return answer(base::fail(as_told(from, range.error())));
      if (from.offset.value >= range->end) return answer(PartitionReadResult{{}, from.offset});
      auto read = std::make_unique<PartitionRead>();
      read->from = from.offset.value;
      read->limit = range->end;
      read->bytes_max = bytes_max;
      read->done = std::move(answer);
      enqueue_read(partition, std::move(read));
    });
  });
}

void KafkaLog::Core::with_partition(
    const LogPosition& of, std::move_only_function<void(base::result<partition_ptr>)> done) {
  const auto missing = [of] {
    return base::fail(errc::not_found,
                      "kafka: there is no " + of.topic + "[" + std::to_string(of.partition) + "]");
  };
  const auto found = connections_.find(of.cluster);
  if (found == connections_.end()) return done(missing());
  Connection& connection = found->second;
  open_topic(connection, of.topic, false,
             [this, &connection, of, missing,
              done = std::move(done)](base::result<std::shared_ptr<const Topic>> topic) mutable {
               if (!topic) return done(base::fail(std::move(topic.error())));
               if (!*topic || of.partition < 0 || of.partition >= (*topic)->partitions) {
                 return done(missing());
               }
               if (of.log.value != 0 && of.log != (*topic)->id) {
                 return done(base::fail(errc::replaced,
                                        "kafka: topic " + of.topic + " was made again since"));
               }
               partition_ptr partition;
               {
                 const std::scoped_lock lock(mutex_);
                 if (is_current(connection, *topic)) {
                   partition = partition_for(connection, *topic, of.partition);
                 }
               }
               if (!partition) return with_partition(of, std::move(done));
               done(std::move(partition));
             });
}

void KafkaLog::Core::enqueue_read(const partition_ptr& partition,
                                  std::unique_ptr<PartitionRead> read) {
  {
    const std::scoped_lock lock(mutex_);
    partition->reads.push_back(std::move(read));
  }
  // One pass for each at most: those that find their read done by another's do nothing.
  partition->connection.readers->submit(
      [this, partition](Reader& reader) { run_reads(reader, partition); });
}

void KafkaLog::Core::run_reads(Reader& reader, const partition_ptr& partition) {
  std::vector<std::unique_ptr<PartitionRead>> reads;
  {
    const std::scoped_lock lock(mutex_);
    auto& waiting = partition->reads;
    if (waiting.empty()) return;
    const std::uint64_t first = waiting.front()->from;
    const auto apart = [first](const auto& read) {
      return read->from < first || read->from - first > shared_span;
    };
    // The one that waited longest, and those that lie close behind it.
    const auto rest = std::stable_partition(waiting.begin(), waiting.end(),
                                            [&](const auto& read) { return !apart(read); });
    reads.assign(std::move_iterator(waiting.begin()), std::move_iterator(rest));
    waiting.erase(waiting.begin(), rest);
    ++stats_.scans;
  }
  std::uint64_t from = reads.front()->from;
  std::uint64_t limit = 0;
  std::unordered_multimap<std::string_view, PartitionRead*> by_key;
  std::vector<PartitionRead*> of_all;
  for (const auto& read : reads) {
    limit = std::max(limit, read->limit);
    if (read->key) {
      by_key.emplace(*read->key, read.get());
    } else {
      of_all.push_back(read.get());
    }
  }
  std::size_t unfinished = reads.size();
  std::size_t looked_through = 0;
  std::uint64_t next = from;
  std::map<PartitionRead*, base::error> broken;

  std::vector<PartitionRead*> wanting;
  const auto each = [&](const rd_kafka_message_t& message) {
    const auto offset = static_cast<std::uint64_t>(message.offset);
    const auto key = find_header(headers_of(message), document_header);
    looked_through += message.len + record_bytes_about;
    wanting.assign(of_all.begin(), of_all.end());
    if (key) {
      const auto [begin, end] = by_key.equal_range(base::as_text(*key));
      for (auto at = begin; at != end; ++at) wanting.push_back(at->second);
    }
    std::erase_if(wanting, [&](PartitionRead* read) {
      return read->full || broken.contains(read) || offset < read->from || offset >= read->limit;
    });
    if (!wanting.empty()) {
      Decoded decoded = decode(message);
      auto* const record = std::get_if<DocumentRecord>(&decoded);
      const auto* const damaged = std::get_if<Damaged>(&decoded);
      if (record != nullptr) {
        record->record.envelope = base::shared_bytes::copy_of(value_of(message));
      }
      for (PartitionRead* read : wanting) {
        const bool begun = !read->result.records.empty();
        const bool fits = !begun || read->bytes + message.len <= read->bytes_max;
        if ((record != nullptr && !fits) || (damaged != nullptr && begun)) {
          read->full = true;
          read->result.next = log_offset{offset};
          --unfinished;
        } else if (record != nullptr) {
          read->bytes += message.len;
          read->result.records.push_back({record->document, {log_offset{offset}, record->record}});
        } else if (damaged != nullptr && damaged->document) {
          broken.emplace(read, damaged_at(*partition, message.offset, damaged->why));
          --unfinished;
        }
      }
    }
    next = offset + 1;
    return unfinished > 0 && looked_through < options_.scan_bytes_max;
  };
  const auto scanned = reader.scan(partition->topic->name, partition->index, from, limit, each);
  if (scanned && looked_through < options_.scan_bytes_max && unfinished > 0) next = limit;

  std::optional<Watermarks> range;
  if (!scanned && scanned.error().code == errc::trimmed) {
    const auto found = reader.watermarks(partition->topic->name, partition->index);
    if (found) range = *found;
  }
  for (auto& read : reads) {
    if (const auto why = broken.find(read.get()); why != broken.end()) {
      read->done(base::fail(std::move(why->second)));
    } else if (scanned || read->full) {
      finish(*read, std::max(read->from, std::min(next, read->limit)));
    } else if (range && read->from >= range->first && read->from < range->end &&
               range->first > from) {
      // Only the one before it, with which it shared the pass, begins too early.
      read->result = {};
      read->bytes = 0;
      enqueue_read(partition, std::move(read));
    } else if (range && read->from >= range->first) {
      read->done(base::fail(errc::unavailable,
                            "kafka: " + partition->topic->name + " ends before it did"));
    } else {
      read->done(base::fail(base::error(scanned.error())));
    }
  }
  // An offset that is neither trimmed nor there: the topic may be another one by now.
  if (range && range->end < limit) verify(partition->connection, partition->topic->name);
}

void KafkaLog::Core::trim_partition(const LogPosition& before, base::Executor& executor,
                                    callback<void> done) {
  auto answer = [&executor, done = std::move(done)](base::result<void> value) mutable {
    executor.post(
        [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
  };
  with_partition(before, [this, before,
                          answer = std::move(answer)](base::result<partition_ptr> found) mutable {
    if (!found) return answer(base::fail(std::move(found.error())));
    const partition_ptr partition = *found;
    partition->connection.readers->submit(
        [this, partition, before, answer = std::move(answer)](Reader& reader) mutable {
          const Topic& topic = *partition->topic;
          // A topic of this name that was made since must neither get the marker nor be trimmed.
          const auto range = checked_watermarks(reader, *partition);
          if (!range) return answer(base::fail(as_told(before, range.error())));
          const std::uint64_t target = std::min(before.offset.value, range->end);
          if (target <= range->first) return answer({});
          if (partition->index == 0) {
            // What gives the topic its identity must not go without leaving a copy.
            auto kept = write_marker(partition->connection, topic.name,
                                     Marker{topic.id, topic.partitions, true});
            if (!kept) return answer(base::fail(std::move(kept.error())));
            const auto same = check_identity(reader, *partition);
            if (!same) return answer(base::fail(as_told(before, same.error())));
          }
          answer(reader.delete_before(topic.name, partition->index, target));
        });
  });
}

}  // namespace weft::log::kafka
