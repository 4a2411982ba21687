#pragma once

#include <algorithm>

#include "weft/base/executor.h"

namespace weft::net {

/// How much of something may still come: a bucket that holds a second's worth and fills steadily.
/// More than is in it may be taken, and then the next has to wait until that is paid off.
class RateLimit {
 public:
  /// Takes `amount`; how long the next one has to wait. `per_second` 0: no limit.
  std::chrono::nanoseconds take(base::monotonic_time now, std::uint64_t amount,
                                std::uint64_t per_second) {
    if (per_second == 0) return std::chrono::nanoseconds::zero();
    constexpr std::chrono::nanoseconds second = std::chrono::seconds(1);
    const double share = static_cast<double>(amount) / static_cast<double>(per_second);
    paid_until_ = std::max(paid_until_, now - second) +
                  std::chrono::nanoseconds(
                      static_cast<std::int64_t>(share * static_cast<double>(second.count())));
    return std::max(paid_until_ - now, std::chrono::nanoseconds::zero());
  }

 private:
  base::monotonic_time paid_until_{};
};

}  // namespace weft::net
