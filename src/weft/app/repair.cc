#include "weft/app/repair.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "weft/app/config.h"
#include "weft/app/snapshot_store.h"
#include "weft/hub/logged_edit.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/sync_protocol.h"
#include "weft/yjs/update.h"

namespace weft::app {

namespace {

using log::embedded::ChunkSpan;
using log::embedded::Damage;

/// Updates are joined when this much of them waits, so that memory stays near the state's own.
constexpr std::size_t join_bytes = std::size_t{8} << 20;
constexpr std::string_view repair_sender = "weft-repair";

/// Many updates as one state, joined as they come.
class Joined {
 public:
  base::result<void> add(base::shared_bytes update) {
    bytes_ += update.size();
    updates_.push_back(std::move(update));
    if (bytes_ < std::max(join_bytes, 2 * joined_bytes_)) return {};
    const auto joined = take();
    if (!joined) return base::fail(base::error(joined.error()));
    joined_bytes_ = joined->size();
    bytes_ = joined_bytes_;
    updates_.push_back(*joined);
    return {};
  }

  base::result<base::shared_bytes> take() {
    const std::vector<base::byte_view> views(updates_.begin(), updates_.end());
    auto joined = yjs::compact(views);
    if (!joined) return base::fail(std::move(joined.error()));
    updates_.clear();
    return base::shared_bytes::adopt(std::move(*joined));
  }

