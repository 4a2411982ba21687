#include "weft/net/event_loop.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "weft/net/errc.h"

namespace weft::net {

namespace {

// std heap functions put the largest first.
constexpr auto later = [](const auto& a, const auto& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.id > b.id;
};

}  // namespace

base::result<std::unique_ptr<EventLoop>> EventLoop::create() {
  unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno(errc::system, "cannot create an epoll instance");
  unique_fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno(errc::system, "cannot create an eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return fail_errno(errc::system, "cannot watch an eventfd");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(unique_fd epoll, unique_fd wake)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      read_buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(read_buffer_bytes)),
      turn_time_(now()) {}

EventLoop::~EventLoop() {
  // Destroying a task may post another one; go on until nothing is left.
  while (true) {
    std::vector<base::task> tasks;
    {
      const std::lock_guard lock(posted_mutex_);
      tasks.swap(posted_);
    }
    auto timers = std::exchange(timers_, {});
    auto turn_end = std::exchange(turn_end_, {});
    auto retired = std::exchange(retired_, {});
    if (tasks.empty() && timers.empty() && turn_end.empty() && retired.empty()) break;
  }
}

void EventLoop::run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  while (true) {
    {
      const std::lock_guard lock(posted_mutex_);
      if (std::exchange(stopping_, false)) break;
    }
    turn();
  }
  thread_.store(std::thread::id(), std::memory_order_relaxed);
}

void EventLoop::stop() {
  bool wake = false;
  {
    const std::lock_guard lock(posted_mutex_);
    stopping_ = true;
    wake = std::exchange(sleeping_, false);
  }
  if (wake) ::eventfd_write(wake_.get(), 1);
}

void EventLoop::post(base::task work) {
  bool wake = false;
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
    // Only the first post of a sleep pays for a system call.
    wake = std::exchange(sleeping_, false);
  }
  if (wake) ::eventfd_write(wake_.get(), 1);
}

void EventLoop::at_turn_end(base::task work) { turn_end_.push_back(std::move(work)); }

base::timer_id EventLoop::schedule(std::chrono::nanoseconds delay, base::task work) {
  const base::timer_id id = next_timer_++;
  timers_.emplace(id, std::move(work));
  timer_heap_.push_back({now() + std::max(delay, std::chrono::nanoseconds::zero()), id});
  std::push_heap(timer_heap_.begin(), timer_heap_.end(), later);
  return id;
}

void EventLoop::cancel(base::timer_id timer) {
  if (timers_.erase(timer) == 0) return;
  if (timer_heap_.size() > 2 * timers_.size() + 64) forget_cancelled_timers();
}

void EventLoop::forget_cancelled_timers() {
  std::erase_if(timer_heap_, [&](const Timer& timer) { return !timers_.contains(timer.id); });
  std::make_heap(timer_heap_.begin(), timer_heap_.end(), later);
}

base::monotonic_time EventLoop::now() const {
  return std::chrono::duration_cast<base::monotonic_time>(
      std::chrono::steady_clock::now().time_since_epoch());
}

std::int64_t EventLoop::wall_clock_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

base::result<void> EventLoop::watch(int fd, std::uint32_t events, IoHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno(errc::system, "cannot watch a socket");
  }
  return {};
}

