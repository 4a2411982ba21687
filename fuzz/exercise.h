#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/random.h"

namespace weft::fuzz {

/// Runs `entry` on the seed, its prefixes and so many seeded mutations.
inline void exercise(void (*entry)(base::byte_view), const std::string& seed, int rounds = 20000) {
  entry(base::as_bytes(seed));
  for (std::size_t size = 0; size < seed.size(); ++size) {
    entry(base::as_bytes(seed).first(size));
  }
  base::random random(1);
  for (int round = 0; round < rounds; ++round) {
    std::string mutated = seed;
    for (std::uint64_t i = 0; i <= random.below(4) && !mutated.empty(); ++i) {
      const std::size_t at = random.below(mutated.size());
      switch (random.below(3)) {
        case 0:
          mutated[at] = static_cast<char>(random.next());
          break;
        case 1:
          mutated.insert(at, 1, static_cast<char>(random.next()));
          break;
        default:
          mutated.erase(at, 1);
      }
    }
    entry(base::as_bytes(mutated));
  }
}

}  // namespace weft::fuzz
