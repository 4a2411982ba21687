#include "weft/log/embedded/scan.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "weft/base/crc32c.h"
#include "weft/base/document_key.h"
#include "weft/base/random.h"
#include "weft/base/rocksdb/database.h"
#include "weft/log/embedded/database.h"
#include "weft/log/embedded/schema.h"

namespace weft::log::embedded {
namespace {

constexpr std::uint64_t progress_interval_chunks = 1000;

bool at_chunk_of(const rocksdb::Iterator& at, doc_number number) {
  return at_chunk(at) && at.key().starts_with(chunk_key(number, 0).substr(0, 9));
}

/// What the commits say must be there of one document.
struct Expected {
  std::uint64_t first, end;
};

/// The chunks of a document with an offset in [floor, limit). Commits that cannot be read are
/// passed over: scan_log reports them.
base::result<std::vector<Expected>> expected_chunks(rocksdb::DB& database, doc_number number,
                                                    std::uint64_t floor, std::uint64_t limit) {
  std::vector<Expected> out;
  const auto at = read_through(database);
  for (at->Seek(commit_key(0)); at_commit(*at); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    std::uint64_t first = key_offset(key);
    if (first >= limit) break;
    const auto commit = decode_commit(key, at->value().ToStringView());
    if (!commit) continue;
    for (const CommitEntry& entry : commit->entries) {
      const std::uint64_t end = first + entry.count;
      if (entry.document == number && end > floor) out.push_back({first, end});
      first = end;
    }
  }
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  return out;
}

/// What was found of one document, chunk by chunk.
struct Walked {
  DocumentAudit audit;
  std::uint64_t chunks = 0;
  /// Position and length of every readable chunk, in a form that does not depend on order.
  std::uint64_t fingerprint = 0;
};

std::uint64_t fingerprint_of(std::uint64_t first, std::uint64_t end) {
  std::uint64_t mixed = (first * 0x9e3779b97f4a7c15ULL) ^ (end + 0x7f4a7c15ULL);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  return mixed ^ (mixed >> 31);
}

/// Reads the chunks of `number`, on which `at` stands or behind which it stops.
void walk_chunks(rocksdb::Iterator& at, doc_number number, std::uint64_t limit,
                 const record_visitor& visitor, base::crc32c* digest, Walked& out) {
  for (; at_chunk_of(at, number); at.Next()) {
    const std::string_view key = at.key().ToStringView();
    const std::string_view value = at.value().ToStringView();
    if (key_offset(key) >= limit) continue;
    if (digest) digest->add(base::as_bytes(key)).add(base::as_bytes(value));
    ++out.chunks;
    std::vector<CommittedRecord> records;  // counted when all of them are known to be whole
    const auto head = decode_chunk(key, value, [&](CommittedRecord&& entry) {
      records.push_back(std::move(entry));
      return true;
    });
    if (!head) {
      out.audit.damage.push_back({Damage::kind::chunk, std::nullopt, key_offset(key),
                                  key_offset(key), 0, std::string(key), std::string(value),
                                  head.error().message});
      continue;
    }
    out.fingerprint += fingerprint_of(head->first, head->end);
    out.audit.end = std::max(out.audit.end, head->end);
    for (CommittedRecord& entry : records) {
      if (entry.offset.value < out.audit.floor) continue;
      ++out.audit.records;
      out.audit.envelope_bytes += entry.record.envelope.size();
      if (visitor) visitor(std::move(entry), {head->first, head->end, head->previous_end});
    }
  }
}

/// Says how far damaged chunks reach, and which are not there at all.
base::result<void> compare_with_commits(rocksdb::DB& database, doc_number number,
                                        std::uint64_t limit, Walked& walked) {
  const auto expected = expected_chunks(database, number, walked.audit.floor, limit);
  if (!expected) return base::fail(base::error(expected.error()));
  auto& damage = walked.audit.damage;
  std::uint64_t previous_end = 0;
  for (const auto& [first, end] : *expected) {
    const std::uint64_t before = std::exchange(previous_end, end);
    walked.audit.end = std::max(walked.audit.end, end);
    const auto known = std::ranges::find(damage, first, &Damage::first);
    if (known != damage.end()) {
      known->end = end;
      known->previous_end = before;
      continue;
    }
    const std::string key = chunk_key(number, first);
    rocksdb::PinnableSlice value;
    const auto status =
        database.Get(rocksdb::ReadOptions(), database.DefaultColumnFamily(), key, &value);
    if (!status.ok() && !status.IsNotFound()) return base::fail(to_error(status, "read"));
    const auto head = status.ok() ? decode_chunk_head(key, value.ToStringView())
                                  : base::result<ChunkHead>(ChunkHead{});
    if (status.ok() && head && head->end == end) continue;
    damage.push_back({Damage::kind::chunk, std::nullopt, first, end, before, key,
                      status.ok() ? value.ToString() : std::string(),
                      status.ok() ? "embedded log: not what was committed"
                                  : "embedded log: records are missing in [" +
                                        std::to_string(first) + ", " + std::to_string(end) + ")"});
  }
  std::ranges::sort(damage, {}, &Damage::first);
  return {};
}

Damage index_damage(std::string key, rocksdb::DB& database, std::string problem) {
  Damage out;
  out.what = Damage::kind::index;
  // What cannot be read is told without its bytes.
  database.Get(rocksdb::ReadOptions(), key, &out.value).PermitUncheckedError();
  out.key = std::move(key);
  out.problem = std::move(problem);
  return out;
}

/// What the commits hold of each document.
struct Committed {
  std::uint64_t chunks = 0;
  std::uint64_t fingerprint = 0;
};

class LogScan {
 public:
  LogScan(rocksdb::DB& database, std::uint64_t limit, const audit_progress& progress,
          const document_visitor& each_document)
      : database_(database), limit_(limit), progress_(progress), each_document_(each_document) {}

