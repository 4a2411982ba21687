#include "weft/gateway/random_source.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

#include "weft/base/result.h"
#include "weft/gateway/base64.h"

namespace weft::gateway {

void fill_from_system(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto got = getrandom(out.data(), out.size(), 0);
    WEFT_CHECK(got > 0 || errno == EINTR);
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_name(const random_source& random) {
  std::array<std::uint8_t, 15> bytes{};
  random(bytes);
  return to_base64url(bytes);
}

}  // namespace weft::gateway
