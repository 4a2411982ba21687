#include "weft/app/evidence.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "weft/app/config.h"
#include "weft/base/document_key.h"

namespace weft::app {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int report_format = 1;
constexpr std::size_t plain_name_bytes_max = 180;
/// No document's name: "%" is followed by two digits there.
constexpr const char* log_folder = "%log";

std::string hex(std::string_view bytes) {
  std::string out;
  char digits[3];
  for (const char byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    out += digits;
  }
  return out;
}

/// FNV-1a: the same on every machine and in every version.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  for (const char byte : text) out = (out ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  return out;
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char byte : name) {
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
    out += plain ? std::string(1, byte) : "%" + hex(std::string_view(&byte, 1));
  }
  return out;
}

base::result<void> sync_path(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool ok = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (ok) return {};
  return base::fail(errc::start, "cannot sync " + path.string() + ": " + std::strerror(errno));
}

std::string text_of(const json& report) {
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Writes the findings' bytes, and behind them the report: an incident that has one is complete.
base::result<void> write_report(const fs::path& place, json report,
                                const std::vector<Finding>& findings) {
  std::error_code made;
  fs::create_directories(place, made);
  if (made) {
    return base::fail(errc::start, "cannot create " + place.string() + ": " + made.message());
  }
  report["findings"] = json::array();
  for (const Finding& finding : findings) {
    json line = {{"what", name_of(finding.what)},
                 {"problem", finding.problem},
                 {"remedy", finding.remedy},
                 {"key", hex(finding.key)},
                 {"file", nullptr}};
    std::string name = name_of(finding.what);
    if (finding.what == Finding::where::record || finding.what == Finding::where::commit) {
      line["offset"] = finding.first;
      line["end"] = finding.end;
      name += "-" + std::to_string(finding.first);
    }
    if (!finding.bytes.empty()) {
      name += ".bin";
      line["file"] = name;
      if (!fs::exists(place / name)) {
        if (auto ok = write_synced(place / name, finding.bytes); !ok) return ok;
      }
    }
    report["findings"].push_back(std::move(line));
  }
  return write_synced(place / "report.json", text_of(report));
}

}  // namespace

const char* name_of(Finding::where what) {
  switch (what) {
    case Finding::where::record:
      return "record";
    case Finding::where::index:
      return "index";
    case Finding::where::snapshot:
      return "snapshot";
    case Finding::where::state:
      return "state";
    case Finding::where::commit:
      return "commit";
  }
  return "unknown";
}

std::string escaped_name(const base::DocumentId& document) {
  std::string out = escaped(document.room_id) + "." + escaped(document.doc_id);
  if (document.subdoc_id) out += "." + escaped(*document.subdoc_id);
  if (out.size() <= plain_name_bytes_max) return out;
  char hash[18];
  std::snprintf(hash, sizeof hash, "~%016llx",
                static_cast<unsigned long long>(stable_hash(base::document_key(document))));
  return out.substr(0, plain_name_bytes_max) + hash;
}

base::result<void> write_synced(const fs::path& file, std::string_view bytes) {
  // Written beside and moved, so that a reader sees the old file or the whole new one. By a name of
  // its own: a repair and the quarantine may keep the same evidence at the same time.
  std::string beside = file.string() + ".new.XXXXXX";
  const auto failed = [&] {
    const int why = errno;
    ::unlink(beside.c_str());
    return base::fail(errc::start, "cannot write " + file.string() + ": " + std::strerror(why));
  };
  const int out = ::mkostemp(beside.data(), O_CLOEXEC);
  if (out < 0) return failed();
  bool written = true;
  for (std::string_view left = bytes; written && !left.empty();) {
    const ssize_t some = ::write(out, left.data(), left.size());
    written = some > 0;
    if (written) left.remove_prefix(static_cast<std::size_t>(some));
  }
  written = written && ::fchmod(out, 0644) == 0 && ::fsync(out) == 0;
  const int why = errno;
  ::close(out);
  errno = why;
  if (!written || ::rename(beside.c_str(), file.c_str()) != 0) return failed();
  return sync_path(file.parent_path());
}

