#include "load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weft::bench {

void Histogram::add(std::int64_t ns, std::uint64_t times) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 1 << sub_bits));
  const int exponent = static_cast<int>(std::bit_width(value)) - 1 - sub_bits;
  const std::uint64_t bucket = (static_cast<std::uint64_t>(exponent) << sub_bits) +
                               ((value >> exponent) & ((1U << sub_bits) - 1));
  buckets_[bucket] += times;
  count_ += times;
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

double Histogram::quantile_ms(double q) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < rank || seen == 0) continue;
    const double base = static_cast<double>((i & ((1U << sub_bits) - 1)) | (1U << sub_bits));
    return std::ldexp(base + 0.5, static_cast<int>(i >> sub_bits)) * 1e-6;
  }
  return 0;
}

}  // namespace weft::bench
