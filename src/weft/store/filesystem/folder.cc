#include "weft/store/filesystem/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "weft/store/errc.h"

namespace weft::store::filesystem {
namespace {

/// Reads until `size` bytes are there or the file ends: how many, or nullopt with errno.
std::optional<std::size_t> read_all(int file, std::uint8_t* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file, to + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

bool Descriptor::close() {
  const int number = std::exchange(number_, -1);
  return number < 0 || ::close(number) == 0;
}

std::unexpected<base::error> system_failure(const char* doing, const std::filesystem::path& path) {
  const int why = errno;
  return base::fail(errc::unavailable, std::string("cannot ") + doing + " " + path.string() + ": " +
                                           std::strerror(why));
}

base::result<std::optional<Folder>> Folder::open(std::filesystem::path path) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor && errno == ENOENT) return std::optional<Folder>();
  if (!descriptor) return system_failure("open", path);
  return Folder(std::move(path), std::move(descriptor));
}

bool Folder::is_in_its_place() const {
  struct stat named;
  struct stat held;
  return ::stat(path_.c_str(), &named) == 0 && ::fstat(descriptor(), &held) == 0 &&
         named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

base::result<std::optional<base::shared_bytes>> Folder::read(const std::string& name) const {
  auto whole = read_beginning(name, std::numeric_limits<std::size_t>::max());
  if (!whole) return base::fail(std::move(whole.error()));
  if (!*whole) return std::optional<base::shared_bytes>();
  return std::move((*whole)->bytes);
}

base::result<std::optional<Folder::Beginning>> Folder::read_beginning(const std::string& name,
                                                                      std::size_t count) const {
  // Not to wait for the other end of a pipe that somebody put there.
  const Descriptor file(
      ::openat(descriptor(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) {
    if (is_in_its_place()) return std::optional<Beginning>();
    return base::fail(errc::unavailable, path_.string() + " was moved away or removed");
  }
  const auto no_file = [&] {
    return base::fail(errc::corrupt, (path_ / name).string() + " is no plain file");
  };
  if (!file && (errno == ELOOP || errno == ENXIO)) return no_file();
  if (!file) return system_failure("open", path_ / name);
  struct stat about;
  if (::fstat(file.number(), &about) != 0) return system_failure("look at", path_ / name);
  if (!S_ISREG(about.st_mode)) return no_file();
  Beginning out;
  out.file_bytes = static_cast<std::uint64_t>(about.st_size);
  std::optional<std::size_t> done = 0;
  out.bytes = base::shared_bytes::build(
      std::min<std::uint64_t>(out.file_bytes, count), [&](std::uint8_t* to) {
        done = read_all(file.number(), to, std::min<std::uint64_t>(out.file_bytes, count));
      });
  if (!done) return system_failure("read", path_ / name);
  out.bytes = out.bytes.slice(0, *done);
  return out;
}

base::result<std::vector<std::string>> Folder::names() const {
  std::vector<std::string> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(path_, failed), end; !failed && at != end;
       at.increment(failed)) {
    out.push_back(at->path().filename().string());
  }
  if (failed) {
    return base::fail(errc::unavailable, "cannot read " + path_.string() + ": " + failed.message());
  }
  return out;
}

}  // namespace weft::store::filesystem
