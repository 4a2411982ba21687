#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "weft/app/repair.h"

namespace weft::app {

/// What a backup holds, as its manifest.json says. Format: docs/formats/backup.md.
struct BackupManifest {
  std::string program_version;
  std::int64_t created_ms = 0;
  log::embedded::LogAudit log;  ///< without damage
  std::uint64_t snapshots = 0;
  std::uint64_t snapshot_bytes = 0;
};

/// Copies log and snapshots, as they are at one moment, into `directory`, which must not exist, and
/// reads all of it back: every checksum, and counts and digest against the running log. Edits go on
/// meanwhile. Every edit that was acknowledged before the call is in it. Blocks.
/// The directory is there whole or not at all. Errors: start, with what to do.
base::result<BackupManifest> make_backup(const Storage& storage,
                                         const std::filesystem::path& directory,
                                         std::int64_t now_ms);

/// Reads a whole backup and compares it with its manifest. Errors: start.
base::result<BackupManifest> verify_backup(const std::filesystem::path& directory);

/// Makes a data directory out of a backup: a new incarnation, with a log identity and an actor of
/// its own. `data` must not exist or be empty. The backup stays as it is. Blocks.
/// Errors: start, with what to do; `data` is then as it was.
base::result<BackupManifest> restore_backup(const std::filesystem::path& backup,
                                            const std::filesystem::path& data);

/// The manifest as JSON text.
std::string manifest_text(const BackupManifest& manifest);

}  // namespace weft::app
