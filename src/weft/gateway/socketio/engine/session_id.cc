#include "weft/gateway/socketio/engine/session_id.h"

#include <array>

#include "weft/base/result.h"
#include "weft/gateway/base64.h"

namespace weft::gateway::socketio::engine {

namespace {
constexpr std::size_t home_bytes = 2;
constexpr std::size_t random_bytes = 16;
constexpr std::size_t id_characters = (home_bytes + random_bytes) / 3 * 4;
}  // namespace

std::string make_session_id(std::size_t home, const random_source& random) {
  WEFT_CHECK(home < std::size_t{1} << (8 * home_bytes));
  std::array<std::uint8_t, home_bytes + random_bytes> bytes{};
  bytes[0] = static_cast<std::uint8_t>(home >> 8);
  bytes[1] = static_cast<std::uint8_t>(home);
  random(std::span(bytes).subspan(home_bytes));
  return to_base64url(bytes);
}

std::optional<std::size_t> home_of_session(std::string_view id) {
  if (id.size() != id_characters) return std::nullopt;
  const auto bytes = from_base64(id);
  if (!bytes || bytes->size() != home_bytes + random_bytes) return std::nullopt;
  return std::size_t{(*bytes)[0]} << 8 | (*bytes)[1];
}

}  // namespace weft::gateway::socketio::engine
