#include "weft/gateway/socketio/engine/session_slots.h"

namespace weft::gateway::socketio::engine {

SessionSlot::~SessionSlot() {
  if (!slots_) return;
  slots_->per_loop_[loop_].fetch_sub(1, std::memory_order_relaxed);
  slots_->taken_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<SessionSlot> SessionSlots::take(std::size_t loop) {
  // Counted first, so that two who come at once do not both get the last one.
  const bool free = taken_.fetch_add(1, std::memory_order_relaxed) < max_;
  const bool free_there = per_loop_[loop].fetch_add(1, std::memory_order_relaxed) < per_loop_max_;
  SessionSlot slot(shared_from_this(), loop);
  if (!free || !free_there) return std::nullopt;
  return slot;
}

}  // namespace weft::gateway::socketio::engine
