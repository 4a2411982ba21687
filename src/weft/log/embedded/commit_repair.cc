// Commits made anew. What a commit says is said once more by the chunks: where they begin by their
// keys, where they end and where their document's chunk before ended by their heads.

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "weft/log/embedded/audit.h"
#include "weft/log/embedded/database.h"
#include "weft/log/embedded/schema.h"

namespace weft::log::embedded {
namespace {

/// Added to the largest seq that is left when records at the end of the log are lost with their
/// seqs, so that no operation id is given twice: more than can ever be under way.
constexpr std::uint64_t seqs_skipped = std::uint64_t{1} << 32;

struct Chunk {
  doc_number document = 0;
  std::uint64_t end = 0;  ///< 0: it cannot be read
};

/// Where commits do not say what lies there.
struct Span {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> end;  ///< none: up to the end of the log
  std::string key, was, problem;
  std::uint64_t seq_max = 0;  ///< of the commits before, and of its own readable records
};

class CommitRepair {
 public:
  explicit CommitRepair(rocksdb::DB& database) : database_(database) {}

  base::result<std::vector<RebuiltCommit>> run() {
    const auto actor = get_number(database_, meta_key("actor"));
    if (!actor) return base::fail(base::error(actor.error()));
    actor_ = actor->value_or(0);
    if (auto ok = read_commits(); !ok) return base::fail(std::move(ok.error()));
    if (auto ok = read_chunks(); !ok) return base::fail(std::move(ok.error()));
    std::vector<RebuiltCommit> out;
    std::uint64_t seq_max = 0;
    for (Span& span : spans_) {
      // Behind the last commit that can be read lies nothing, as a rule.
      if (span.was.empty() && !span.end && chunks_.lower_bound(span.first) == chunks_.end()) break;
      seq_max = span.seq_max = std::max(span.seq_max, seq_max);
      auto rebuilt = rebuild(span);
      if (!rebuilt) return base::fail(std::move(rebuilt.error()));
      out.push_back(std::move(*rebuilt));
    }
    return out;
  }

 private:
  base::result<void> read_commits() {
    const auto at = read_through(database_);
    std::uint64_t expected = 0;
    std::uint64_t seq_max = 0;
    for (at->Seek(commit_key(0)); at_commit(*at); at->Next()) {
      const std::string_view key = at->key().ToStringView();
      const std::string_view value = at->value().ToStringView();
      const std::uint64_t first = key_offset(key);
      if (first < expected) return overlap(first);
      if (!spans_.empty() && !spans_.back().end) {
        spans_.back().end = first;
      } else if (first > expected) {
        spans_.push_back(missing(expected, seq_max));
        spans_.back().end = first;
      }
      const auto commit = decode_commit(key, value);
      expected = first;
      if (!commit) {
        spans_.push_back({first, std::nullopt, std::string(key), std::string(value),
                          commit.error().message, seq_max});
        continue;
      }
      seq_max = commit->seq_max;
      for (const CommitEntry& entry : commit->entries) expected += entry.count;
    }
    if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
    if (spans_.empty() || spans_.back().end) spans_.push_back(missing(expected, seq_max));
    return {};
  }

  static Span missing(std::uint64_t first, std::uint64_t seq_max) {
    return {first,
            std::nullopt,
            commit_key(first),
            {},
            "embedded log: the commit at offset " + std::to_string(first) + " is missing",
            seq_max};
  }

  base::result<void> read_chunks() {
    const auto at = read_through(database_);
    std::optional<doc_number> document;
    std::uint64_t known_end = 0;  // of the document's chunks so far, where it is known
    bool readable = true;         // the one before
    for (at->Seek(std::string(1, chunk_prefix)); at_chunk(*at); at->Next()) {
      const std::string_view key = at->key().ToStringView();
      const doc_number number = key_offset(key.substr(0, key.size() - 8));
      if (document != number) {
        document = number;
        const auto floor = get_number(database_, floor_key(number));
        known_end = floor ? floor->value_or(0) : 0;
        readable = true;
      }
      const std::uint64_t first = key_offset(key);
      Span* const span = span_at(first);
      const auto head = read_chunk(key, at->value().ToStringView(), span);
      if (span) chunks_[first] = {number, head ? head->end : 0};
      const std::uint64_t previous_end = head ? head->previous_end : 0;
      const bool lost = previous_end > known_end || (!readable && previous_end == known_end);
      if (lost && span_at(previous_end - 1)) lost_ends_[previous_end] = number;
      readable = head.has_value();
      known_end = head ? head->end : first + 1;
    }
    if (!at->status().ok()) return base::fail(to_error(at->status(), "read"));
    return {};
  }