  base::result<LogAudit> run() {
    if (auto ok = read_identity(); !ok) return base::fail(std::move(ok.error()));
    if (auto ok = read_commits(); !ok) return base::fail(std::move(ok.error()));
    if (auto ok = read_documents(); !ok) return base::fail(std::move(ok.error()));
    out_.digest = digest_.value();
    return std::move(out_);
  }

 private:
  base::result<void> read_identity() {
    const auto log = get_number(database_, meta_key("log"));
    if (!log) return base::fail(base::error(log.error()));
    const auto actor = get_number(database_, meta_key("actor"));
    if (!actor) return base::fail(base::error(actor.error()));
    if (!log->has_value() || !actor->has_value()) {
      return base::fail(errc::corrupt, "embedded log: it has no identity");
    }
    out_.log.value = **log;
    out_.actor = **actor;
    return {};
  }

  base::result<void> read_commits() {
    const auto at = read_through(database_);
    std::uint64_t expected = 0;
    for (at->Seek(commit_key(0)); at_commit(*at); at->Next()) {
      const std::string_view key = at->key().ToStringView();
      std::uint64_t first = key_offset(key);
      if (first >= limit_) break;
      const std::string_view value = at->value().ToStringView();
      digest_.add(base::as_bytes(key)).add(base::as_bytes(value));
      if (open_commit_) {
        out_.damage[*std::exchange(open_commit_, std::nullopt)].end = first;
      } else if (first != expected) {
        out_.damage.push_back(
            {Damage::kind::commit, std::nullopt, expected, first, 0, std::string(key),
             std::string(),
             "embedded log: commits are missing before offset " + std::to_string(first)});
      }
      const auto commit = decode_commit(key, value);
      if (!commit) {
        out_.damage.push_back({Damage::kind::commit, std::nullopt, first, first, 0,
                               std::string(key), std::string(value), commit.error().message});
        open_commit_ = out_.damage.size() - 1;
        expected = first;
        continue;
      }
      for (const CommitEntry& entry : commit->entries) {
        auto& committed = committed_[entry.document];
        ++committed.chunks;
        committed.fingerprint += fingerprint_of(first, first + entry.count);
        first += entry.count;
      }
      expected = first;
    }
    if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
    out_.end = expected;
    return {};
  }

