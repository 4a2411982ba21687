#include "weft/log/embedded/reads.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "weft/base/document_key.h"
#include "weft/log/embedded/database.h"
#include "weft/log/embedded/schema.h"

namespace weft::log::embedded {
namespace {

std::unique_ptr<rocksdb::Iterator> iterate(rocksdb::DB& database) {
  return std::unique_ptr<rocksdb::Iterator>(database.NewIterator(rocksdb::ReadOptions()));
}

bool at_chunk_of(const rocksdb::Iterator& at, doc_number number) {
  const std::string first = chunk_key(number, 0);
  return at.Valid() && at.key().size() == first.size() &&
         at.key().starts_with(rocksdb::Slice(first.data(), first.size() - 8));
}

/// Stands on the document's last chunk that begins before `offset`; false when there is none.
bool seek_chunk_before(rocksdb::Iterator& at, doc_number number, std::uint64_t offset) {
  if (offset == 0) return false;
  at.SeekForPrev(chunk_key(number, offset - 1));
  return at_chunk_of(at, number);
}

base::result<ChunkHead> head_at(const rocksdb::Iterator& at) {
  return decode_chunk_head(at.key().ToStringView(), at.value().ToStringView());
}

std::string describe_hole(const base::DocumentId& document, std::uint64_t from, std::uint64_t to) {
  return "embedded log: records of " + base::to_string(document) + " are missing in [" +
         std::to_string(from) + ", " + std::to_string(to) + ")";
}

/// A document's number and the offset below which it was trimmed.
struct Found {
  doc_number number = 0;
  std::uint64_t floor = 0;
};

base::result<std::optional<Found>> find(rocksdb::DB& database, const base::DocumentId& document) {
  const auto number = get_number(database, number_key(document));
  if (!number) return base::fail(base::error(number.error()));
  if (!number->has_value()) return std::optional<Found>();
  const auto floor = get_number(database, floor_key(**number));
  if (!floor) return base::fail(base::error(floor.error()));
  return std::optional<Found>(Found{**number, floor->value_or(0)});
}

base::result<std::uint64_t> end_of(rocksdb::DB& database, const Found& found, std::uint64_t limit) {
  const auto at = iterate(database);
  std::uint64_t end = found.floor;
  if (seek_chunk_before(*at, found.number, limit)) {
    const auto head = head_at(*at);
    if (!head) return base::fail(base::error(head.error()));
    end = std::max(end, head->end);
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return end;
}

}  // namespace

base::result<ReadResult> read_document(rocksdb::DB& database, const Registry& registry,
                                       const base::DocumentId& document, log_offset from,
                                       std::size_t bytes_max) {
  // Taken before anything is looked up: what lies below it is in the database by then.
  const std::uint64_t limit = registry.published_end();
  ReadResult out;
  out.next = from;
  const auto found = find(database, document);
  if (!found) return base::fail(base::error(found.error()));
  if (!found->has_value()) return out;
  const auto [number, floor] = **found;
  if (from.value < floor) {
    return base::fail(errc::trimmed, "embedded log: " + base::to_string(document) +
                                         " was trimmed below " + std::to_string(floor));
  }

  const auto at = iterate(database);
  if (seek_chunk_before(*at, number, from.value)) {
    const auto head = head_at(*at);
    if (!head) return base::fail(base::error(head.error()));
    if (head->end <= from.value) at->Next();
  } else {
    at->Seek(chunk_key(number, from.value));
  }
  std::uint64_t cursor = from.value;
  std::size_t bytes = 0;
  for (; at_chunk_of(*at, number) && !out.more; at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (key_offset(key) >= limit) break;
    const auto head = decode_chunk(key, at->value().ToStringView(), [&](CommittedRecord&& entry) {
      if (entry.offset.value < from.value) return true;
      const std::size_t size = entry.record.envelope.size();
      if (!out.records.empty() && bytes + size > bytes_max) {
        out.more = true;
        return false;
      }
      bytes += size;
      out.records.push_back(std::move(entry));
      return true;
    });
    if (!head) return base::fail(base::error(head.error()));
    // The chunk knows where the one before it ended: a lost one is seen, not passed over.
    if (head->previous_end > cursor && head->previous_end > floor) {
      return base::fail(errc::corrupt, describe_hole(document, cursor, head->previous_end));
    }
    cursor = head->end;
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  if (!out.records.empty()) out.next.value = out.records.back().offset.value + 1;
  return out;
}

base::result<PartitionReadResult> read_commits(rocksdb::DB& database, const Registry& registry,
                                               log_offset from, std::size_t bytes_max) {
  const std::uint64_t limit = registry.published_end();
  PartitionReadResult out;
  out.next = from;
  std::unordered_map<doc_number, base::DocumentId> names;
  std::size_t bytes = 0;

  const auto name_of = [&](doc_number number) -> base::result<base::DocumentId> {
    const auto known = names.find(number);
    if (known != names.end()) return known->second;
    std::string value;
    const std::string key = name_key(number);
    const rocksdb::Status status = database.Get(rocksdb::ReadOptions(), key, &value);
    if (!status.ok() && !status.IsNotFound()) return base::fail(to_error(status, "read"));
    auto name = status.ok() ? base::parse_document_key(value) : std::nullopt;
    if (!name) {
      return base::fail(errc::corrupt,
                        "embedded log: document number " + std::to_string(number) + " has no name");
    }
    return names.emplace(number, std::move(*name)).first->second;
  };

  // Appends one chunk's records from out.next on; sets out.more when the budget is used up.
  const auto take_chunk = [&](doc_number number, std::uint64_t first,
                              std::uint64_t end) -> base::result<void> {
    const std::string key = chunk_key(number, first);
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        database.Get(rocksdb::ReadOptions(), database.DefaultColumnFamily(), key, &value);
    if (status.IsNotFound()) {
      const auto floor = get_number(database, floor_key(number));
      if (!floor) return base::fail(base::error(floor.error()));
      if (floor->value_or(0) >= end) {
        out.next.value = end;
        return {};
      }
      return base::fail(errc::corrupt, "embedded log: the chunk at offset " +
                                           std::to_string(first) + " is missing");
    }
    if (!status.ok()) return base::fail(to_error(status, "read"));
    const auto name = name_of(number);
    if (!name) return base::fail(base::error(name.error()));
    const auto head = decode_chunk(key, value.ToStringView(), [&](CommittedRecord&& entry) {
      if (entry.offset < out.next) return true;
      const std::size_t size = entry.record.envelope.size();
      if (!out.records.empty() && bytes + size > bytes_max) {
        out.more = true;
        return false;
      }
      bytes += size;
      out.next.value = entry.offset.value + 1;
      out.records.push_back({*name, std::move(entry)});
      return true;
    });
    if (!head) return base::fail(base::error(head.error()));
    if (head->end != end) {
      return base::fail(errc::corrupt, "embedded log: the chunk at offset " +
                                           std::to_string(first) + " is not what was committed");
    }
    return {};
  };

  const auto at = iterate(database);
  at->SeekForPrev(commit_key(from.value));
  const auto at_commit = [&] {
    return at->Valid() && at->key().size() == 9 && at->key()[0] == commit_prefix;
  };
  if (!at_commit()) at->Seek(commit_key(0));
  for (std::uint64_t end = 0; at_commit() && !out.more; at->Next()) {
    const std::string_view key = at->key().ToStringView();
    std::uint64_t first = key_offset(key);
    if (first >= limit) break;
    if ((end != 0 && first != end) || (end == 0 && first > from.value)) {
      return base::fail(errc::corrupt,
                        "embedded log: commits are missing before offset " + std::to_string(first));
    }
    const auto commit = decode_commit(key, at->value().ToStringView());
    if (!commit) return base::fail(base::error(commit.error()));
    for (const CommitEntry& entry : commit->entries) {
      end = first + entry.count;
      if (end > out.next.value && !out.more) {
        const auto taken = take_chunk(entry.document, first, end);
        if (!taken) return base::fail(base::error(taken.error()));
      }
      first = end;
    }
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return out;
}

base::result<log_offset> read_end(rocksdb::DB& database, const Registry& registry,
                                  const base::DocumentId& document) {
  const std::uint64_t limit = registry.published_end();
  const auto found = find(database, document);
  if (!found) return base::fail(base::error(found.error()));
  if (!found->has_value()) return log_offset{0};
  const auto end = end_of(database, **found, limit);
  if (!end) return base::fail(base::error(end.error()));
  return log_offset{*end};
}

base::result<std::vector<base::DocumentId>> list_documents(rocksdb::DB& database,
                                                           const base::DocumentId* after,
                                                           std::size_t count_max) {
  std::vector<base::DocumentId> out;
  const auto at = iterate(database);
  const std::string start = after ? number_key(*after) : std::string(1, number_prefix);
  at->Seek(start);
  if (after && at->Valid() && at->key() == rocksdb::Slice(start)) at->Next();
  for (; out.size() < count_max && at->Valid() && at->key()[0] == number_prefix; at->Next()) {
    auto document = base::parse_document_key(at->key().ToStringView().substr(1));
    if (!document) return base::fail(errc::corrupt, "embedded log: a document has a bad key");
    out.push_back(std::move(*document));
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return out;
}

base::result<void> trim_document(rocksdb::DB& database, const Registry& registry,
                                 const base::DocumentId& document, log_offset before,
                                 rocksdb::WriteOptions how) {
  const std::uint64_t limit = registry.published_end();
  const auto found = find(database, document);
  if (!found) return base::fail(base::error(found.error()));
  if (!found->has_value()) return {};
  const auto [number, floor] = **found;
  const auto end = end_of(database, **found, limit);
  if (!end) return base::fail(base::error(end.error()));
  const std::uint64_t target = std::min(before.value, *end);
  if (target <= floor) return {};

  // The chunk that holds `target` stays whole; the floor hides its head.
  std::uint64_t keep = target;
  const auto at = iterate(database);
  if (seek_chunk_before(*at, number, target)) {
    const auto head = head_at(*at);
    if (!head) return base::fail(base::error(head.error()));
    if (head->end > target) keep = head->first;
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  rocksdb::WriteBatch batch;
  const std::string key = floor_key(number);
  batch.Put(key, encode_number(key, target));
  batch.DeleteRange(chunks_begin(number), chunk_key(number, keep));
  const rocksdb::Status status = database.Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "trim"));
  return {};
}

}  // namespace weft::log::embedded
