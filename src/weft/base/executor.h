#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace weft::base {

using task = std::move_only_function<void()>;

/// Monotonic time since an arbitrary origin.
using monotonic_time = std::chrono::nanoseconds;

/// Names a timer of one executor; 0 names none.
using timer_id = std::uint64_t;

/// Runs tasks one after another: a strand. Everything that belongs to one document runs on one
/// executor and therefore needs no lock.
///
/// Time is part of the executor so that a simulation can own both.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Queues `work` behind what is queued already. Any thread. Never runs it inline.
  virtual void post(task work) = 0;

  /// Queues `work` for the end of the current turn: after all events at hand have been handled and
  /// before the executor waits. This is where writes are gathered. The executor's thread only.
  virtual void at_turn_end(task work) = 0;

  /// Runs `work` once, `delay` from now. The executor's thread only.
  virtual timer_id schedule(std::chrono::nanoseconds delay, task work) = 0;

  /// Forgets a timer that has not fired; harmless otherwise. The executor's thread only.
  virtual void cancel(timer_id timer) = 0;

  /// Monotonic now. Any thread.
  virtual monotonic_time now() const = 0;

  /// When the current turn began, and with it the handling of what had come by then. The executor's
  /// thread only.
  virtual monotonic_time turn_time() const { return now(); }

  /// Milliseconds since 1970 by this machine's clock: for people and metadata, never for ordering.
  virtual std::int64_t wall_clock_ms() const = 0;
};

}  // namespace weft::base