  base::result<ChunkHead> read_chunk(std::string_view key, std::string_view value, Span* span) {
    if (!span) return decode_chunk_head(key, value);
    std::uint64_t seq_max = span->seq_max;
    const auto head = decode_chunk(key, value, [&](CommittedRecord&& entry) {
      const auto& operation = entry.record.operation;
      if (operation.actor == actor_) seq_max = std::max(seq_max, operation.seq);
      return true;
    });
    if (head) span->seq_max = seq_max;
    return head;
  }

  /// The span that an offset lies in, if any.
  Span* span_at(std::uint64_t offset) {
    auto span = std::ranges::upper_bound(spans_, offset, {}, &Span::first);
    if (span == spans_.begin()) return nullptr;
    --span;
    return !span->end || offset < *span->end ? &*span : nullptr;
  }

  /// Lays the chunks of a span end to end.
  base::result<RebuiltCommit> rebuild(const Span& span) {
    Commit commit;
    commit.seq_max = span.seq_max;
    std::uint64_t cursor = span.first;
    while (!span.end || cursor < *span.end) {
      const auto next = next_known(span, cursor);
      const auto chunk = chunks_.find(cursor);
      if (chunk == chunks_.end() && !next && !span.end) break;
      auto entry =
          chunk == chunks_.end() ? lost_entry(cursor, next) : entry_of(chunk->second, cursor, next);
      if (!entry) return base::fail(std::move(entry.error()));
      const bool lost = chunk == chunks_.end() || chunk->second.end == 0;
      if (lost && !span.end && commit.seq_max == span.seq_max) commit.seq_max += seqs_skipped;
      cursor += entry->count;
      commit.entries.push_back(*entry);
    }
    if (commit.entries.empty()) {
      return base::fail(errc::corrupt, span.problem + ", and nothing that it spoke of is left");
    }
    return RebuiltCommit{span.first,  cursor, span.key, span.was, encode_commit(span.key, commit),
                         span.problem};
  }

  /// The next offset behind `cursor` where something is known to begin or to have ended.
  std::optional<std::uint64_t> next_known(const Span& span, std::uint64_t cursor) const {
    std::optional<std::uint64_t> out = span.end;
    const auto begin = chunks_.upper_bound(cursor);
    if (begin != chunks_.end()) out = std::min(out.value_or(begin->first), begin->first);
    const auto end = lost_ends_.upper_bound(cursor);
    if (end != lost_ends_.end()) out = std::min(out.value_or(end->first), end->first);
    return out;
  }

  base::result<CommitEntry> entry_of(const Chunk& chunk, std::uint64_t first,
                                     std::optional<std::uint64_t> next) const {
    if (chunk.end != 0) {
      if (next && *next < chunk.end) return overlap(*next);
      return CommitEntry{chunk.document, chunk.end - first};
    }
    // Where it ended is where something else is known to begin, or to have ended, unless that was
    // another one that is lost as well.
    const auto lost = next ? lost_ends_.find(*next) : lost_ends_.end();
    if (!next || (lost != lost_ends_.end() && lost->second != chunk.document)) {
      return base::fail(errc::corrupt, "embedded log: nothing tells where the chunk at offset " +
                                           std::to_string(first) + " ended");
    }
    return CommitEntry{chunk.document, *next - first};
  }

  base::result<CommitEntry> lost_entry(std::uint64_t first,
                                       std::optional<std::uint64_t> next) const {
    const auto lost = next ? lost_ends_.find(*next) : lost_ends_.end();
    if (lost == lost_ends_.end()) {
      return base::fail(errc::corrupt, "embedded log: nothing tells whose the records at offset " +
                                           std::to_string(first) + " were");
    }
    return CommitEntry{lost->second, *next - first};
  }

  static std::unexpected<base::error> overlap(std::uint64_t offset) {
    return base::fail(errc::corrupt,
                      "embedded log: offset " + std::to_string(offset) + " was given twice");
  }

  rocksdb::DB& database_;
  std::uint64_t actor_ = 0;
  std::vector<Span> spans_;
  std::map<std::uint64_t, Chunk> chunks_;          ///< in spans, by where they begin
  std::map<std::uint64_t, doc_number> lost_ends_;  ///< in spans, where chunks ended that are lost
};

}  // namespace

base::result<std::vector<RebuiltCommit>> repair_commits(const std::filesystem::path& directory,
                                                        const keep_commits& keep) {
  EmbeddedLogOptions options;
  options.directory = directory;
  const auto database = open_database(options);
  if (!database) return base::fail(base::error(database.error()));
  auto commits = CommitRepair(**database).run();
  if (!commits || commits->empty()) return commits;
  if (auto kept = keep(*commits); !kept) return base::fail(std::move(kept.error()));
  rocksdb::WriteBatch batch;
  for (const RebuiltCommit& commit : *commits) batch.Put(commit.key, commit.value);
  rocksdb::WriteOptions how;
  how.sync = true;
  const rocksdb::Status status = (*database)->Write(how, &batch);
  if (!status.ok()) return base::fail(to_error(status, "repair"));
  return commits;
}

}  // namespace weft::log::embedded