void EventLoop::rewatch(int fd, std::uint32_t events, IoHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  // Modifying a registration allocates nothing; it fails only for a descriptor not watched.
  WEFT_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::request_flush(IoHandler& handler) {
  if (handler.flush_slot_ != 0) return;
  to_flush_.push_back(&handler);
  handler.flush_slot_ = static_cast<std::uint32_t>(to_flush_.size());
}

void EventLoop::request_bulk(IoHandler& handler) {
  if (handler.bulk_ticket_ != 0) return;
  bulk_.push_back(&handler);
  handler.bulk_ticket_ = bulk_begin_ + bulk_.size();
}

void EventLoop::retire(std::shared_ptr<IoHandler> handler) {
  // The slot may also name a place in flushing_, whose entries outlive this turn's flushes.
  const std::size_t slot = handler->flush_slot_;
  if (slot != 0 && slot <= to_flush_.size() && to_flush_[slot - 1] == handler.get()) {
    to_flush_[slot - 1] = nullptr;
  }
  if (handler->bulk_ticket_ != 0) bulk_[handler->bulk_ticket_ - 1 - bulk_begin_] = nullptr;
  retired_.push_back(std::move(handler));
}

int EventLoop::wait_timeout_ms() {
  if (!turn_end_.empty() || !to_flush_.empty() || !bulk_.empty() || !retired_.empty()) return 0;
  while (!timer_heap_.empty() && !timers_.contains(timer_heap_.front().id)) {
    std::pop_heap(timer_heap_.begin(), timer_heap_.end(), later);
    timer_heap_.pop_back();
  }
  if (timer_heap_.empty()) return -1;
  const auto left = timer_heap_.front().deadline - now();
  if (left <= std::chrono::nanoseconds::zero()) return 0;
  const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(left_ms, 1'000'000'000));
}

void EventLoop::turn() {
  int timeout_ms = wait_timeout_ms();
  if (timeout_ms != 0) {
    const std::lock_guard lock(posted_mutex_);
    if (posted_.empty() && !stopping_) {
      sleeping_ = true;
    } else {
      timeout_ms = 0;
    }
  }
  const int count = ::epoll_wait(epoll_.get(), events_.data(), events_max, timeout_ms);
  turn_time_ = now();
  {
    const std::lock_guard lock(posted_mutex_);
    sleeping_ = false;
    running_posted_.swap(posted_);
  }
  if (count > 0) handle_events(count);
  run_timers();
  run_posted();
  run_turn_end();
  run_flushes();
  run_bulk();
  // Swapped out first: a destructor may retire something else.
  destroying_.swap(retired_);
  destroying_.clear();
}

void EventLoop::handle_events(int count) {
  for (int i = 0; i < count; ++i) {
    auto* handler = static_cast<IoHandler*>(events_[i].data.ptr);
    if (handler == nullptr) {
      eventfd_t ignored = 0;
      ::eventfd_read(wake_.get(), &ignored);
    } else {
      handler->on_io(events_[i].events);
    }
  }
}

void EventLoop::run_timers() {
  while (!timer_heap_.empty() && timer_heap_.front().deadline <= turn_time_) {
    const base::timer_id id = timer_heap_.front().id;
    std::pop_heap(timer_heap_.begin(), timer_heap_.end(), later);
    timer_heap_.pop_back();
    if (auto node = timers_.extract(id)) node.mapped()();
  }
}

void EventLoop::run_posted() {
  for (auto& work : running_posted_) work();
  running_posted_.clear();
  // Once more, for what the turn's events and tasks have posted, so that it shares the flush.
  {
    const std::lock_guard lock(posted_mutex_);
    running_posted_.swap(posted_);
  }
  for (auto& work : running_posted_) work();
  running_posted_.clear();
}

void EventLoop::run_turn_end() {
  while (!turn_end_.empty()) {
    running_turn_end_.swap(turn_end_);
    for (auto& work : running_turn_end_) work();
    running_turn_end_.clear();
  }
}

void EventLoop::run_flushes() {
  flushing_.swap(to_flush_);
  for (IoHandler* handler : flushing_) {
    if (handler == nullptr) continue;
    handler->flush_slot_ = 0;
    handler->on_flush();
  }
  flushing_.clear();
}

void EventLoop::run_bulk() {
  if (bulk_.empty()) return;
  const base::monotonic_time begin = now();
  const base::monotonic_time end =
      begin + std::max<base::monotonic_time>(begin - turn_time_, bulk_time_min);
  do {
    IoHandler* const handler = bulk_.front();
    bulk_.pop_front();
    ++bulk_begin_;
    if (handler == nullptr) continue;
    handler->bulk_ticket_ = 0;
    handler->on_bulk();
  } while (!bulk_.empty() && now() < end);
}

base::result<std::unique_ptr<LoopGroup>> LoopGroup::start(std::size_t threads) {
  WEFT_CHECK(threads > 0);
  std::unique_ptr<LoopGroup> group(new LoopGroup);
  for (std::size_t i = 0; i < threads; ++i) {
    auto loop = EventLoop::create();
    if (!loop) return base::fail(std::move(loop.error()));
    group->loops_.push_back(std::move(*loop));
  }
  for (std::size_t i = 0; i < threads; ++i) {
    group->threads_.emplace_back([loop = group->loops_[i].get(), i] {
      char name[16];
      std::snprintf(name, sizeof name, "weft-io-%u", static_cast<unsigned>(i % 1000));
      ::pthread_setname_np(::pthread_self(), name);
      loop->run();
    });
  }
  return group;
}

LoopGroup::~LoopGroup() { stop_and_join(); }

EventLoop& LoopGroup::loop_for(std::uint64_t hash) {
  // Multiplied first: hashes of short strings differ mostly in their low bits.
  return *loops_[((hash * 0x9e3779b97f4a7c15ULL) >> 32) % loops_.size()];
}

void LoopGroup::stop_and_join() {
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace weft::net
