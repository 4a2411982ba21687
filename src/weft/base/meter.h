#pragma once

#include <cstdint>

#include "weft/base/executor.h"

namespace weft::base {

/// What one thread has used since it began; differences of two are what a piece of work took.
struct Usage {
  std::uint64_t allocations = 0;
  std::uint64_t copies = 0;  ///< in memory, of as many bytes as the meter was told to look for
  std::uint64_t system_calls = 0;

  friend Usage operator-(const Usage& a, const Usage& b) {
    return {a.allocations - b.allocations, a.copies - b.copies, a.system_calls - b.system_calls};
  }
};

/// Counts what the calling thread uses. Programs that serve have none: counting costs a little on
/// every allocation, copy and system call (see app/thread_meter.h). Threading: any.
class Meter {
 public:
  virtual ~Meter() = default;

  virtual Usage used() const = 0;

  /// What the calling thread had used when its event loop last woke up.
  virtual Usage used_at_turn_begin() const = 0;
};

/// A moment on one thread.
struct TracePoint {
  monotonic_time at{};
  Usage used;
};

}  // namespace weft::base
