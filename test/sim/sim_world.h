#pragma once

#include <map>
#include <string>
#include <utility>

#include "weft/base/events.h"
#include "weft/base/executor.h"
#include "weft/base/random.h"

namespace weft::sim {

/// Virtual time and every task of a simulated process, in one thread, from one seed.
///
/// Posted tasks keep their order, as on a strand; what comes from disks and networks is scheduled
/// with a random delay. Nothing else decides what happens next, so a seed replays exactly.
class World final : public base::Executor {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  void post(base::task work) override;
  void at_turn_end(base::task work) override;
  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override;
  void cancel(base::timer_id timer) override;
  base::monotonic_time now() const override { return now_; }
  std::int64_t wall_clock_ms() const override {
    return 1'700'000'000'000 + now_.count() / 1'000'000;
  }

  base::random& random() { return random_; }

  /// True with a probability of one in `n`.
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }

  std::chrono::nanoseconds delay(std::uint64_t most_us) {
    return std::chrono::microseconds(random_.below(most_us + 1));
  }

  /// Runs tasks until virtual time reaches `end` or nothing is left.
  void run_until(base::monotonic_time end);

  /// Forgets every task: the process died.
  void drop_everything();

 private:
  using key = std::pair<base::monotonic_time, base::timer_id>;

  base::random random_;
  base::monotonic_time now_{};
  base::timer_id next_ = 1;
  std::map<key, base::task> tasks_;
  std::map<base::timer_id, key> timers_;
};

/// Keeps the last events for the report of a failing seed.
class RecordedEvents final : public base::Events {
 public:
  bool wants(base::severity) const override { return false; }
  void report(base::severity, std::string_view name,
              std::initializer_list<base::event_field>) override {
    ++counts[std::string(name)];
  }

  std::map<std::string, std::uint64_t> counts;
};

}  // namespace weft::sim