 private:
  std::vector<base::shared_bytes> updates_;
  std::size_t bytes_ = 0;
  std::size_t joined_bytes_ = 0;
};

/// A document's stored bytes, read once.
struct Contents {
  Examination examination;
  std::uint64_t floor = 0;
  std::optional<store::Snapshot> snapshot;  ///< when it can be read
  bool snapshot_damaged = false;            ///< it cannot, or does not hold what it should
  std::vector<ChunkSpan> damaged;           ///< chunks to be replaced
  bool beyond_repair = false;               ///< damage whose extent nothing tells
  yjs::Knowledge readable;                  ///< what the readable records hold
};

constexpr const char* repair_remedy =
    "weft doctor --repair, or POST …/repair on the running server";
constexpr const char* restore_remedy = "weft doctor --restore … --from BACKUP";

void read_snapshot(const Storage& storage, const base::DocumentId& document, Contents& out,
                   base::result<void>& read) {
  const auto bad = [&out](const base::byte_view bytes, std::string problem) {
    out.snapshot_damaged = true;
    out.snapshot.reset();
    out.examination.findings.push_back({Finding::where::snapshot,
                                        0,
                                        0,
                                        std::move(problem),
                                        repair_remedy,
                                        {},
                                        std::string(base::as_text(bytes))});
  };
  read = storage.store.audit(&document, [&](store::StoredValue&& value) {
    out.examination.has_snapshot = true;
    if (!value.snapshot) return bad(value.bytes, value.snapshot.error().message);
    if (const auto ok = yjs::validate(value.snapshot->update); !ok) {
      return bad(value.bytes, "snapshot: does not decode: " + ok.error().message);
    }
    out.snapshot = std::move(*value.snapshot);
  });
}

/// Reads all; readable updates go to `each`.
base::result<Contents> read_contents(
    const Storage& storage, const base::DocumentId& document,
    const std::function<base::result<void>(base::shared_bytes)>& each) {
  Contents out;
  base::result<void> read;
  read_snapshot(storage, document, out, read);
  if (!read) return base::fail(std::move(read.error()));
  yjs::Knowledge in_snapshot;
  std::uint64_t covered = 0;
  if (out.snapshot) {
    if (auto ok = yjs::learn(out.snapshot->update, in_snapshot); !ok) {
      return base::fail(std::move(ok.error()));
    }
    if (out.snapshot->log == storage.log.id()) covered = out.snapshot->covered_end.value;
  }
  std::string not_covered;
  std::map<std::uint64_t, ChunkSpan> damaged;
  base::result<void> passed;
  const auto visit = [&](log::CommittedRecord&& entry, const ChunkSpan& chunk) {
    if (!passed) return;
    auto edit = hub::logged_edit(document, entry);
    base::result<void> learned;
    if (edit) learned = yjs::learn(edit->update, out.readable);
    if (!edit || !learned) {
      damaged.emplace(chunk.first, chunk);
      out.examination.findings.push_back(
          {Finding::where::record,
           entry.offset.value,
           entry.offset.value + 1,
           "record " + std::to_string(entry.offset.value) + " is intact but holds no update: " +
               (edit ? learned.error().message : edit.error().message),
           repair_remedy,
           {},
           std::string(base::as_text(entry.record.envelope))});
      return;
    }
    ++out.examination.records;
    if (entry.offset.value < covered && not_covered.empty()) {
      const auto novelty = yjs::classify(edit->update, in_snapshot);
      if (novelty && *novelty != yjs::Novelty::empty && *novelty != yjs::Novelty::contained) {
        not_covered = std::to_string(entry.offset.value);
      }
    }
    if (each) passed = each(std::move(edit->update));
  };
  const auto audit = storage.log.audit(document, visit);
  if (!audit) return base::fail(base::error(audit.error()));
  if (!passed) return base::fail(std::move(passed.error()));
  out.floor = audit->floor;
  out.examination.end = audit->end;
  for (const Damage& damage : audit->damage) {
    const bool record = damage.what == Damage::kind::chunk;
    const bool known = record && damage.end > damage.first;
    if (!known) out.beyond_repair = true;
    if (known)
      damaged.emplace(damage.first, ChunkSpan{damage.first, damage.end, damage.previous_end});
    out.examination.findings.push_back({record ? Finding::where::record : Finding::where::index,
                                        damage.first, damage.end, damage.problem,
                                        known ? repair_remedy : "weft restore of a whole backup",
                                        damage.key, damage.value});
  }
  for (const auto& [first, chunk] : damaged) out.damaged.push_back(chunk);
  if (!not_covered.empty()) {
    out.snapshot_damaged = true;
    out.examination.findings.push_back(
        {Finding::where::snapshot,
         0,
         0,
         "snapshot: it says that it covers record " + not_covered + ", but does not hold it",
         repair_remedy,
         {},
         std::string(base::as_text(out.snapshot->update))});
  }
  return out;
}

/// A record in the place of one that is lost. Its actor 0 is nobody's.
log::Record stand_in(const base::DocumentId& document, std::uint64_t offset, base::byte_view update,
                     std::int64_t now_ms) {
  const protocol::EnvelopeWriter envelopes(document, protocol::Channel::doc, repair_sender);
  std::uint8_t header[yjs::sync_header_bytes_max];
  const std::size_t header_bytes =
      yjs::write_sync_header(yjs::sync_type::update, update.size(), header);
  log::Record out;
  out.operation = {0, offset + 1};
  out.received_at_ms = now_ms;
  out.envelope = envelopes.write(now_ms, header_bytes + update.size(), [&](std::uint8_t* to) {
    std::memcpy(to, header, header_bytes);
    std::memcpy(to + header_bytes, update.data(), update.size());
  });
  return out;
}

/// The readable records of damaged chunks, which their replacements keep.
base::result<std::map<std::uint64_t, log::Record>> records_to_keep(
    const Storage& storage, const base::DocumentId& document,
    const std::vector<ChunkSpan>& damaged) {
  std::map<std::uint64_t, log::Record> out;
  const auto audit =
      storage.log.audit(document, [&](log::CommittedRecord&& entry, const ChunkSpan& chunk) {
        if (std::ranges::find(damaged, chunk.first, &ChunkSpan::first) == damaged.end()) return;
        const auto edit = hub::logged_edit(document, entry);
        if (edit && yjs::validate(edit->update)) out[entry.offset.value] = std::move(entry.record);
      });
  if (!audit) return base::fail(base::error(audit.error()));
  return out;
}

/// Replaces the damaged chunks; `rest` goes into the first record that is lost.
base::result<void> replace_damaged(const Storage& storage, const base::DocumentId& document,
                                   const Contents& contents, base::byte_view rest,
                                   std::int64_t now_ms, RepairReport& report) {
  auto kept = records_to_keep(storage, document, contents.damaged);
  if (!kept) return base::fail(std::move(kept.error()));
  const std::uint64_t covered =
      contents.snapshot && contents.snapshot->log == storage.log.id() && !contents.snapshot_damaged
          ? contents.snapshot->covered_end.value
          : 0;
  std::vector<log::embedded::Replacement> replacements;
  bool first = true;
  for (const ChunkSpan& chunk : contents.damaged) {
    log::embedded::Replacement replacement;
    replacement.chunk = chunk;
    for (std::uint64_t offset = chunk.first; offset < chunk.end; ++offset) {
      if (const auto found = kept->find(offset); found != kept->end()) {
        replacement.records.push_back(std::move(found->second));
        continue;
      }
      replacement.records.push_back(stand_in(
          document, offset, std::exchange(first, false) ? rest : yjs::empty_update(), now_ms));
      report.steps.push_back("record " + std::to_string(offset) + " replaced");
      if (offset >= covered) {
        report.losses.push_back(
            "record " + std::to_string(offset) +
            ": no readable snapshot covers it; its edit comes back if a client or a backup has it");
      }
    }
    replacements.push_back(std::move(replacement));
  }
  return storage.log.replace(document, replacements);
}

}  // namespace

base::result<Examination> examine(const Storage& storage, const base::DocumentId& document) {
  auto contents = read_contents(storage, document, {});
  if (!contents) return base::fail(std::move(contents.error()));
  return std::move(contents->examination);
}

base::result<RepairReport> repair(const Storage& storage, const EvidenceDirectory& evidence,
                                  const base::DocumentId& document,
                                  const base::shared_bytes& from_backup, std::int64_t now_ms) {
  Joined state;
  auto contents = read_contents(
      storage, document, [&](base::shared_bytes update) { return state.add(std::move(update)); });
  if (!contents) return base::fail(std::move(contents.error()));
  RepairReport report;
  report.before = contents->examination;
  if (report.before.findings.empty()) return report;
  const std::string name = base::to_string(document);
  if (contents->beyond_repair) {
    return base::fail(errc::start, name + ": the log does not say how far the damage reaches; " +
                                       "stop the server and run weft doctor --repair-log, or "
                                       "restore the data directory from a backup");
  }
  const bool needs_log_from_start = !contents->snapshot && contents->examination.has_snapshot;
  if (needs_log_from_start && contents->floor > 0 && from_backup.empty()) {
    return base::fail(errc::start, name +
                                       ": the snapshot cannot be read, and the log was trimmed "
                                       "below " +
                                       std::to_string(contents->floor) +
                                       "; what to do: " + restore_remedy);
  }
  const hub::QuarantineEntry incident{document, report.before.findings.front().problem, now_ms, 1};
  if (auto ok = evidence.keep(incident, report.before.findings); !ok) {
    return base::fail(std::move(ok.error()));
  }
  report.evidence = evidence.place_of(incident);
  // What the log's readable records lack, of all that can be read elsewhere.
  Joined elsewhere;
  if (contents->snapshot) {
    if (auto ok = elsewhere.add(contents->snapshot->update); !ok)
      return base::fail(std::move(ok.error()));
  }
  if (!from_backup.empty()) {
    if (auto ok = elsewhere.add(from_backup); !ok) return base::fail(std::move(ok.error()));
  }
  const auto other = elsewhere.take();
  if (!other) return base::fail(base::error(other.error()));
  if (!contents->damaged.empty()) {
    const auto rest = yjs::reduce(*other, contents->readable);
    if (!rest) return base::fail(base::error(rest.error()));
    if (auto ok = replace_damaged(storage, document, *contents, *rest, now_ms, report); !ok) {
      return base::fail(std::move(ok.error()));
    }
  }
  if (auto ok = state.add(*other); !ok) return base::fail(std::move(ok.error()));
  const auto whole = state.take();
  if (!whole) return base::fail(base::error(whole.error()));
  const store::Snapshot snapshot{storage.log.id(), {report.before.end}, *whole};
  if (auto ok = storage.store.replace_snapshot(document, snapshot); !ok) {
    return base::fail(std::move(ok.error()));
  }
  report.steps.push_back("snapshot made anew, up to offset " + std::to_string(report.before.end));
  report.repaired = true;
  if (auto ok = evidence.close(incident, now_ms, "repaired"); !ok)
    return base::fail(std::move(ok.error()));
  return report;
}

base::result<base::shared_bytes> state_in_backup(const std::filesystem::path& backup,
                                                 const base::DocumentId& document) {
  const auto unreadable = [&](const base::error& why) {
    return base::fail(errc::start, "backup " + backup.string() + ": " + why.message);
  };
  Joined state;
  base::result<void> added;
  bool any = false;
  const auto add = [&](base::shared_bytes update) {
    any = true;
    if (added) added = state.add(std::move(update));
  };
  const auto stored =
      audit_snapshot_store(backup / "store", &document, [&](store::StoredValue&& value) {
        if (value.snapshot) return add(std::move(value.snapshot->update));
        added = base::fail(base::error(value.snapshot.error()));
      });
  if (!stored) return unreadable(stored.error());
  const auto audit = log::embedded::audit_document(
      backup / "log", document, [&](log::CommittedRecord&& entry, const ChunkSpan&) {
        auto edit = hub::logged_edit(document, entry);
        if (edit) return add(std::move(edit->update));
        added = base::fail(std::move(edit.error()));
      });
  if (!audit) return unreadable(audit.error());
  if (!audit->damage.empty()) return unreadable({{}, audit->damage.front().problem});
  if (!added) return unreadable(added.error());
  if (!any) return base::shared_bytes();
  auto whole = state.take();
  if (!whole) return unreadable(whole.error());
  return std::move(*whole);
}

}  // namespace weft::app