  base::result<void> read_documents() {
    const auto names = read_through(database_);
    const auto chunks = read_through(database_);
    for (names->Seek(std::string(1, name_prefix)); at_name(*names); names->Next()) {
      const doc_number number = key_offset(names->key().ToStringView());
      auto document = base::parse_document_key(names->value().ToStringView());
      if (!document) {
        out_.damage.push_back(index_damage(
            names->key().ToString(), database_,
            "embedded log: document number " + std::to_string(number) + " has no name"));
      } else {
        check_index(*document, number);
        if (each_document_) each_document_(*document);
      }
      Walked walked;
      const auto floor = get_number(database_, floor_key(number));
      if (floor) walked.audit.floor = floor->value_or(0);
      chunks->Seek(chunk_key(number, 0));
      walk_chunks(*chunks, number, limit_, counting(walked), &digest_, walked);
      if (!chunks->status().ok()) return base::fail(to_error(chunks->status(), "read"));
      const Committed& committed = committed_[number];
      // Trimmed documents have fewer chunks than commits tell of; then only the exact way knows.
      if (!walked.audit.damage.empty() || committed.chunks != walked.chunks ||
          committed.fingerprint != walked.fingerprint) {
        if (auto ok = compare_with_commits(database_, number, limit_, walked); !ok) return ok;
      }
      records_end_ = std::max(records_end_, walked.audit.end);
      if (walked.chunks != 0 || !walked.audit.damage.empty()) ++out_.documents;
      out_.records += walked.audit.records;
      out_.envelope_bytes += walked.audit.envelope_bytes;
      for (Damage& damage : walked.audit.damage) {
        damage.document = document;
        out_.damage.push_back(std::move(damage));
      }
    }
    if (!names->status().ok()) return base::fail(to_error(names->status(), "read"));
    compare_ends();
    return {};
  }

  /// No record may lie behind the last commit: its offset would be given again.
  void compare_ends() {
    if (records_end_ <= out_.end) return;
    if (open_commit_) {
      out_.damage[*open_commit_].end = records_end_;
    } else {
      out_.damage.push_back(
          {Damage::kind::commit, std::nullopt, out_.end, records_end_, 0, commit_key(out_.end),
           std::string(),
           "embedded log: the commit at offset " + std::to_string(out_.end) + " is missing"});
    }
    out_.end = records_end_;
  }

  void check_index(const base::DocumentId& document, doc_number number) {
    for (const std::string& key : {number_key(document), floor_key(number)}) {
      const auto value = get_number(database_, key);
      const bool is_number = key[0] == number_prefix;
      if (value && (!is_number || value->value_or(~std::uint64_t{0}) == number)) continue;
      out_.damage.push_back(index_damage(
          key, database_,
          value ? "embedded log: the document's number is not there" : value.error().message));
      out_.damage.back().document = document;
    }
  }

  record_visitor counting(const Walked& walked) {
    return [this, &walked](CommittedRecord&&, const ChunkSpan&) {
      if (progress_ && walked.chunks % progress_interval_chunks == 0) {
        progress_(out_.records + walked.audit.records);
      }
    };
  }

