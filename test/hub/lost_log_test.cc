// What becomes of documents whose log is replaced, lost or trimmed under them.

#include <gtest/gtest.h>

#include <optional>

#include "hub/hub_fixture.h"
#include "sim/sim_truth.h"
#include "weft/hub/hub.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {
namespace {

using sim::insert_update;
using testing::CountingEvents;
using testing::framing;
using testing::HubTest;

/// What a reader finds who has the log and nothing else.
yjs::Knowledge logged(const sim::Disk& disk) {
  yjs::Knowledge out;
  for (const auto& stored : disk.durable) {
    const auto parts = protocol::split_envelope(stored.entry.record.envelope);
    std::size_t consumed = 0;
    const auto message = yjs::decode_message(parts->payload, consumed);
    EXPECT_TRUE(yjs::learn(message->body, out));
  }
  return out;
}

TEST_F(HubTest, ALogThatIsReplacedEndsSessionsAndTheNextOneBeginsOnTheNewOne) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::milliseconds(400));
  ASSERT_TRUE(disk_.snapshots.contains(document_));
  CountingEvents before;
  const auto lost = std::move(hub_.join(document_, framing, before, {"a", {}}).value());
  run();
  ASSERT_EQ(before.live, 1);
  log_.recreate();
  run();
  EXPECT_EQ(before.ended, 1);
  ASSERT_TRUE(disk_.durable.empty());
  CountingEvents after;
  const auto session = std::move(hub_.join(document_, framing, after, {"b", {}}).value());
  run();
  EXPECT_EQ(after.live, 1);
  // What only the snapshot holds came first: whoever has the log alone has all of it.
  ASSERT_EQ(disk_.durable.size(), 1u);
  EXPECT_TRUE(logged(disk_).structs.contains(1, {0, 1}));
  const auto offset = publish(insert_update(2, 0));
  ASSERT_TRUE(offset) << offset.error().message;
  EXPECT_EQ(offset->value, 1u);
  base::shared_bytes state;
  hub_.read_state(document_, [&](auto read) { state = std::move(read.value().update); });
  run();
  yjs::Knowledge known;
  ASSERT_TRUE(yjs::learn(state, known));
  EXPECT_TRUE(known.structs.contains(1, {0, 1}));  // the snapshot's
  EXPECT_TRUE(known.structs.contains(2, {0, 1}));
  EXPECT_EQ(after.ended, 0);
}

TEST_F(HubTest, ALogThatIsLostWhileItsDocumentIsLoadedEndsTheLoadOnce) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::milliseconds(400));
  ASSERT_TRUE(disk_.snapshots.contains(document_));
  faults_.read_delay_us_max = 4000;
  int loading = 0;
  // At every stage of it; what is under way then succeeds afterwards, or fails.
  for (std::uint64_t round = 0; round < 40; ++round) {
    const std::uint64_t failures = counters_.load_failures.load();
    CountingEvents events;
    const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
    world_.run_until(world_.now() + std::chrono::microseconds(250 * (round / 2)));
    const int live = events.live;
    loading += live == 0 ? 1 : 0;
    faults_.load_fails_one_in = round % 2;
    log_.recreate();
    run();
    faults_.load_fails_one_in = 0;
    EXPECT_EQ(events.live, live);
    EXPECT_EQ(events.ended, 1);
    EXPECT_EQ(counters_.load_failures.load(), failures + 1);
  }
  EXPECT_GT(loading, 10);
  const auto offset = publish(insert_update(2, 0));
  ASSERT_TRUE(offset) << offset.error().message;
  EXPECT_EQ(offset->value, 1u);  // behind what the snapshot held
}

TEST_F(HubTest, ASnapshotNamesTheLogThatItsDocumentWasReadFrom) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  const base::log_identity read_from = disk_.log;
  ++disk_.log.value;  // made again, and nobody has been told yet
  run(std::chrono::milliseconds(400));
  ASSERT_TRUE(disk_.snapshots.contains(document_));
  EXPECT_EQ(disk_.snapshots[document_].log, read_from);
}

/// A log that came back without its last records, under a snapshot that holds them all.
class CutLogTest : public HubTest {
 protected:
  void SetUp() override {
    for (std::uint64_t clock = 0; clock < 3; ++clock) {
      ASSERT_TRUE(publish(insert_update(1, clock)));
    }
    run(std::chrono::milliseconds(400));
    ASSERT_EQ(disk_.snapshots.at(document_).covered_end.value, 3u);
  }

  void cut(std::size_t left) { disk_.durable.resize(left); }
};

TEST_F(CutLogTest, GetsBackWhatItLacksAndNothingElse) {
  cut(1);
  CountingEvents events;
  const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  EXPECT_EQ(events.live, 1);
  ASSERT_EQ(disk_.durable.size(), 2u);
  EXPECT_TRUE(logged(disk_).structs.contains(1, {0, 3}));
  EXPECT_TRUE(events_.counts.contains("log.put_back"));
  // An edit that was in the lost part is in the log now: it is not appended again.
  const auto again = publish(insert_update(1, 2));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(disk_.durable.size(), 2u);
}

