#include "weft/net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <future>

namespace weft::net {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<EventLoop> make_loop() {
  auto loop = EventLoop::create();
  EXPECT_TRUE(loop.has_value());
  return std::move(*loop);
}

TEST(EventLoop, RunsPostedTasksInOrder) {
  auto loop = make_loop();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop->post([&order, i] { order.push_back(i); });
  loop->post([&] { loop->stop(); });
  loop->run();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(EventLoop, PostsFromManyThreadsAllRunAndWakeIt) {
  auto group = LoopGroup::start(1);
  ASSERT_TRUE(group.has_value());
  EventLoop& loop = (*group)->loop(0);
  constexpr int threads = 4;
  constexpr int posts = 2000;
  int ran = 0;
  std::promise<void> all;
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (int i = 0; i < posts; ++i) {
        loop.post([&] {
          EXPECT_TRUE(loop.in_loop_thread());
          if (++ran == threads * posts) all.set_value();
        });
      }
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(all.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(loop.in_loop_thread());
}

TEST(EventLoop, APostToASleepingLoopIsPrompt) {
  auto group = LoopGroup::start(1);
  ASSERT_TRUE(group.has_value());
  for (int i = 0; i < 200; ++i) {
    std::promise<void> ran;
    (*group)->loop(0).post([&] { ran.set_value(); });
    ASSERT_EQ(ran.get_future().wait_for(10s), std::future_status::ready) << i;
  }
}

TEST(EventLoop, TimersFireInOrderNeverEarlyAndNotWhenCancelled) {
  auto loop = make_loop();
  std::vector<int> order;
  const auto begin = loop->now();
  loop->schedule(20ms, [&] {
    order.push_back(2);
    EXPECT_GE(loop->now() - begin, 20ms);
    loop->stop();
  });
  loop->schedule(5ms, [&] {
    order.push_back(1);
    EXPECT_GE(loop->now() - begin, 5ms);
  });
  const auto cancelled = loop->schedule(1ms, [&] { order.push_back(0); });
  loop->cancel(cancelled);
  loop->cancel(cancelled);
  loop->cancel(0);
  loop->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoop, ManyCancelledTimersLeaveTheOthers) {
  auto loop = make_loop();
  int fired = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto timer = loop->schedule(1ms, [&] { ++fired; });
    if (i % 50 != 0) loop->cancel(timer);
  }
  loop->schedule(2ms, [&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(fired, 100);
}

struct Recorder final : IoHandler {
  void on_io(std::uint32_t) override { order->push_back("io"); }
  void on_flush() override { order->push_back("flush"); }
  void on_bulk() override { order->push_back("bulk"); }
  std::vector<std::string>* order = nullptr;
};

TEST(EventLoop, ATurnEndsWithTurnEndTasksThenFlushesThenBulk) {
  auto loop = make_loop();
  std::vector<std::string> order;
  Recorder recorder;
  recorder.order = &order;
  loop->post([&] {
    loop->request_bulk(recorder);
    loop->request_flush(recorder);
    loop->request_flush(recorder);
    loop->at_turn_end([&] {
      order.push_back("turn end");
      loop->at_turn_end([&] { order.push_back("turn end again"); });
    });
    order.push_back("first");
  });
  loop->post([&] {
    order.push_back("second");
    loop->stop();
  });
  loop->run();
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "turn end", "turn end again",
                                             "flush", "bulk"}));
}

TEST(EventLoop, ARetiredHandlerIsNotCalledAndDiesAtTheEndOfTheTurn) {
  auto loop = make_loop();
  std::vector<std::string> order;
  auto recorder = std::make_shared<Recorder>();
  recorder->order = &order;
  std::weak_ptr<Recorder> watcher = recorder;
  loop->post([&] {
    loop->request_flush(*recorder);
    loop->request_bulk(*recorder);
    loop->retire(std::move(recorder));
    EXPECT_FALSE(watcher.expired());
    loop->stop();
  });
  loop->run();
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(watcher.expired());
}

/// Has more to do than a turn's bulk may take, `pieces` times.
struct Hog final : IoHandler {
  void on_io(std::uint32_t) override {}
  void on_bulk() override {
    order->push_back(name);
    const auto begin = loop->now();
    const base::monotonic_time least = EventLoop::bulk_time_min;
    const auto end = begin + std::max(begin - loop->turn_time(), least);
    while (loop->now() <= end) {
    }
    if (--pieces > 0) loop->request_bulk(*this);
  }
  EventLoop* loop = nullptr;
  std::vector<std::string>* order = nullptr;
  std::string name;
  int pieces = 2;
};

TEST(EventLoop, HoweverManyHaveBulkTheOthersComeBetween) {
  auto loop = make_loop();
  std::vector<std::string> order;
  std::array<Hog, 3> hogs;
  const std::function<void()> work = [&] {
    order.push_back("task");
    if (order.size() < 25) {
      loop->post(work);
    } else {
      loop->stop();
    }
  };
  loop->post([&] {
    for (std::size_t i = 0; i < hogs.size(); ++i) {
      hogs[i].loop = loop.get();
      hogs[i].order = &order;
      hogs[i].name = std::to_string(i);
      loop->request_bulk(hogs[i]);
      loop->request_bulk(hogs[i]);
    }
    work();
  });
  loop->run();
  // What a turn's first tasks post still belongs to it.
  order.erase(std::ranges::unique(order).begin(), order.end());
  EXPECT_EQ(order, (std::vector<std::string>{"task", "0", "task", "1", "task", "2", "task", "0",
                                             "task", "1", "task", "2", "task"}));
}

TEST(EventLoop, BulkHasAsMuchOfATurnAsAllElse) {
  struct Pieces final : IoHandler {
    void on_io(std::uint32_t) override {}
    void on_bulk() override {
      const auto end = loop->now() + 50us;
      while (loop->now() < end) {
      }
      done.push_back(loop->turn_time());
      if (done.size() % 10 != 0) loop->request_bulk(*this);
    }
    EventLoop* loop = nullptr;
    std::vector<base::monotonic_time> done;
  };
  auto loop = make_loop();
  Pieces pieces;
  pieces.loop = loop.get();
  // Half a millisecond of pieces beside two of work: unless the machine holds up the thread between
  // them, and that not each time, one turn does all of them.
  int tries = 0;
  const std::function<void()> work = [&] {
    const auto& done = pieces.done;
    if (done.size() >= 10 && done.back() == done[done.size() - 10]) return loop->stop();
    ASSERT_LT(++tries, 1000);
    if (done.size() % 10 == 0) loop->request_bulk(pieces);
    const auto end = loop->now() + 2ms;
    while (loop->now() < end) {
    }
    loop->schedule(0ms, work);
  };
  loop->post(work);
  loop->run();
}

TEST(EventLoop, TasksLeftOverAreDestroyedUnrun) {
  auto loop = make_loop();
  auto alive = std::make_shared<int>(0);
  loop->post([alive] { ++*alive; });
  loop->schedule(1h, [alive] { ++*alive; });
  loop->at_turn_end([alive] { ++*alive; });
  loop.reset();
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(*alive, 0);
}

TEST(LoopGroup, AHashAlwaysNamesTheSameLoopAndAllAreUsed) {
  auto group = LoopGroup::start(3);
  ASSERT_TRUE(group.has_value());
  std::vector<int> used(3);
  for (std::uint64_t hash = 0; hash < 300; ++hash) {
    EventLoop& loop = (*group)->loop_for(hash);
    EXPECT_EQ(&loop, &(*group)->loop_for(hash));
    for (std::size_t i = 0; i < 3; ++i) used[i] += &loop == &(*group)->loop(i) ? 1 : 0;
  }
  for (const int count : used) EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace weft::net