  rocksdb::DB& database_;
  const std::uint64_t limit_;
  const audit_progress& progress_;
  const document_visitor& each_document_;
  LogAudit out_;
  base::crc32c digest_;
  std::unordered_map<doc_number, Committed> committed_;
  std::optional<std::size_t> open_commit_;  ///< the damage that does not say where it ends
  std::uint64_t records_end_ = 0;           ///< of the chunks that can be read
};

}  // namespace

base::result<DocumentAudit> scan_document(rocksdb::DB& database, const base::DocumentId& document,
                                          std::uint64_t limit, const record_visitor& visitor) {
  Walked walked;
  const auto report = [&](std::string key, std::string problem) {
    walked.audit.damage.push_back(index_damage(std::move(key), database, std::move(problem)));
    walked.audit.damage.back().document = document;
    return std::move(walked.audit);
  };
  const auto number = get_number(database, number_key(document));
  if (!number) return report(number_key(document), number.error().message);
  if (!number->has_value()) return std::move(walked.audit);
  const auto floor = get_number(database, floor_key(**number));
  if (!floor) return report(floor_key(**number), floor.error().message);
  walked.audit.floor = walked.audit.end = floor->value_or(0);
  const auto at = read_through(database);
  at->Seek(chunk_key(**number, 0));
  walk_chunks(*at, **number, limit, visitor, nullptr, walked);
  if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
  if (auto ok = compare_with_commits(database, **number, limit, walked); !ok) {
    return base::fail(std::move(ok.error()));
  }
  for (Damage& damage : walked.audit.damage) damage.document = document;
  return std::move(walked.audit);
}

base::result<LogAudit> scan_log(rocksdb::DB& database, std::uint64_t limit,
                                const audit_progress& progress,
                                const document_visitor& each_document) {
  return LogScan(database, limit, progress, each_document).run();
}

base::result<void> replace_chunks(rocksdb::DB& database, const base::DocumentId& document,
                                  const std::vector<Replacement>& replacements) {
  const auto number = get_number(database, number_key(document));
  if (!number) return base::fail(base::error(number.error()));
  if (!number->has_value()) {
    return base::fail(errc::not_found,
                      "embedded log: " + base::to_string(document) + " has no records");
  }
  rocksdb::WriteBatch batch;
  for (const Replacement& replacement : replacements) {
    std::vector<CommittedRecord> records;
    for (const Record& record : replacement.records) {
      records.push_back({log_offset{replacement.chunk.first + records.size()}, record});
    }
    WEFT_CHECK(records.size() == replacement.chunk.end - replacement.chunk.first);
    const std::string key = chunk_key(**number, replacement.chunk.first);
    EncodedChunk chunk;
    encode_chunk(key, replacement.chunk.previous_end, records.data(), records.size(), chunk);
    std::string value;
    for (const base::byte_view piece : chunk.pieces) value += base::as_text(piece);
    batch.Put(key, value);
  }
  rocksdb::WriteOptions how;
  how.sync = true;
  const rocksdb::Status status = database.Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "repair"));
  return {};
}

base::result<LogAudit> audit_directory(const std::filesystem::path& directory,
                                       const audit_progress& progress) {
  const auto database = open_read_only(directory);
  if (!database) return base::fail(base::error(database.error()));
  return scan_log(**database, ~std::uint64_t{0}, progress);
}

base::result<DocumentAudit> audit_document(const std::filesystem::path& directory,
                                           const base::DocumentId& document,
                                           const record_visitor& visitor) {
  const auto database = open_read_only(directory);
  if (!database) return base::fail(base::error(database.error()));
  return scan_document(**database, document, ~std::uint64_t{0}, visitor);
}

base::result<void> make_new_incarnation(const std::filesystem::path& directory) {
  EmbeddedLogOptions options;
  options.directory = directory;
  const auto database = open_database(options);
  if (!database) return base::fail(base::error(database.error()));
  rocksdb::WriteBatch batch;
  for (const char* name : {"log", "actor"}) {
    std::uint64_t identity = 0;
    while (identity == 0) identity = base::system_seed();
    const std::string key = meta_key(name);
    batch.Put(key, encode_number(key, identity));
  }
  rocksdb::WriteOptions how;
  how.sync = true;
  const rocksdb::Status status = (*database)->Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "new incarnation"));
  return {};
}

base::result<void> checkpoint(rocksdb::DB& database, const std::filesystem::path& directory) {
  const rocksdb::Status status = base::rocks::checkpoint(database, directory);
  if (!status.ok()) return base::fail(to_error(status, "checkpoint"));
  return {};
}

}  // namespace weft::log::embedded
