#include "weft/app/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "weft/app/config.h"
#include "weft/app/snapshot_store.h"

namespace weft::app {

namespace {

using log::embedded::LogAudit;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr int manifest_format = 1;
constexpr const char* manifest_name = "manifest.json";

std::unexpected<base::error> failed(const std::string& why) { return base::fail(errc::start, why); }

/// Removes a directory that did not become what it should, unless release() is called.
class Unfinished {
 public:
  explicit Unfinished(fs::path directory) : directory_(std::move(directory)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void release() { directory_.clear(); }

 private:
  fs::path directory_;
};

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// The names of a directory and what lies under it, synced.
base::result<void> sync_tree(const fs::path& directory) {
  const auto sync = [](const fs::path& path) -> base::result<void> {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool ok = file >= 0 && ::fsync(file) == 0;
    const int why = errno;
    if (file >= 0) ::close(file);
    if (!ok) return failed("cannot sync " + path.string() + ": " + std::strerror(why));
    return {};
  };
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (auto ok = sync(entry.path()); !ok) return ok;
  }
  return sync(directory);
}

/// Moves a finished directory to its name, for good.
base::result<void> publish(const fs::path& from, const fs::path& to) {
  if (auto ok = sync_tree(from); !ok) return ok;
  std::error_code moved;
  fs::rename(from, to, moved);
  if (moved) return failed("cannot make " + to.string() + ": " + moved.message());
  const int parent = ::open(to.parent_path().c_str(), O_RDONLY | O_CLOEXEC);
  const bool ok = parent >= 0 && ::fsync(parent) == 0;
  if (parent >= 0) ::close(parent);
  if (!ok) return failed("cannot sync " + to.parent_path().string());
  return {};
}

/// Reads everything in a backup. Errors: anything in it is damaged.
base::result<BackupManifest> read_back(const fs::path& directory) {
  BackupManifest out;
  auto audit = log::embedded::audit_directory(directory / "log");
  if (!audit) return failed(audit.error().message);
  if (!audit->damage.empty()) {
    return failed("the log is damaged: " + audit->damage.front().problem +
                  "; weft doctor says more");
  }
  out.log = std::move(*audit);
  std::string damaged;
  const auto read =
      audit_snapshot_store(directory / "store", nullptr, [&](store::StoredValue&& value) {
        ++out.snapshots;
        out.snapshot_bytes += value.bytes.size();
        if (!value.snapshot) {
          damaged = base::to_string(value.document) + ": " + value.snapshot.error().message;
        }
      });
  if (!read) return failed(read.error().message);
  if (!damaged.empty()) return failed(damaged + "; weft doctor says more");
  return out;
}

/// Empty: both hold the same.
std::string difference(const LogAudit& a, const LogAudit& b) {
  if (a.log != b.log) return "log identity";
  if (a.end != b.end) return "end of the log";
  if (a.documents != b.documents) return "number of documents";
  if (a.records != b.records) return "number of records";
  if (a.envelope_bytes != b.envelope_bytes) return "bytes of records";
  if (a.digest != b.digest) return "digest";
  return {};
}

base::result<BackupManifest> read_manifest(const fs::path& directory) {
  std::ifstream in(directory / manifest_name, std::ios::binary);
  if (!in) {
    return failed(directory.string() + " is no backup: it has no " + manifest_name);
  }
  const json text =
      json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, nullptr, false);
  try {
    if (text.at("format") != manifest_format) {
      return failed(directory.string() + ": this backup needs another version of this program");
    }
    BackupManifest out;
    out.program_version = text.at("program").get<std::string>();
    out.created_ms = text.at("createdMs").get<std::int64_t>();
    const json& log = text.at("log");
    out.log.log.value = std::stoull(log.at("id").get<std::string>(), nullptr, 16);
    out.log.end = log.at("end").get<std::uint64_t>();
    out.log.documents = log.at("documents").get<std::uint64_t>();
    out.log.records = log.at("records").get<std::uint64_t>();
    out.log.envelope_bytes = log.at("envelopeBytes").get<std::uint64_t>();
    out.log.digest = log.at("crc32c").get<std::uint32_t>();
    out.snapshots = text.at("snapshots").at("count").get<std::uint64_t>();
    out.snapshot_bytes = text.at("snapshots").at("bytes").get<std::uint64_t>();
    return out;
  } catch (const std::exception& why) {
    return failed((directory / manifest_name).string() + " cannot be read: " + why.what());
  }
}

}  // namespace

