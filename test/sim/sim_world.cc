#include "sim/sim_world.h"

#include <algorithm>

#include "weft/base/result.h"

namespace weft::sim {

void World::post(base::task work) { schedule({}, std::move(work)); }

void World::at_turn_end(base::task work) { schedule({}, std::move(work)); }

base::timer_id World::schedule(std::chrono::nanoseconds delay, base::task work) {
  const key when{now_ + delay, next_++};
  tasks_.emplace(when, std::move(work));
  timers_.emplace(when.second, when);
  return when.second;
}

void World::cancel(base::timer_id timer) {
  const auto it = timers_.find(timer);
  if (it == timers_.end()) return;
  tasks_.erase(it->second);
  timers_.erase(it);
}

void World::jump_wall_clock() {
  // Always 13 digits, so that envelopes keep their sizes.
  constexpr std::uint64_t most_ms = 20ull * 365 * 24 * 3600 * 1000;
  wall_clock_jump_ms_ =
      static_cast<std::int64_t>(clock_random_.below(2 * most_ms)) - std::int64_t{most_ms};
}

bool World::run_until(base::monotonic_time end) {
  while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
    if (tasks_left_ == 0) return false;
    WEFT_CHECK(++tasks_run_ < tasks_max);  // else something goes round for ever
    if (tasks_left_ != never) --tasks_left_;
    auto node = tasks_.extract(tasks_.begin());
    now_ = node.key().first;
    timers_.erase(node.key().second);
    node.mapped()();
  }
  now_ = end;
  return true;
}

void World::drop_everything() {
  // What the tasks hold may cancel timers while it is destroyed.
  const auto tasks = std::move(tasks_);
  tasks_.clear();
  timers_.clear();
}

void World::mix(base::byte_view bytes) {
  for (const std::uint8_t byte : bytes) trace_hash_ = (trace_hash_ ^ byte) * 0x100000001b3;
}

void World::trace(std::string_view what, std::uint64_t number, base::byte_view bytes) {
  const std::uint64_t numbers[] = {static_cast<std::uint64_t>(now_.count()), number, bytes.size()};
  mix(base::as_bytes(what));
  mix({reinterpret_cast<const std::uint8_t*>(numbers), sizeof numbers});
  mix(bytes);
}

void Strand::post(base::task work) {
  const auto late = world_.one_in(16) ? world_.delay(400) : std::chrono::nanoseconds(0);
  ready_ = std::max(ready_, world_.now() + late);
  world_.schedule(ready_ - world_.now(), std::move(work));
}

void Strand::at_turn_end(base::task work) {
  ready_ = std::max(ready_, world_.now());
  world_.schedule(ready_ - world_.now(), std::move(work));
}

}  // namespace weft::sim
