#include <cstdio>
#include <cstdlib>
#include <random>

#include "weft/base/ids.h"
#include "weft/base/random.h"
#include "weft/base/result.h"

namespace weft::base {

void invariant_broken(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "weft: invariant broken: %s at %s:%d\n", expression, file, line);
  std::abort();
}

std::string to_string(const DocumentId& id) {
  std::string out = id.room_id + "/" + id.doc_id;
  if (id.subdoc_id) out += "/" + *id.subdoc_id;
  return out;
}

std::string to_string(operation_id id) {
  char text[48];
  std::snprintf(text, sizeof text, "%016llx:%llu", static_cast<unsigned long long>(id.actor),
                static_cast<unsigned long long>(id.seq));
  return text;
}

std::uint64_t system_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace weft::base

std::size_t std::hash<weft::base::DocumentId>::operator()(
    const weft::base::DocumentId& id) const noexcept {
  const std::hash<std::string> hash;
  std::size_t h = hash(id.room_id);
  h = h * 0x9e3779b97f4a7c15ULL + hash(id.doc_id);
  if (id.subdoc_id) h = h * 0x9e3779b97f4a7c15ULL + hash(*id.subdoc_id) + 1;
  return h;
}
