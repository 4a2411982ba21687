#include "weft/app/doctor.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "weft/app/config.h"
#include "weft/app/log_repair.h"
#include "weft/app/repair.h"
#include "weft/app/snapshot_store.h"
#include "weft/gateway/document_name.h"
#include "weft/gateway/http/response.h"

namespace weft::app {

namespace {

using log::embedded::Damage;
using nlohmann::json;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

json finding_json(const Finding& finding) {
  json out = {
      {"what", name_of(finding.what)}, {"problem", finding.problem}, {"remedy", finding.remedy}};
  if (finding.what == Finding::where::record) {
    out["offset"] = finding.first;
    out["end"] = finding.end;
  }
  return out;
}

/// One run: what was found is printed as it is found, or at the end as JSON.
class Doctor {
 public:
  /// `log_report`: how the log was repaired before it was opened.
  Doctor(const DoctorRequest& request, const Storage& storage, const LogRepairReport& log_report)
      : request_(request),
        storage_(storage),
        evidence_(std::filesystem::path(request.data) / "quarantine"),
        repaired_(!log_report.steps.empty()) {
    if (!repaired_) return;
    out_["logRepair"] = {{"steps", log_report.steps}, {"evidence", log_report.evidence.string()}};
    if (request.json) return;
    for (const auto& step : log_report.steps) std::printf("log: %s\n", step.c_str());
    std::printf("log: what was replaced is kept in %s\n", log_report.evidence.c_str());
  }

  int run() {
    if (!request_.repair.empty() || !request_.restore.empty()) {
      if (const int code = mend(); code != doctor_clean) return end(code);
    }
    std::set<base::DocumentId> documents;
    const auto audit = storage_.log.audit(
        base::log_offset{~std::uint64_t{0}},
        [this](std::uint64_t records) { progress("log: " + std::to_string(records) + " records"); },
        [&](const base::DocumentId& document) { documents.insert(document); });
    if (!audit) return end(say_problem("log", audit.error().message, "weft restore of a backup"));
    for (const Damage& damage : audit->damage) {
      if (damage.what != Damage::kind::commit) continue;
      say_problem("log", damage.problem, log_remedy);
    }
    out_["records"] = audit->records;
    const auto stored = storage_.store.audit(
        nullptr, [&](store::StoredValue&& value) { documents.insert(value.document); });
    if (!stored) {
      say_problem("snapshot store", stored.error().message,
                  "take out what does not belong there, or weft restore of a backup");
    }
    for (const auto& document : documents) look_at(document);
    name_unreadable();
    out_["documents"] = documents.size();
    if (!request_.json) {
      std::printf("%zu documents, %llu records: %s\n", documents.size(),
                  static_cast<unsigned long long>(audit->records),
                  problems_ ? "problems found" : "all as it was written");
    }
    return end(problems_ ? doctor_problems : repaired_ ? doctor_repaired : doctor_clean);
  }

 private:
  void look_at(const base::DocumentId& document) {
    progress(base::to_string(document));
    const auto found = examine(storage_, document);
    if (!found) {
      say_problem(base::to_string(document), found.error().message, "weft restore of a backup");
      return;
    }
    for (const Finding& finding : found->findings) {
      say_problem(base::to_string(document), finding.problem, finding.remedy);
      auto line = finding_json(finding);
      line.update(gateway::http::document_json(document));
      out_["problems"].back() = std::move(line);
    }
  }

  /// What a server has found out about documents whose bytes are sound.
  void name_unreadable() {
    std::string skipped;
    const EvidenceDirectory evidence(std::filesystem::path(request_.data) / unreadable_folder);
    for (const auto& incident : evidence.open_incidents(skipped)) {
      say_problem(base::to_string(incident.document), incident.reason, reading_remedy);
      auto& line = out_["problems"].back();
      line["what"] = name_of(Finding::where::state);
      line.update(gateway::http::document_json(incident.document));
      line["evidence"] = evidence.place_of(incident).string();
    }
  }

