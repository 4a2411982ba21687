#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "weft/base/executor.h"
#include "weft/base/result.h"
#include "weft/net/unique_fd.h"

namespace weft::net {

/// Something that an EventLoop watches a descriptor for. All calls come on the loop's thread.
class IoHandler {
 public:
  virtual ~IoHandler() = default;

  /// EPOLLIN and so on. May still come once after unwatch(), if the event was fetched in the same
  /// turn: a handler checks whether it has closed.
  virtual void on_io(std::uint32_t events) = 0;

  /// The end of a turn in which request_flush was called.
  virtual void on_flush() {}

  /// A piece of work that others need not wait for: see EventLoop::request_bulk.
  virtual void on_bulk() {}

 private:
  friend class EventLoop;
  std::uint32_t flush_slot_ = 0;   ///< 1 + index in the loop's list, 0 when not in it
  std::uint64_t bulk_ticket_ = 0;  ///< 1 + number in the loop's queue, 0 when not in it
};

/// One thread's executor and socket multiplexer: level-triggered epoll.
///
/// A turn is: wait → ready descriptors → timers due → posted tasks → at_turn_end tasks → flushes →
/// bulk → destruction of what was retired. Tasks posted before the posted ones have run once still
/// belong to the turn, and so do at_turn_end tasks queued by at_turn_end tasks: answers to one
/// turn's input share its flush. Whatever else is queued for a phase that has passed waits for the
/// next turn, which then does not sleep.
///
/// Timers have a resolution of one millisecond and never fire early.
class EventLoop final : public base::Executor {
 public:
  static base::result<std::unique_ptr<EventLoop>> create();

  /// Destroys queued tasks without running them. The loop must not be running.
  ~EventLoop() override;

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs turns on the calling thread until stop(). May be called again afterwards.
  void run();

  /// Makes run() return after the turn in progress; queued tasks stay queued. Any thread.
  void stop();

  void post(base::task work) override;
  void at_turn_end(base::task work) override;
  base::timer_id schedule(std::chrono::nanoseconds delay, base::task work) override;
  void cancel(base::timer_id timer) override;
  base::monotonic_time now() const override;
  std::int64_t wall_clock_ms() const override;

  /// When this turn's wait ended: a clock that costs nothing. The loop's thread only.
  base::monotonic_time turn_time() const override { return turn_time_; }

  /// Whether the caller is on this loop's thread while it runs.
  bool in_loop_thread() const {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  // The rest is for connections, on the loop's thread only.

  /// Starts watching; `handler` must stay alive until unwatch() and the end of that turn.
  base::result<void> watch(int fd, std::uint32_t events, IoHandler& handler);
  void rewatch(int fd, std::uint32_t events, IoHandler& handler);
  void unwatch(int fd);

  /// Calls on_flush once at the end of this turn (of the next one when asked during flushes).
  void request_flush(IoHandler& handler);

  /// Calls on_bulk once, in this turn or a later one, behind those that asked before. A turn's bulk
  /// ends when it has taken as long as all that went before it, or bulk_time_min if that is more.
  /// So whoever has much to send or much to be heard, and however many they are: a turn gets twice
  /// as long at most, or by bulk_time_min, and by one call.
  void request_bulk(IoHandler& handler);

  /// Keeps `handler` alive until the end of the turn, then lets go; it gets no flush of a later
  /// turn, and no bulk.
  void retire(std::shared_ptr<IoHandler> handler);

  /// One buffer that all connections of the loop read into, in turn. What is to outlive the call
  /// must be copied out.
  std::span<std::uint8_t> read_buffer() { return {read_buffer_.get(), read_buffer_bytes}; }

  static constexpr std::size_t read_buffer_bytes = 256 * 1024;
  static constexpr std::chrono::microseconds bulk_time_min{100};

 private:
  struct Timer {
    base::monotonic_time deadline;
    base::timer_id id;
  };

  EventLoop(unique_fd epoll, unique_fd wake);
  void turn();
  int wait_timeout_ms();
  void handle_events(int count);
  void run_timers();
  void run_posted();
  void run_turn_end();
  void run_flushes();
  void run_bulk();
  void forget_cancelled_timers();

  static constexpr std::size_t events_max = 512;

  unique_fd epoll_;
  unique_fd wake_;
  std::array<epoll_event, events_max> events_;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  std::atomic<std::thread::id> thread_;
  base::monotonic_time turn_time_{};

  std::mutex posted_mutex_;
  std::vector<base::task> posted_;  ///< guarded by posted_mutex_
  bool sleeping_ = false;           ///< guarded by posted_mutex_
  bool stopping_ = false;           ///< guarded by posted_mutex_
  std::vector<base::task> running_posted_;

  std::vector<base::task> turn_end_;
  std::vector<base::task> running_turn_end_;

  std::vector<Timer> timer_heap_;  ///< earliest first; may name timers cancelled meanwhile
  std::unordered_map<base::timer_id, base::task> timers_;
  base::timer_id next_timer_ = 1;

  std::vector<IoHandler*> to_flush_;
  std::vector<IoHandler*> flushing_;
  std::deque<IoHandler*> bulk_;
  std::uint64_t bulk_begin_ = 0;  ///< the number of bulk_.front()
  std::vector<std::shared_ptr<IoHandler>> retired_;
  std::vector<std::shared_ptr<IoHandler>> destroying_;
};

/// Several event loops, each on a thread of its own.
class LoopGroup {
 public:
  /// `threads` at least 1. The threads run when this returns.
  static base::result<std::unique_ptr<LoopGroup>> start(std::size_t threads);

  /// stop_and_join().
  ~LoopGroup();

  std::size_t size() const { return loops_.size(); }
  EventLoop& loop(std::size_t index) { return *loops_[index]; }

  /// The loop for a key, always the same one: for instance the hash of a document's name.
  EventLoop& loop_for(std::uint64_t hash);

  /// Stops every loop and waits for its thread. Idempotent; not from a loop's thread. The loops
  /// stay valid (tasks posted later are destroyed unrun with the group).
  void stop_and_join();

 private:
  LoopGroup() = default;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace weft::net
