#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "weft/gateway/random_source.h"

/// Names of sessions: 24 characters of the URL alphabet, 16 bits of the loop that the session lives
/// on and 128 random ones. So every request finds its session without a table of all. Pure.
namespace weft::gateway::socketio::engine {

/// `home` below 65536.
std::string make_session_id(std::size_t home, const random_source& random);

/// The loop that a session of this name would live on; none when it is no such name.
std::optional<std::size_t> home_of_session(std::string_view id);

}  // namespace weft::gateway::socketio::engine
