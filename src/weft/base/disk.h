#pragma once

#include <cstdint>
#include <filesystem>

namespace weft::base {

/// Whether the file system of `path` has at least `bytes` free for an ordinary user. True when it
/// cannot say: then the write itself will.
bool has_room(const std::filesystem::path& path, std::uint64_t bytes);

}  // namespace weft::base
