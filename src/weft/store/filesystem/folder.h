#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

namespace weft::store::filesystem {

/// An open file or directory, closed with this.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  /// False when the system reports an error of what was written.
  bool close();

 private:
  int number_ = -1;
};

/// The error for a system call that failed just now: unavailable.
std::unexpected<base::error> system_failure(const char* doing, const std::filesystem::path& path);

/// A directory with files that are read whole. It stays the same directory when its path is moved
/// or replaced. Threading: any thread.
class Folder {
 public:
  /// Errors: unavailable; nullopt when there is none.
  static base::result<std::optional<Folder>> open(std::filesystem::path path);

  /// The bytes of a file, or nullopt when the folder is still in its place and has none.
  /// Errors: unavailable, corrupt (something that is no plain file).
  base::result<std::optional<base::shared_bytes>> read(const std::string& name) const;

  /// The first bytes of a file, at most `count`, and its size; otherwise as read.
  struct Beginning {
    base::shared_bytes bytes;
    std::uint64_t file_bytes = 0;
  };
  base::result<std::optional<Beginning>> read_beginning(const std::string& name,
                                                        std::size_t count) const;

  /// Of everything in it, in no order. Errors: unavailable.
  base::result<std::vector<std::string>> names() const;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_.number(); }

 private:
  Folder(std::filesystem::path path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  bool is_in_its_place() const;

  std::filesystem::path path_;
  Descriptor descriptor_;
};

}  // namespace weft::store::filesystem
