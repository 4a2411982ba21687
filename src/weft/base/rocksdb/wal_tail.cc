#include "weft/base/rocksdb/wal_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "weft/base/crc32c.h"

namespace weft::base::rocks {
namespace {

// RocksDB's write-ahead log format: blocks of 32 KiB, in them fragments of
// [masked CRC-32C: 4, little-endian][length: 2, little-endian][type: 1][bytes].
constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;
enum fragment_type : std::uint8_t { zero = 0, full = 1, first = 2, middle = 3, last = 4 };

struct Fragment {
  std::uint8_t type = zero;
  std::size_t end = 0;  ///< offset in the block after it
};

/// The fragment at `at` of a block, if one with a good checksum stands there.
std::optional<Fragment> fragment_at(byte_view block, std::size_t at) {
  if (at + header_bytes > block.size()) return std::nullopt;
  const std::uint8_t* head = block.data() + at;
  const std::size_t size = head[4] | (std::size_t{head[5]} << 8);
  const std::size_t end = at + header_bytes + size;
  if (end > block.size()) return std::nullopt;
  const std::uint32_t masked = head[0] | (std::uint32_t{head[1]} << 8) |
                               (std::uint32_t{head[2]} << 16) | (std::uint32_t{head[3]} << 24);
  const std::uint32_t sum = crc32c().add(block.subspan(at + 6, size + 1)).value();
  if (masked != ((sum >> 15) | (sum << 17)) + 0xa282ead8u) return std::nullopt;
  return Fragment{head[6], end};
}

bool starts_record(const Fragment& fragment) {
  return fragment.type == full || fragment.type == first;
}

bool all_zero(byte_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// Whether a whole record may begin somewhere in the rest of a damaged block. Lengths there cannot
/// be trusted, so every position is tried.
bool record_begins_in(byte_view block, std::size_t from) {
  for (std::size_t at = from; at + header_bytes <= block.size(); ++at) {
    const std::uint8_t type = block[at + 6];
    if ((type == full || type == first) && fragment_at(block, at)) return true;
  }
  return false;
}

/// Where to cut, or nullopt when there is no damage or something valid follows it.
std::optional<std::uint64_t> find_cut(std::ifstream& file) {
  std::vector<char> buffer(block_bytes);
  std::optional<std::uint64_t> cut;
  /// Where zeros began that may be reserved room, or the head of a record that was never written.
  std::optional<std::uint64_t> zeros;
  std::uint64_t record_start = 0;
  bool in_record = false;
  for (std::uint64_t block_start = 0; file; block_start += block_bytes) {
    file.read(buffer.data(), block_bytes);
    const auto size = static_cast<std::size_t>(file.gcount());
    if (size == 0) break;
    const byte_view block = as_bytes({buffer.data(), size});
    for (std::size_t at = 0; at + header_bytes <= size;) {
      const auto fragment = fragment_at(block, at);
      if (!fragment) {
        if (cut) {
          // Later blocks of the record that was torn; a record that begins here was written after
          // it, so the damage is not at the tail.
          if (record_begins_in(block, at)) return std::nullopt;
          break;
        }
        if (all_zero(block.subspan(at)) && !in_record) {
          if (!zeros) zeros = block_start + at;
          break;
        }
        cut = in_record ? record_start : zeros.value_or(block_start + at);
        if (record_begins_in(block, at + 1)) return std::nullopt;
        break;
      }
      if (starts_record(*fragment)) {
        if (cut || zeros) return std::nullopt;
        record_start = block_start + at;
      } else if (!in_record && !cut) {
        // The rest of a record whose head is missing.
        cut = zeros.value_or(block_start + at);
      }
      in_record = fragment->type == first || fragment->type == middle;
      at = fragment->end;
    }
  }
  return cut;
}

std::optional<std::filesystem::path> newest_wal(const std::filesystem::path& directory) {
  std::optional<std::filesystem::path> newest;
  std::uint64_t newest_number = 0;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    if (entry.path().extension() != ".log") continue;
    const std::string stem = entry.path().stem();
    std::uint64_t number = 0;
    const auto [end, bad] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
    if (bad != std::errc() || end != stem.data() + stem.size() || number < newest_number) continue;
    newest = entry.path();
    newest_number = number;
  }
  return newest;
}

}  // namespace

result<bool> cut_torn_tail(const std::filesystem::path& directory) {
  const auto wal = newest_wal(directory);
  if (!wal) return false;
  std::ifstream file(*wal, std::ios::binary);
  const auto failed = [&wal](const char* doing, const std::string& why) {
    return fail(std::errc::io_error,
                std::string("cannot ") + doing + " " + wal->string() + ": " + why);
  };
  if (!file) return failed("read", std::strerror(errno));
  const auto cut = find_cut(file);
  if (!cut) return false;

  std::error_code problem;
  std::filesystem::copy_file(*wal, wal->string() + ".torn",
                             std::filesystem::copy_options::overwrite_existing, problem);
  if (problem) return failed("keep a copy of", problem.message());
  std::filesystem::resize_file(*wal, *cut, problem);
  if (problem) return failed("cut", problem.message());
  const int descriptor = ::open(wal->c_str(), O_WRONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const std::string why = std::strerror(errno);
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) return failed("sync", why);
  return true;
}

}  // namespace weft::base::rocks