  /// doctor_clean: go on.
  int mend() {
    const bool restoring = !request_.restore.empty();
    const auto name = restoring ? request_.restore : request_.repair;
    const auto document = gateway::document_of_address(name);
    if (!document) {
      std::fprintf(stderr, "weft: %s: %s\n", name.c_str(), document.error().message.c_str());
      return doctor_usage;
    }
    base::shared_bytes from_backup;
    if (restoring) {
      auto state = state_in_backup(request_.from, *document);
      if (!state) return say_problem(name, state.error().message, "name another backup");
      if (state->empty())
        return say_problem(name, "the backup has nothing of it", "name another backup");
      from_backup = std::move(*state);
    }
    const auto done = repair(storage_, evidence_, *document, from_backup, now_ms());
    if (!done) return say_problem(name, done.error().message, "as it says");
    out_["repair"] = {{"document", name},
                      {"repaired", done->repaired},
                      {"evidence", done->evidence.string()},
                      {"steps", done->steps},
                      {"losses", done->losses}};
    if (!request_.json) {
      if (!done->repaired) std::printf("%s: nothing to repair\n", name.c_str());
      for (const auto& step : done->steps) std::printf("%s: %s\n", name.c_str(), step.c_str());
      for (const auto& loss : done->losses)
        std::printf("%s: lost: %s\n", name.c_str(), loss.c_str());
      if (done->repaired) {
        std::printf("%s: what was replaced is kept in %s\n", name.c_str(), done->evidence.c_str());
      }
    }
    if (!done->repaired) return doctor_clean;
    repaired_ = true;
    close_incidents(*document);
    return doctor_clean;
  }

  void close_incidents(const base::DocumentId& document) {
    std::string skipped;
    for (const auto& incident : evidence_.open_incidents(skipped)) {
      if (incident.document != document) continue;
      if (auto ok = evidence_.close(incident, now_ms(), "repaired by weft doctor"); !ok) {
        say_problem(base::to_string(document), ok.error().message, "see to the disk");
      }
    }
  }

  int say_problem(const std::string& where, const std::string& problem, const std::string& remedy) {
    problems_ = true;
    out_["problems"].push_back({{"what", where}, {"problem", problem}, {"remedy", remedy}});
    if (!request_.json) {
      std::printf("%s: %s\n  what to do: %s\n", where.c_str(), problem.c_str(), remedy.c_str());
    }
    return doctor_problems;
  }

  /// For people who wait: at most a few lines a second, on a terminal only.
  void progress(const std::string& at) {
    if (request_.json || !isatty(STDERR_FILENO)) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_progress_) return;
    next_progress_ = now + std::chrono::milliseconds(250);
    std::fprintf(stderr, "\r\x1b[K%s", at.c_str());
  }

  int end(int code) {
    if (!request_.json && isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\x1b[K");
    if (request_.json) {
      std::printf("%s\n", out_.dump(2, ' ', false, json::error_handler_t::replace).c_str());
    }
    return code;
  }

  const DoctorRequest& request_;
  const Storage storage_;
  const EvidenceDirectory evidence_;
  json out_ = {{"problems", json::array()}, {"repair", nullptr}, {"logRepair", nullptr}};
  bool problems_ = false;
  bool repaired_;
  std::chrono::steady_clock::time_point next_progress_{};
};

int cannot(const char* what, const std::string& why, int code) {
  std::fprintf(stderr, "weft: %s: %s\n", what, why.c_str());
  return code;
}

/// In use, or not readable at all: the sentence says which.
int cannot_use_log(const base::error& why) {
  if (why.code == log::errc::failed) return cannot("log", why.message, doctor_usage);
  return cannot("log", why.message + "\n  what to do: " + log_remedy, doctor_problems);
}

}  // namespace

int run_doctor(const DoctorRequest& request) {
  if (request.restore.empty() != request.from.empty()) {
    return cannot("doctor", "--restore DOCUMENT and --from BACKUP go together", doctor_usage);
  }
  if (!request.restore.empty() && !request.repair.empty()) {
    return cannot("doctor", "--repair or --restore, not both", doctor_usage);
  }
  for (const char* part : {"/log", "/store"}) {
    if (!std::filesystem::is_directory(request.data + part)) {
      return cannot("doctor", request.data + " is no data directory: it has no " + (part + 1),
                    doctor_usage);
    }
  }
  LogRepairReport log_report;
  if (request.repair_log) {
    auto done = repair_log(request.data, now_ms());
    if (!done) return cannot_use_log(done.error());
    log_report = std::move(*done);
  }
  log::embedded::EmbeddedLogOptions log_options;
  log_options.directory = request.data + "/log";
  auto log = log::embedded::EmbeddedLog::open(log_options);
  if (!log) return cannot_use_log(log.error());
  SnapshotStoreOptions store_options;
  store_options.directory = request.data + "/store";
  auto store = open_snapshot_store(store_options);
  if (!store) {
    return cannot("snapshot store", store.error().message,
                  store.error().code == store::errc::corrupt ? doctor_problems : doctor_usage);
  }
  return Doctor(request, Storage{**log, **store}, log_report).run();
}

}  // namespace weft::app