fs::path EvidenceDirectory::place_of(const hub::QuarantineEntry& incident) const {
  return directory_ / escaped_name(incident.document) / std::to_string(incident.since_ms);
}

base::result<void> EvidenceDirectory::keep(const hub::QuarantineEntry& incident,
                                           const std::vector<Finding>& findings) const {
  json report = {{"format", report_format},
                 {"room", incident.document.room_id},
                 {"document", incident.document.doc_id},
                 {"subdocument", nullptr},
                 {"reason", incident.reason},
                 {"sinceMs", incident.since_ms},
                 {"leftMs", nullptr},
                 {"how", nullptr}};
  if (incident.document.subdoc_id) report["subdocument"] = *incident.document.subdoc_id;
  return write_report(place_of(incident), std::move(report), findings);
}

base::result<fs::path> EvidenceDirectory::keep_of_log(std::int64_t since_ms,
                                                      const std::vector<Finding>& findings) const {
  const fs::path place = directory_ / log_folder / std::to_string(since_ms);
  json report = {{"format", report_format},
                 {"room", nullptr},
                 {"document", nullptr},
                 {"subdocument", nullptr},
                 {"reason", findings.front().problem},
                 {"sinceMs", since_ms},
                 {"leftMs", since_ms},
                 {"how", "what follows was about to be replaced"}};
  if (auto ok = write_report(place, std::move(report), findings); !ok) {
    return base::fail(std::move(ok.error()));
  }
  return place;
}

base::result<void> EvidenceDirectory::close(const hub::QuarantineEntry& incident,
                                            std::int64_t left_ms, const std::string& how) const {
  const fs::path file = place_of(incident) / "report.json";
  std::ifstream in(file, std::ios::binary);
  json report = json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, nullptr, false);
  if (!report.is_object()) {
    return base::fail(errc::start, "no readable report in " + file.string());
  }
  report["leftMs"] = left_ms;
  report["how"] = how;
  return write_synced(file, text_of(report));
}

std::size_t EvidenceDirectory::incidents_of(const base::DocumentId& document) const {
  std::error_code ended;
  const fs::directory_iterator incidents(directory_ / escaped_name(document), ended);
  return ended ? 0
               : static_cast<std::size_t>(std::distance(fs::begin(incidents), fs::end(incidents)));
}

bool EvidenceDirectory::holds(const hub::QuarantineEntry& incident) const {
  return fs::exists(place_of(incident) / "report.json");
}

std::vector<hub::QuarantineEntry> EvidenceDirectory::open_incidents(std::string& skipped) const {
  std::vector<hub::QuarantineEntry> out;
  std::error_code ended;
  for (fs::recursive_directory_iterator at(directory_, ended), end; !ended && at != end;
       at.increment(ended)) {
    if (at->path().filename() != "report.json") continue;
    std::ifstream in(at->path(), std::ios::binary);
    const json report =
        json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, nullptr, false);
    const auto text = [&](const char* key) {
      return report.contains(key) && report[key].is_string() ? report[key].get<std::string>() : "";
    };
    if (!report.is_object() || report.value("format", json(0)) != json(report_format) ||
        !report.value("sinceMs", json()).is_number_integer()) {
      skipped += (skipped.empty() ? "" : ", ") + at->path().string();
      continue;
    }
    if (!report.value("leftMs", json()).is_null()) continue;
    hub::QuarantineEntry entry;
    entry.document = {text("room"), text("document"), {}};
    if (!text("subdocument").empty()) entry.document.subdoc_id = text("subdocument");
    entry.reason = text("reason");
    entry.since_ms = report["sinceMs"].get<std::int64_t>();
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace weft::app
