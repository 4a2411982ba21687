#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/base/result.h"
#include "weft/log/op_log.h"

/// Looking through a whole log for what is not as it was written: for backups, repair and
/// operators. Everything here blocks for as long as reading takes.
namespace weft::log::embedded {

/// Something in the log that is not what was written.
struct Damage {
  enum class kind : std::uint8_t {
    chunk,   ///< records of a document: cut off, changed, or not there at all
    index,   ///< the entry that says which number a document has, or where it was trimmed
    commit,  ///< the entry that says what one commit consists of; documents are read without it
  };
  kind what = kind::chunk;
  std::optional<base::DocumentId> document;  ///< whose, where that is known
  /// The offsets concerned, [first, end); empty: the commits do not say how far it reaches.
  std::uint64_t first = 0, end = 0;
  std::uint64_t previous_end = 0;  ///< of a chunk: where the document's chunk before it ended
  std::string key;                 ///< where it lies (docs/formats/embedded_log.md)
  std::string value;               ///< what was found there; empty: nothing
  std::string problem;
};

/// What one document's part of the log holds.
struct DocumentAudit {
  std::uint64_t floor = 0;  ///< trimmed below this offset
  std::uint64_t end = 0;    ///< after the last record, readable or not
  std::uint64_t records = 0;
  std::uint64_t envelope_bytes = 0;
  std::vector<Damage> damage;
};

/// What a log holds below an offset. Two logs with equal records have equal values here.
struct LogAudit {
  base::log_identity log;
  std::uint64_t actor = 0;
  std::uint64_t end = 0;  ///< after the last record
  std::uint64_t documents = 0;
  std::uint64_t records = 0;
  std::uint64_t envelope_bytes = 0;
  /// CRC-32C over keys and values of all records and commits in the order of their keys: against
  /// accidents, not against forgery.
  std::uint32_t digest = 0;
  std::vector<Damage> damage;
};

/// The chunk that a record lies in.
struct ChunkSpan {
  std::uint64_t first = 0, end = 0;
  std::uint64_t previous_end = 0;
};
using record_visitor = std::function<void(CommittedRecord&&, const ChunkSpan&)>;
/// Hears how many records were read so far, about once per thousand chunks.
using audit_progress = std::function<void(std::uint64_t records)>;

/// Hears of every document that has a number in the log.
using document_visitor = std::function<void(const base::DocumentId&)>;

/// Records to stand where a damaged chunk lay: one for each offset of it.
struct Replacement {
  ChunkSpan chunk;
  std::vector<Record> records;
};

/// Reads a whole log that no process has open; writes nothing.
/// Errors: failed (not there, not permitted), corrupt (so that it cannot be opened at all).
base::result<LogAudit> audit_directory(const std::filesystem::path& directory,
                                       const audit_progress& progress = {});

/// Reads one document of a log that no process has open; writes nothing. Errors as audit_directory.
base::result<DocumentAudit> audit_document(const std::filesystem::path& directory,
                                           const base::DocumentId& document,
                                           const record_visitor& visitor);

/// A commit's entry, made anew out of the chunks that lie where it says what lies there.
struct RebuiltCommit {
  std::uint64_t first = 0, end = 0;  ///< the offsets of its records
  std::string key;
  std::string was;    ///< what was found there; empty: nothing
  std::string value;  ///< what belongs there
  std::string problem;
};

/// Keeps what is about to be replaced; an error leaves everything as it was.
using keep_commits = std::function<base::result<void>(const std::vector<RebuiltCommit>&)>;

/// Makes the commits anew whose entries cannot be read or are not there, in a log that no process
/// has open and that may be beyond opening for that: all or none, durable when it returns. Returns
/// what `keep` was given; empty, and nothing asked, when all commits are there. A chunk that cannot
/// be read, or is not there, reaches to where the next one begins, or its document's next one says
/// that it ended: so afterwards the audit names it and `replace` can mend it. Only a last chunk
/// that is not there at the very end of the log leaves no trace when its commit cannot be read.
/// Blocks. Errors: failed; corrupt (nothing tells whose some offsets were, or where the log ends);
/// those of `keep`.
base::result<std::vector<RebuiltCommit>> repair_commits(const std::filesystem::path& directory,
                                                        const keep_commits& keep);

/// Gives a log that no process has open a new identity and a new actor: it is another incarnation
/// from then on, and versions that count in the old one mean nothing in it. Durable when it
/// returns. Errors: failed, corrupt.
base::result<void> make_new_incarnation(const std::filesystem::path& directory);

}  // namespace weft::log::embedded
