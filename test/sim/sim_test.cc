// Hubs with many clients in one thread from a seed; docs/reliability.md says what goes wrong in it
// and what is checked.
//
// Replay: WEFT_SIM_SEED=<seed> sim_test; more: WEFT_SIM_SEEDS=<count> or WEFT_SIM_SECONDS=<time>.

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "sim/simulation.h"

/// Of the sanitizers' runtime, where there is one.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace weft::sim {
namespace {

/// What the process says when it dies within a seed: all that a signal handler can get at.
char last_words[200];

void say_last_words() {
  if (::write(STDOUT_FILENO, last_words, std::strlen(last_words)) < 0) std::_Exit(1);
}

void on_abort(int) { say_last_words(); }

/// A broken invariant ends the process: then, too, the seed must be known.
void prepare_last_words(std::uint64_t seed, std::uint64_t number) {
  std::snprintf(last_words, sizeof last_words,
                "sim: seed %llu failed, number %llu of this run; replay: ./dev sim 1 %llu, or "
                "WEFT_SIM_SEED=%llu sim_test\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(number),
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed));
  std::signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(say_last_words);
}

/// Faults and paths that so many seeds must meet: a simulation that exercises nothing proves
/// nothing.
constexpr const char* to_be_met[] = {
    // What goes wrong.
    "append to a full disk", "commit to a full disk", "corrupt read", "corrupt snapshot", "crash",
    "crash within a commit", "crash while draining", "damaged document", "damaged record",
    "damaged snapshot", "dead log", "failed commit", "failed load", "failed read",
    "failed snapshot", "full disk", "lost connection", "lost write", "overloaded append",
    "record older than the one before it", "slow commits or quick again",
    "slow reads or quick again", "torn commit", "torn write", "wall clock jump",
    // Bounds of memory that are reached.
    "answer that waits", "congestion", "full: in flight", "full: ring", "remainder kept",
    // What the server is led through.
    "batch", "batch at another version", "catch-up", "compaction", "conditional batch",
    "contained edit", "drain", "edits repeated in another order", "event", "eviction",
    "failed load of a document", "join while being evicted", "join while draining", "keepalive",
    "presence seen", "publish", "quarantine", "refused batch", "refused publish", "resync",
    "snapshot", "state read", "state read during a recovery", "view"};
constexpr std::uint64_t seeds_that_meet_all = 150;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Simulation, AcknowledgedEditsSurviveAndClientsConverge) {
  using clock = std::chrono::steady_clock;
  const std::uint64_t first = from_environment("WEFT_SIM_SEED", 1);
  const std::uint64_t seconds = from_environment("WEFT_SIM_SECONDS", 0);
  const std::uint64_t seeds =
      seconds > 0 ? World::never
                  : from_environment("WEFT_SIM_SEEDS",
                                     std::getenv("WEFT_SIM_SEED") ? 1 : seeds_that_meet_all);
  const auto begin = clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(clock::now() - begin).count(); };
  std::map<std::string, std::uint64_t> coverage;
  std::uint64_t done = 0;
  for (; done < seeds && (seconds == 0 || elapsed() < static_cast<double>(seconds)); ++done) {
    SCOPED_TRACE("WEFT_SIM_SEED=" + std::to_string(first + done));
    prepare_last_words(first + done, done + 1);
    Simulation simulation(first + done);
    simulation.run();
    if (::testing::Test::HasFailure()) {
      std::printf("sim: trace %016llx\n", static_cast<unsigned long long>(simulation.trace_hash()));
      return say_last_words();
    }
    for (const auto& [what, times] : simulation.coverage()) coverage[what] += times;
  }
  last_words[0] = 0;
  for (const auto& [what, times] : coverage) {
    std::printf("%10llu  %s\n", static_cast<unsigned long long>(times), what.c_str());
  }
  std::printf("sim: %llu seeds from %llu, %.1f seeds per second\n",
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(first),
              static_cast<double>(done) / elapsed());
  if (done < seeds_that_meet_all) return;  // a replay of one seed need not meet everything
  for (const char* what : to_be_met) EXPECT_GT(coverage[what], 0u) << "never met: " << what;
}

TEST(Simulation, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Simulation once(seed), again(seed), another(seed + 1000);
    once.run();
    again.run();
    another.run();
    EXPECT_EQ(once.trace_hash(), again.trace_hash()) << seed;
    EXPECT_EQ(once.coverage(), again.coverage()) << seed;
    EXPECT_NE(once.trace_hash(), another.trace_hash()) << seed;
  }
}

TEST(Simulation, TheWallClockDecidesNothing) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Simulation jumping(seed), steady(seed, {.wall_clock_jumps = false});
    jumping.run();
    steady.run();
    EXPECT_EQ(jumping.trace_hash(), steady.trace_hash()) << seed;
  }
}

}  // namespace
}  // namespace weft::sim
