#pragma once

#include <cstdint>

namespace weft::base {

/// SplitMix64 (Steele, Lea, Flood 2014): seeded, reproducible, not for secrets.
class random {
 public:
  explicit constexpr random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// Uniform enough in [0, end); end must be positive.
  constexpr std::uint64_t below(std::uint64_t end) { return next() % end; }

 private:
  std::uint64_t state_;
};

/// A seed from the operating system, for programs; tests print the seed they use.
std::uint64_t system_seed();

}  // namespace weft::base
