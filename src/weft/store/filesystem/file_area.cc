#include "weft/store/filesystem/file_area.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weft/store/errc.h"

namespace weft::store::filesystem {
namespace {

namespace fs = std::filesystem;

constexpr const char* format_name = "format";
constexpr const char* lock_name = "lock";
constexpr const char* temporary_name = "tmp";

bool write_all(int file, base::byte_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

/// Makes a file of these bytes that must not exist, synced if `sync`.
base::result<void> make_file(const Folder& folder, const std::string& name,
                             std::span<const base::byte_view> pieces, bool sync) {
  Descriptor file(
      ::openat(folder.descriptor(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file) return system_failure("make", folder.path() / name);
  for (const base::byte_view piece : pieces) {
    if (!write_all(file.number(), piece)) return system_failure("write", folder.path() / name);
  }
  if (sync && ::fdatasync(file.number()) != 0) return system_failure("sync", folder.path() / name);
  if (!file.close()) return system_failure("close", folder.path() / name);
  return {};
}

base::result<Folder> open_existing(const fs::path& path) {
  auto folder = Folder::open(path);
  if (!folder) return base::fail(std::move(folder.error()));
  if (!*folder) return base::fail(errc::corrupt, path.string() + " is missing");
  return std::move(**folder);
}

/// Opens a directory, making it where there is none.
base::result<Folder> open_or_make(const fs::path& path) {
  std::error_code made;
  fs::create_directories(path, made);
  if (made) {
    return base::fail(errc::unavailable, "cannot make " + path.string() + ": " + made.message());
  }
  return open_existing(path);
}

base::result<Descriptor> lock(const Folder& top) {
  Descriptor file(::openat(top.descriptor(), lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file) return system_failure("make", top.path() / lock_name);
  if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return system_failure("lock", top.path() / lock_name);
  return base::fail(errc::unavailable, top.path().string() +
                                           " is in use by another process; stop it or choose "
                                           "another data directory");
}

/// Whether the directory says that it is of this format; false when it says nothing.
base::result<bool> has_format(const Folder& top, const FileAreaOptions& options) {
  const auto said = top.read(format_name);
  if (!said) return base::fail(base::error(said.error()));
  if (!*said) return false;
  if (base::as_text(**said) == options.format) return true;
  return base::fail(errc::corrupt, (top.path() / format_name).string() +
                                       " names another format, or that of a newer program");
}

/// A directory without a format is taken only when there is nothing in it that is not ours.
base::result<void> check_unused(const Folder& top, const FileAreaOptions& options) {
  const auto names = top.names();
  if (!names) return base::fail(base::error(names.error()));
  for (const std::string& name : *names) {
    if (name == lock_name || name == temporary_name) continue;
    std::error_code failed;
    if (name == options.folder && fs::is_empty(top.path() / name, failed)) continue;
    return base::fail(errc::unavailable,
                      top.path().string() + " holds something else (" + name + ")");
  }
  return {};
}

bool cannot_link(int why) {
  return why == EXDEV || why == EPERM || why == EMLINK || why == EOPNOTSUPP || why == ENOSYS;
}

}  // namespace

FileArea::FileArea(FileAreaOptions options, Folder top, Descriptor lock, Folder files,
                   Folder temporary)
    : options_(std::move(options)),
      top_(std::move(top)),
      lock_(std::move(lock)),
      files_(std::move(files)),
      temporary_(std::move(temporary)) {}

base::result<std::unique_ptr<FileArea>> FileArea::open(FileAreaOptions options) {
  auto top = open_or_make(options.directory);
  if (!top) return base::fail(std::move(top.error()));
  auto locked = lock(*top);
  if (!locked) return base::fail(std::move(locked.error()));
  const auto ours = has_format(*top, options);
  if (!ours) return base::fail(base::error(ours.error()));
  if (!*ours) {
    if (auto ok = check_unused(*top, options); !ok) return base::fail(std::move(ok.error()));
  }
  auto files = *ours ? open_existing(options.directory / options.folder)
                     : open_or_make(options.directory / options.folder);
  if (!files) return base::fail(std::move(files.error()));
  auto temporary = open_or_make(options.directory / temporary_name);
  if (!temporary) return base::fail(std::move(temporary.error()));
  // What a crash left: nobody was told that it is there.
  const auto left = temporary->names();
  if (!left) return base::fail(base::error(left.error()));
  for (const std::string& name : *left) {
    std::error_code failed;
    fs::remove_all(temporary->path() / name, failed);
    if (failed) {
      return base::fail(errc::unavailable, "cannot remove " + (temporary->path() / name).string() +
                                               ": " + failed.message());
    }
  }
  if (!*ours) {
    // Last, and by rename: a directory that says its format is complete.
    const base::byte_view line = base::as_bytes(options.format);
    auto made = make_file(*temporary, format_name, {&line, 1}, options.sync);
    if (!made) return base::fail(std::move(made.error()));
    if (::renameat(temporary->descriptor(), format_name, top->descriptor(), format_name) != 0) {
      return system_failure("make", options.directory / format_name);
    }
    const auto parent = open_existing(options.directory / "..");
    if (!parent) return base::fail(base::error(parent.error()));
    if (options.sync && (::fsync(top->descriptor()) != 0 || ::fsync(parent->descriptor()) != 0)) {
      return system_failure("sync", options.directory);
    }
  }
  return std::unique_ptr<FileArea>(new FileArea(std::move(options), std::move(*top),
                                                std::move(*locked), std::move(*files),
                                                std::move(*temporary)));
}

base::result<Folder> FileArea::open_read_only(const FileAreaOptions& options) {
  const auto top = Folder::open(options.directory);
  if (!top) return base::fail(base::error(top.error()));
  const auto ours = *top ? has_format(**top, options) : base::result<bool>(false);
  if (!ours) return base::fail(base::error(ours.error()));
  if (!*ours) {
    return base::fail(errc::unavailable,
                      options.directory.string() + " holds no " + options.folder);
  }
  return open_existing(options.directory / options.folder);
}

base::result<bool> FileArea::write(const std::string& name, std::span<const base::byte_view> pieces,
                                   bool replace) {
  const std::string temporary = std::to_string(next_temporary_++);
  const auto give_up = [&] { ::unlinkat(temporary_.descriptor(), temporary.c_str(), 0); };
  if (auto ok = make_file(temporary_, temporary, pieces, options_.sync); !ok) {
    give_up();
    return base::fail(std::move(ok.error()));
  }
  const std::scoped_lock lock(names_mutex_);
  if (auto ok = check_writable(); !ok) {
    give_up();
    return base::fail(std::move(ok.error()));
  }
  struct stat about;
  if (!replace && ::fstatat(files_.descriptor(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0) {
    give_up();
    return false;
  }
  if (::renameat(temporary_.descriptor(), temporary.c_str(), files_.descriptor(), name.c_str()) !=
      0) {
    auto failure = system_failure("replace", files_.path() / name);
    give_up();
    return failure;
  }
  if (auto ok = sync_names(); !ok) return base::fail(std::move(ok.error()));
  return true;
}

base::result<void> FileArea::remove(const std::string& name) {
  const std::scoped_lock lock(names_mutex_);
  if (auto ok = check_writable(); !ok) return ok;
  if (::unlinkat(files_.descriptor(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return system_failure("remove", files_.path() / name);
  }
  return sync_names();
}

base::result<void> FileArea::check_writable() const {
  if (!failed_) return {};
  return base::fail(errc::unavailable, "an earlier sync of " + files_.path().string() +
                                           " failed; read-only until the next start");
}

base::result<void> FileArea::sync_names() {
  if (!options_.sync || ::fsync(files_.descriptor()) == 0) return {};
  failed_ = true;
  return system_failure("sync", files_.path());
}

base::result<std::vector<std::string>> FileArea::names() const {
  const std::scoped_lock lock(names_mutex_);
  return files_.names();
}

base::result<void> FileArea::copy_to(const fs::path& target,
                                     const std::function<bool(const std::string&)>& wanted) const {
  const auto all = names();
  if (!all) return base::fail(base::error(all.error()));
  const fs::path folder = target / options_.folder;
  if (::mkdir(target.c_str(), 0777) != 0) return system_failure("make", target);
  if (::mkdir(folder.c_str(), 0777) != 0) return system_failure("make", folder);
  for (const std::string& name : *all) {
    if (!wanted(name)) continue;
    const fs::path to = folder / name;
    if (::linkat(files_.descriptor(), name.c_str(), AT_FDCWD, to.c_str(), 0) == 0) continue;
    if (errno == ENOENT) continue;  // removed since
    if (!cannot_link(errno)) return system_failure("copy", files_.path() / name);
    const auto bytes = files_.read(name);
    if (!bytes) return base::fail(base::error(bytes.error()));
    if (!*bytes) continue;
    auto place = open_existing(folder);
    if (!place) return base::fail(std::move(place.error()));
    const base::byte_view piece = **bytes;
    if (auto ok = make_file(*place, name, {&piece, 1}, false); !ok) return ok;
  }
  auto place = open_existing(target);
  if (!place) return base::fail(std::move(place.error()));
  const base::byte_view line = base::as_bytes(options_.format);
  return make_file(*place, format_name, {&line, 1}, false);
}

}  // namespace weft::store::filesystem
