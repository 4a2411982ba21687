#pragma once

#include <array>
#include <cstdint>

namespace weft::bench {

/// Counts by logarithmic buckets, each 1/32 of a power of two wide: a quantile is within 3 %.
/// One thread at a time; threads count into their own and add them up afterwards.
class Histogram {
 public:
  void add(std::int64_t ns, std::uint64_t times = 1);
  void add(const Histogram& other);
  /// Milliseconds below which the share `q` of the values lies; 0 when there are none.
  double quantile_ms(double q) const;
  std::uint64_t count() const { return count_; }

 private:
  static constexpr int sub_bits = 5;
  std::array<std::uint64_t, 64 << sub_bits> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace weft::bench
