#pragma once

#include <gtest/gtest.h>

#include "sim/sim_log.h"
#include "sim/sim_wire.h"
#include "weft/hub/hub.h"

namespace weft::hub::testing {

/// Counts what a session hears.
class CountingEvents final : public SessionEvents {
 public:
  void on_live() override { ++live; }
  void on_output() override {}
  void on_resync() override { ++resyncs; }
  void on_uncongested() override { ++uncongested; }
  void on_ended(const base::error&) override { ++ended; }

  int live = 0, resyncs = 0, uncongested = 0, ended = 0;
};

inline const sim::SimFraming framing;

/// A socket whose flushes are reported by hand.
class ToldSink final : public net::GatherSink {
 public:
  void add(base::shared_bytes framed) override { bytes += framed.size(); }
  std::size_t room() const override { return 1u << 20; }
  void tell(net::FlushListener& to) override { listener = &to; }

  std::size_t bytes = 0;
  net::FlushListener* listener = nullptr;
};

/// A hub over a simulated log, in simulated time.
class HubTest : public ::testing::Test {
 protected:
  HubTest()
      : log_(world_, disk_, faults_),
        hub_({world_, world_, log_, log_, next_seq_, counters_, events_}, options()) {
    hub_.start();
  }

  ~HubTest() override { world_.drop_everything(); }

  static HubOptions options() {
    HubOptions out;
    out.update_bytes_max = 200;
    out.inflight_bytes_max = 150;
    out.ring_bytes_max = 1024;
    out.answer_slice_bytes = 1024;
    out.idle_evict_after = std::chrono::milliseconds(100);
    return out;
  }

  void run(std::chrono::milliseconds time = std::chrono::milliseconds(20)) {
    world_.run_until(world_.now() + time);
  }

  base::result<base::log_offset> publish(const base::byte_vector& update) {
    base::result<base::log_offset> out = base::fail(errc::unavailable, "no answer");
    hub_.publish(document_, update, {"test", {}}, [&](auto offset) { out = std::move(offset); });
    run();
    return out;
  }

  std::error_code publish_error(const base::byte_vector& update) {
    const auto out = publish(update);
    return out ? std::error_code() : out.error().code;
  }

  const base::DocumentId document_{"room", "doc", {}};
  sim::World world_{1};
  sim::Disk disk_;
  sim::Faults faults_;
  sim::SimLog log_;
  std::atomic<std::uint64_t> next_seq_{0};
  HubCounters counters_;
  sim::RecordedEvents events_;
  Hub hub_;
};

}  // namespace weft::hub::testing
