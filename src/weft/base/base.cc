#include <sys/statvfs.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "weft/base/disk.h"
#include "weft/base/ids.h"
#include "weft/base/random.h"
#include "weft/base/result.h"

namespace weft::base {

void invariant_broken(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "weft: invariant broken: %s at %s:%d\n", expression, file, line);
  std::abort();
}

std::string to_string(const DocumentId& document) {
  std::string out = document.room_id + "/" + document.doc_id;
  if (document.subdoc_id) out += "/" + *document.subdoc_id;
  return out;
}

std::string to_string(OperationId operation) {
  char text[48];
  std::snprintf(text, sizeof text, "%016llx:%llu", static_cast<unsigned long long>(operation.actor),
                static_cast<unsigned long long>(operation.seq));
  return text;
}

bool has_room(const std::filesystem::path& path, std::uint64_t bytes) {
  struct statvfs room{};
  if (::statvfs(path.c_str(), &room) != 0) return true;
  return std::uint64_t{room.f_bavail} * room.f_frsize >= bytes;
}

std::uint64_t system_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace weft::base

std::size_t std::hash<weft::base::DocumentId>::operator()(
    const weft::base::DocumentId& document) const noexcept {
  const std::hash<std::string> hash_of;
  std::size_t h = hash_of(document.room_id);
  h = h * 0x9e3779b97f4a7c15ULL + hash_of(document.doc_id);
  if (document.subdoc_id) h = h * 0x9e3779b97f4a7c15ULL + hash_of(*document.subdoc_id) + 1;
  return h;
}
