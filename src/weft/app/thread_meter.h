#pragma once

#include <cstddef>

#include "weft/base/meter.h"

namespace weft::app {

/// Counts what every thread of this program allocates (operator new), copies in memory (memcpy,
/// memmove) and asks of the system (the calls that serving is made of: see thread_meter.cc; waits
/// for locks are not among them).
///
/// It works by standing in for those functions, which costs something each time: so only programs
/// made to count are linked with it, weft-metered and a test or two, and weft itself is not.
class ThreadMeter : public base::Meter {
 public:
  /// Counts copies of at least so many bytes from now on, on every thread; before, none.
  virtual void count_copies(std::size_t bytes_min) const = 0;

  /// What all threads have allocated together.
  virtual std::uint64_t allocations_of_all_threads() const = 0;
};

/// This program's meter; nullptr when it is not built to count.
const ThreadMeter* thread_meter();

}  // namespace weft::app
