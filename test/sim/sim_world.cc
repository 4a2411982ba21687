#include "sim/sim_world.h"

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

void World::run_until(base::monotonic_time end) {
  while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
    auto node = tasks_.extract(tasks_.begin());
    now_ = node.key().first;
    timers_.erase(node.key().second);
    node.mapped()();
  }
  now_ = end;
}

void World::drop_everything() {
  // What the tasks hold may cancel timers while it is destroyed.
  const auto tasks = std::move(tasks_);
  tasks_.clear();
  timers_.clear();
}

}  // namespace weft::sim