TEST_F(CutLogTest, OfAnotherNameThatHasAllGetsNothing) {
  ++disk_.log.value;
  CountingEvents events;
  const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  EXPECT_EQ(events.live, 1);
  EXPECT_EQ(disk_.durable.size(), 3u);
  EXPECT_FALSE(events_.counts.contains("log.put_back"));
}

TEST_F(CutLogTest, ThatTakesNothingLeavesTheDocumentUnservedUntilItDoes) {
  cut(1);

  faults_.disk_full = true;
  CountingEvents refused;
  const auto first = std::move(hub_.join(document_, framing, refused, {"a", {}}).value());
  run();
  EXPECT_EQ(refused.live, 0);
  EXPECT_EQ(refused.ended, 1);
  EXPECT_EQ(disk_.snapshots.at(document_).covered_end.value, 3u);
  faults_.disk_full = false;
  CountingEvents taken;
  const auto second = std::move(hub_.join(document_, framing, taken, {"a", {}}).value());
  run();
  EXPECT_EQ(taken.live, 1);
  EXPECT_TRUE(logged(disk_).structs.contains(1, {0, 3}));
}

TEST_F(CutLogTest, WhoseAppendsFailOrWaitGetsEverythingInTheEnd) {
  faults_.append_fails_one_in = 2;
  faults_.overloaded_one_in = 2;
  int live = 0;
  for (int round = 0; round < 40; ++round) {
    cut(0);
    for (bool served = false; !served;) {
      CountingEvents events;
      const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
      for (int i = 0; i < 100 && events.live + events.ended == 0; ++i) {
        run(std::chrono::milliseconds(100));
      }
      ASSERT_EQ(events.live + events.ended, 1);
      served = events.live == 1;
      // Before anybody has it, the log has it.
      EXPECT_TRUE(!served || logged(disk_).structs.contains(1, {0, 3}));
      live += served ? 0 : 1;
    }
    run(std::chrono::milliseconds(2000));  // put away
  }
  EXPECT_GT(live, 0) << "no append ever failed";
}

/// A log that was trimmed by somebody, and a store that may or may not have what is gone.
class TrimmedLogTest : public HubTest {
 protected:
  /// Three edits, each followed by a snapshot.
  void SetUp() override {
    for (std::uint64_t clock = 0; clock < 3; ++clock) {
      ASSERT_TRUE(publish(insert_update(1, clock)));
      run(std::chrono::milliseconds(400));
      snapshots_.push_back(disk_.snapshots.at(document_));
    }
    ASSERT_EQ(snapshots_[1].covered_end.value, 2u);
  }

  void expect_refused() {
    CountingEvents events;
    const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
    run();
    EXPECT_EQ(events.live, 0);
    EXPECT_EQ(events.ended, 1);
    EXPECT_EQ(publish_error(insert_update(2, 0)), errc::unavailable);
    EXPECT_EQ(disk_.durable.size(), 3u);
    std::optional<base::result<StateRead>> state;
    hub_.read_state(document_, [&](auto read) { state = std::move(read); });
    run();
    ASSERT_TRUE(state);
    ASSERT_FALSE(*state);
    EXPECT_EQ(state->error().code, errc::unavailable);
  }

  std::vector<store::Snapshot> snapshots_;
};

TEST_F(TrimmedLogTest, ASnapshotThatReachesUpToWhatIsLeftMakesTheDocumentWhole) {
  for (const std::uint64_t first : {2u, 3u}) {
    disk_.first.value = first;
    disk_.snapshots[document_] = snapshots_[first - 1];
    base::shared_bytes state;
    hub_.read_state(document_, [&](auto read) { state = std::move(read.value().update); });
    run(std::chrono::milliseconds(400));
    yjs::Knowledge known;
    ASSERT_TRUE(yjs::learn(state, known));
    EXPECT_TRUE(known.structs.contains(1, {0, 3}));
  }
}

TEST_F(TrimmedLogTest, ADocumentWhoseSnapshotEndsBeforeThatIsNotServed) {
  disk_.first.value = 2;
  disk_.snapshots[document_] = snapshots_[0];
  expect_refused();
  EXPECT_EQ(disk_.snapshots.at(document_).covered_end.value, 1u);  // nothing was put over it
  // With the snapshot that was missing it is served again.
  disk_.snapshots[document_] = snapshots_[1];
  const auto offset = publish(insert_update(1, 3));
  ASSERT_TRUE(offset) << offset.error().message;
  EXPECT_EQ(offset->value, 3u);
}

TEST_F(TrimmedLogTest, ADocumentWithoutASnapshotIsNotServedAsABlankOne) {
  disk_.snapshots.clear();
  for (const std::uint64_t first : {1u, 3u}) {
    disk_.first.value = first;
    expect_refused();
    EXPECT_FALSE(disk_.snapshots.contains(document_));
  }
}

TEST_F(TrimmedLogTest, WhatIsLeftIsNotReadOverTheSnapshotOfAnotherLog) {
  disk_.first.value = 2;
  disk_.snapshots[document_].log = {disk_.log.value + 1};
  expect_refused();
}

}  // namespace
}  // namespace weft::hub