std::string manifest_text(const BackupManifest& manifest) {
  return json({{"format", manifest_format},
               {"program", manifest.program_version},
               {"createdMs", manifest.created_ms},
               {"log",
                {{"id", hex(manifest.log.log.value)},
                 {"end", manifest.log.end},
                 {"documents", manifest.log.documents},
                 {"records", manifest.log.records},
                 {"envelopeBytes", manifest.log.envelope_bytes},
                 {"crc32c", manifest.log.digest}}},
               {"snapshots", {{"count", manifest.snapshots}, {"bytes", manifest.snapshot_bytes}}}})
             .dump(2) +
         "\n";
}

base::result<BackupManifest> make_backup(const Storage& storage, const fs::path& directory,
                                         std::int64_t now_ms) {
  std::error_code asked;
  if (!directory.is_absolute() || !directory.has_filename()) {
    return failed("the backup needs an absolute directory name");
  }
  if (fs::exists(directory, asked)) {
    return failed(directory.string() + " exists; name a directory that does not");
  }
  const fs::path partial = directory.string() + ".partial";
  if (!fs::create_directory(partial, asked)) {
    return failed("cannot create " + partial.string() + ": " +
                  (asked ? asked.message()
                         : "it exists; another backup is under way, or failed: "
                           "remove it then"));
  }
  Unfinished unfinished(partial);
  // Snapshots first: what they cover is in the log that is copied after them.
  if (auto ok = storage.store.checkpoint(partial / "store"); !ok) return failed(ok.error().message);
  if (auto ok = storage.log.checkpoint(partial / "log"); !ok) return failed(ok.error().message);
  auto manifest = read_back(partial);
  if (!manifest) return failed("the backup did not read back: " + manifest.error().message);
  const auto source = storage.log.audit(base::log_offset{manifest->log.end});
  if (!source) return failed(source.error().message);
  if (const auto differs = difference(*source, manifest->log); !differs.empty()) {
    return failed("the backup is not equal to the log: " + differs + " differs");
  }
  manifest->program_version = WEFT_VERSION;
  manifest->created_ms = now_ms;
  if (auto ok = write_synced(partial / manifest_name, manifest_text(*manifest)); !ok) {
    return base::fail(std::move(ok.error()));
  }
  if (auto ok = publish(partial, directory); !ok) return base::fail(std::move(ok.error()));
  unfinished.release();
  return std::move(*manifest);
}

base::result<BackupManifest> verify_backup(const fs::path& directory) {
  auto manifest = read_manifest(directory);
  if (!manifest) return manifest;
  const auto held = read_back(directory);
  if (!held) return failed(directory.string() + ": " + held.error().message);
  auto differs = difference(manifest->log, held->log);
  if (differs.empty() && (manifest->snapshots != held->snapshots ||
                          manifest->snapshot_bytes != held->snapshot_bytes)) {
    differs = "number or size of snapshots";
  }
  if (!differs.empty()) {
    return failed(directory.string() + " is not what its manifest says: " + differs + " differs");
  }
  return manifest;
}

base::result<BackupManifest> restore_backup(const fs::path& backup, const fs::path& data) {
  auto manifest = verify_backup(backup);
  if (!manifest) return manifest;
  std::error_code asked;
  if (fs::exists(data, asked) && !(fs::is_directory(data, asked) && fs::is_empty(data, asked))) {
    return failed(data.string() + " is not empty; move it away, or name another data directory");
  }
  const fs::path target = fs::absolute(data).lexically_normal();
  const fs::path name = target.has_filename() ? target : target.parent_path();
  const fs::path partial = name.string() + ".partial";
  if (fs::exists(partial, asked)) {
    return failed(partial.string() + " is left of a restore that did not end; remove it");
  }
  Unfinished unfinished(partial);
  std::error_code copied;
  fs::create_directories(partial, copied);
  for (const char* part : {"log", "store"}) {
    if (!copied) fs::copy(backup / part, partial / part, fs::copy_options::recursive, copied);
  }
  if (copied) return failed("cannot copy to " + partial.string() + ": " + copied.message());
  const auto held = read_back(partial);
  if (!held) return failed("the copy did not read back: " + held.error().message);
  if (const auto differs = difference(manifest->log, held->log); !differs.empty()) {
    return failed("the copy is not equal to the backup: " + differs + " differs");
  }
  if (auto ok = log::embedded::make_new_incarnation(partial / "log"); !ok) {
    return failed(ok.error().message);
  }
  fs::remove(name, asked);  // empty, as seen above; rename would not replace a link to it
  if (auto ok = publish(partial, name); !ok) return base::fail(std::move(ok.error()));
  unfinished.release();
  return manifest;
}

}  // namespace weft::app
