#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weft::gateway::socketio::engine {

class SessionSlots;

/// One session's place among those that may be; given back when it goes.
class SessionSlot {
 public:
  SessionSlot(SessionSlot&& other) noexcept = default;
  SessionSlot& operator=(SessionSlot&&) = delete;
  ~SessionSlot();

 private:
  friend class SessionSlots;
  SessionSlot(std::shared_ptr<SessionSlots> slots, std::size_t loop)
      : slots_(std::move(slots)), loop_(loop) {}

  std::shared_ptr<SessionSlots> slots_;
  std::size_t loop_;
};

/// Counts sessions, those on their way to their loop included. Any thread; owned by a shared_ptr.
class SessionSlots : public std::enable_shared_from_this<SessionSlots> {
 public:
  SessionSlots(std::size_t loops, std::size_t max, std::size_t per_loop_max)
      : max_(max), per_loop_max_(per_loop_max), per_loop_(loops) {}

  /// None when there are as many as there may be.
  std::optional<SessionSlot> take(std::size_t loop);

  std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  friend class SessionSlot;

  const std::size_t max_;
  const std::size_t per_loop_max_;
  std::atomic<std::size_t> taken_{0};
  std::vector<std::atomic<std::size_t>> per_loop_;
};

}  // namespace weft::gateway::socketio::engine
