#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/store/filesystem/folder.h"

namespace weft::store::filesystem {

struct FileAreaOptions {
  std::filesystem::path directory;
  std::string format;  ///< the content of the file `format`, which says whose directory it is
  std::string folder;  ///< the sub-directory of the files
  bool sync = true;    ///< false: done means given to the operating system
};

/// A directory of one process, in which each file appears whole under its name or not at all.
///
/// A file is written under `tmp`, synced, renamed to its place, and the place is synced; so a crash
/// leaves the old file or the new one, and perhaps one in `tmp`, which the next open removes. Files
/// are never changed, only replaced: a hard link keeps what was. When a place cannot be synced,
/// nothing tells which names are durable, and nothing is written until the next open.
/// Threading: any thread. Source: docs/formats/snapshot.md, "Plain files".
class FileArea {
 public:
  /// Opens or makes the directory. Errors: unavailable (another process has it, it holds something
  /// else, not permitted …), corrupt (an unknown format, or the folder is missing).
  static base::result<std::unique_ptr<FileArea>> open(FileAreaOptions options);

  /// The folder of a directory that no process needs to have open; nothing is changed.
  /// Errors: as of open.
  static base::result<Folder> open_read_only(const FileAreaOptions& options);

  FileArea(const FileArea&) = delete;
  FileArea& operator=(const FileArea&) = delete;

  const Folder& files() const { return files_; }

  /// Makes a file of the pieces, in the place of one of that name if `replace`. Durable when it
  /// returns. False: there is one and it stays. Errors: unavailable.
  base::result<bool> write(const std::string& name, std::span<const base::byte_view> pieces,
                           bool replace);

  /// Durable when it returns. A file that is not there is removed already. Errors: unavailable.
  base::result<void> remove(const std::string& name);

  /// The names of all files at one moment. Errors: unavailable.
  base::result<std::vector<std::string>> names() const;

  /// An area in `target`, which must not exist, with the files whose names `wanted` wants: linked
  /// where the file system can, copied elsewhere; not synced. Errors: unavailable.
  base::result<void> copy_to(const std::filesystem::path& target,
                             const std::function<bool(const std::string&)>& wanted) const;

 private:
  FileArea(FileAreaOptions options, Folder top, Descriptor lock, Folder files, Folder temporary);

  base::result<void> check_writable() const;
  base::result<void> sync_names();

  const FileAreaOptions options_;
  const Folder top_;
  const Descriptor lock_;
  const Folder files_;
  const Folder temporary_;
  std::atomic<std::uint64_t> next_temporary_{0};
  /// Renaming and removing with the sync behind it, and listing.
  mutable std::mutex names_mutex_;
  bool failed_ = false;  ///< a sync of the folder failed; under names_mutex_
};

}  // namespace weft::store::filesystem
