#pragma once

#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "weft/base/bytes.h"
#include "weft/base/events.h"
#include "weft/base/executor.h"
#include "weft/base/random.h"

namespace weft::sim {

/// Virtual time and every task of a simulated process, in one thread, from one seed.
///
/// Posted tasks keep their order, as on a strand; what comes from disks and networks is scheduled
/// with a random delay. Nothing else decides what happens next, so a seed replays exactly. The
/// boundary between any two tasks is a place where the process may die.
class World final : public base::Executor {
 public:
  explicit World(std::uint64_t seed) : random_(seed), clock_random_(~seed) {}

  void post(base::task work) override;
  void at_turn_end(base::task work) override;
  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override;
  void cancel(base::timer_id timer) override;
  base::monotonic_time now() const override { return now_; }
  std::int64_t wall_clock_ms() const override {
    return 1'700'000'000'000 + wall_clock_jump_ms_ + now_.count() / 1'000'000;
  }

  /// Sets the wall clock forth or back by up to 20 years, decided by a generator of its own: all
  /// else goes on as it would have.
  void jump_wall_clock();

  base::random& random() { return random_; }

  /// True with a probability of one in `n`.
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }

  std::chrono::nanoseconds delay(std::uint64_t most_us) {
    return std::chrono::microseconds(random_.below(most_us + 1));
  }

  /// Runs tasks until virtual time reaches `end`. False: the process died before that, between two
  /// tasks, as crash_after wanted it.
  bool run_until(base::monotonic_time end);

  /// The process dies once so many more tasks have run.
  void crash_after(std::uint64_t tasks) { tasks_left_ = tasks; }
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// Forgets every task: the process died.
  void drop_everything();

  /// Mixes something that happened into the trace.
  void trace(std::string_view what, std::uint64_t number = 0, base::byte_view bytes = {});
  std::uint64_t trace_hash() const { return trace_hash_; }

  /// Counts that a fault or a path was met, and how often.
  void met(std::string_view what, std::uint64_t times = 1) { met_[std::string(what)] += times; }
  const std::map<std::string, std::uint64_t>& coverage() const { return met_; }

 private:
  using key = std::pair<base::monotonic_time, base::timer_id>;

  void mix(base::byte_view bytes);

  base::random random_;
  base::random clock_random_;
  std::int64_t wall_clock_jump_ms_ = 0;
  base::monotonic_time now_{};
  base::timer_id next_ = 1;
  static constexpr std::uint64_t tasks_max = 50'000'000;
  std::uint64_t tasks_run_ = 0;
  std::uint64_t tasks_left_ = never;
  std::uint64_t trace_hash_ = 0xcbf29ce484222325;  // FNV-1a
  std::map<std::string, std::uint64_t> met_;
  std::map<key, base::task> tasks_;
  std::map<base::timer_id, key> timers_;
};

/// An executor with the world's time; what becomes of its tasks is its own matter.
class WorldExecutor : public base::Executor {
 public:
  explicit WorldExecutor(World& world) : world_(world) {}

  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) final {
    return world_.schedule(delay, std::move(work));
  }
  void cancel(base::timer_id timer) final { world_.cancel(timer); }
  base::monotonic_time now() const final { return world_.now(); }
  std::int64_t wall_clock_ms() const final { return world_.wall_clock_ms(); }

 protected:
  World& world_;
};

/// One thread of a simulated process: its tasks keep their order and are now and then late, so that
/// several of them run in every order beside each other.
class Strand final : public WorldExecutor {
 public:
  using WorldExecutor::WorldExecutor;

  void post(base::task work) override;
  void at_turn_end(base::task work) override;

 private:
  base::monotonic_time ready_{};
};

/// A pool of threads for work in the background: tasks take a while and end in any order.
class Workers final : public WorldExecutor {
 public:
  using WorldExecutor::WorldExecutor;

  void post(base::task work) override { world_.schedule(world_.delay(3000), std::move(work)); }
  void at_turn_end(base::task work) override { post(std::move(work)); }
};

/// Counts the events of a hub by name.
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
