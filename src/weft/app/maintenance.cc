#include "weft/app/maintenance.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "weft/app/config.h"
#include "weft/gateway/json.h"

namespace weft::app {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Incidents whose evidence waits to be gathered; beyond it they are only reported.
constexpr std::size_t incidents_waiting_max = 10'000;
/// Of one document; each holds a copy of its state, and whoever can break the reader down could
/// fill the disk with them.
constexpr std::size_t reading_incidents_max = 10;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Whether `path` lies below `directory`; both are looked at as names only, without links.
bool is_below(const fs::path& path, const fs::path& directory) {
  const auto relative =
      path.lexically_normal().lexically_relative(fs::absolute(directory).lexically_normal());
  return !relative.empty() && *relative.begin() != ".." && relative != ".";
}

}  // namespace

StorageMaintenance::StorageMaintenance(std::optional<Storage> storage, const fs::path& data,
                                       std::string backup_directory, base::Events& events)
    : storage_(std::move(storage)),
      evidence_(data / "quarantine"),
      reading_evidence_(data / unreadable_folder),
      backup_directory_(std::move(backup_directory)),
      events_(events),
      worker_(1, incidents_waiting_max) {}

void StorageMaintenance::report(const char* event, const base::DocumentId& document,
                                const base::error& why) {
  events_.report(base::severity::error, event,
                 {{"document", base::to_string(document)}, {"reason", why.message}});
}

void StorageMaintenance::in_order(base::task work) {
  if (worker_.submit(work) == base::WorkerPool::verdict::full) {
    events_.report(base::severity::error, "quarantine.not_written",
                   {{"reason", "too many documents entered quarantine at once"}});
  }
}

void StorageMaintenance::keep(const EvidenceDirectory& evidence, const hub::QuarantineEntry& entry,
                              const std::vector<Finding>& findings, const char* event) {
  const auto kept = evidence.keep(entry, findings);
  if (!kept) return report("quarantine.not_written", entry.document, kept.error());
  events_.report(base::severity::warn, event,
                 {{"document", base::to_string(entry.document)},
                  {"evidence", evidence.place_of(entry).string()}});
}

void StorageMaintenance::close(const EvidenceDirectory& evidence,
                               const hub::QuarantineEntry& entry) {
  const auto closed = evidence.close(entry, now_ms(), "it could be read again");
  if (!closed) report("quarantine.not_written", entry.document, closed.error());
}

std::vector<hub::QuarantineEntry> StorageMaintenance::open_incidents(
    const EvidenceDirectory& evidence) const {
  std::string skipped;
  auto out = evidence.open_incidents(skipped);
  if (!skipped.empty()) {
    events_.report(base::severity::warn, "quarantine.reports_skipped", {{"files", skipped}});
  }
  return out;
}

void StorageMaintenance::entered(const hub::QuarantineEntry& entry) {
  in_order([this, entry] {
    if (!storage_) return keep(evidence_, entry, {}, "quarantine.entered");
    auto found = examine(*storage_, entry.document);
    // A database that cannot be read on is evidence enough; the reason says so.
    if (!found) report("quarantine.not_examined", entry.document, found.error());
    keep(evidence_, entry, found ? found->findings : std::vector<Finding>(), "quarantine.entered");
  });
}

void StorageMaintenance::left(const hub::QuarantineEntry& entry) {
  in_order([this, entry] { close(evidence_, entry); });
}

void StorageMaintenance::broke_down(const hub::QuarantineEntry& incident,
                                    base::shared_bytes state) {
  in_order([this, incident, state = std::move(state)] {
    if (reading_evidence_.incidents_of(incident.document) >= reading_incidents_max) {
      return report("document.unreadable", incident.document,
                    {make_error_code(errc::start), incident.reason + " (evidence of earlier "
                                                                     "incidents is kept)"});
    }
    keep(reading_evidence_, incident,
         {{Finding::where::state,
           0,
           0,
           incident.reason,
           reading_remedy,
           {},
           std::string(base::as_text(state))}},
         "document.unreadable");
  });
}

void StorageMaintenance::readable_again(const hub::QuarantineEntry& incident) {
  in_order([this, incident] {
    if (reading_evidence_.holds(incident)) close(reading_evidence_, incident);
  });
}

void StorageMaintenance::restore(hub::Quarantine& quarantine) const {
  for (auto& incident : open_incidents(evidence_)) quarantine.restore(std::move(incident));
}

std::vector<hub::QuarantineEntry> StorageMaintenance::unreadable() const {
  return open_incidents(reading_evidence_);
}

gateway::http::Maintenance StorageMaintenance::operations() {
  if (!storage_) return {};
  return {[this](const base::DocumentId& document) { return repair_document(document); },
          [this](const std::string& directory) { return back_up(directory); }};
}

base::result<std::string> StorageMaintenance::repair_document(const base::DocumentId& document) {
  const auto done = repair(*storage_, evidence_, document, {}, now_ms());
  if (!done) return base::fail(base::error(done.error()));
  if (done->repaired) {
    events_.report(base::severity::warn, "document.repaired",
                   {{"document", base::to_string(document)},
                    {"evidence", done->evidence.string()},
                    {"losses", std::to_string(done->losses.size())}});
  }
  return gateway::json_text(
             {{"repaired", done->repaired},
              {"steps", done->steps},
              {"losses", done->losses},
              {"evidence", done->repaired ? json(done->evidence.string()) : json(nullptr)}}) +
         "\n";
}

base::result<std::string> StorageMaintenance::back_up(const std::string& directory) {
  const fs::path target = fs::path(directory).lexically_normal();
  if (!target.is_absolute()) {
    return base::fail(errc::start, "directory must be absolute, as /var/backups/weft-monday");
  }
  if (!backup_directory_.empty() && !is_below(target, backup_directory_)) {
    return base::fail(errc::start, "directory must lie below backup_directory = " +
                                       backup_directory_ + " (in the configuration)");
  }
  const auto made = make_backup(*storage_, target, now_ms());
  if (!made) return base::fail(base::error(made.error()));
  events_.report(base::severity::info, "backup.made",
                 {{"directory", target.string()}, {"records", std::to_string(made->log.records)}});
  return manifest_text(*made);
}

}  // namespace weft::app
