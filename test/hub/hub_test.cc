// What a hub promises to one session or publisher at a time; many at once are test/sim's business.

#include "weft/hub/hub.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <set>

#include "hub/hub_fixture.h"
#include "sim/sim_truth.h"

namespace weft::hub {
namespace {

using sim::delete_update;
using sim::insert_update;
using testing::CountingEvents;
using testing::framing;
using testing::HubTest;

/// A socket that takes everything, and what the frames it took bring.
class CollectingSink final : public net::GatherSink {
 public:
  void add(base::shared_bytes framed) override {
    bytes_.insert(bytes_.end(), framed.data(), framed.data() + framed.size());
    if (framed.size() > 500) large_.insert(framed.data());
    kept_.push_back(std::move(framed));
  }
  std::size_t room() const override { return 1u << 20; }

  yjs::Knowledge knowledge() const {
    yjs::Knowledge out;
    for (std::size_t at = 0; at < bytes_.size();) {
      const bool edits = bytes_[at] != sim::SimFraming::awareness_type;
      std::uint32_t size = 0;
      std::memcpy(&size, &bytes_[at + 1], sizeof size);
      at += sim::SimFraming::header_bytes;
      if (edits) {
        EXPECT_TRUE(yjs::learn(base::byte_view(bytes_).subspan(at, size), out));
      }
      at += size;
    }
    return out;
  }

  /// Where the large pieces lie; bytes that are shared lie at one place.
  const std::set<const std::uint8_t*>& large() const { return large_; }

 private:
  base::byte_vector bytes_;
  std::set<const std::uint8_t*> large_;
  std::vector<base::shared_bytes> kept_;  ///< so that no other bytes come to lie there
};

constexpr std::size_t paste_length = 180;

TEST_F(HubTest, AnEditIsAcknowledgedOnceAndARepeatedOneIsNotAppendedAgain) {
  const auto first = publish(insert_update(1, 0));
  ASSERT_TRUE(first) << first.error().message;
  const auto again = publish(insert_update(1, 0));
  ASSERT_TRUE(again);
  EXPECT_EQ(disk_.durable.size(), 1u);
  EXPECT_EQ(counters_.edits_contained.load(), 1u);
}

TEST_F(HubTest, ARepeatedEditInFlightIsAcknowledgedWithTheFirst) {
  int acknowledged = 0;
  for (int i = 0; i < 2; ++i) {
    hub_.publish(document_, insert_update(1, 0), {"test", {}}, [&](auto offset) {
      EXPECT_TRUE(offset);
      EXPECT_EQ(disk_.durable.size(), 1u);
      ++acknowledged;
    });
  }
  run();
  EXPECT_EQ(acknowledged, 2);
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(HubTest, BadEditsAreRefusedWithTheirReason) {
  EXPECT_EQ(publish_error({1, 2, 3}), errc::invalid_update);
  EXPECT_EQ(publish_error(base::byte_vector(201, 0)), errc::too_large);
  ASSERT_TRUE(publish(insert_update(1, 0)));
  // The same ids with another character: two clients share a client id.
  auto other = insert_update(1, 0);
  other[other.size() - 2] = 'Z';
  EXPECT_EQ(publish_error(other), errc::conflicting_ids);
  EXPECT_EQ(disk_.durable.size(), 1u);
  EXPECT_EQ(counters_.edits_refused.load(), 3u);
}

TEST_F(HubTest, AnUpdateThatNamesAClientTwiceIsPutInOrder) {
  // Two sections of one client: Yjs' applyUpdate would keep the second only and wait for ever.
  auto twice = insert_update(1, 0);
  const auto second = insert_update(1, 1);
  twice.pop_back();  // the empty delete set
  twice[0] = 2;
  twice.insert(twice.end(), second.begin() + 1, second.end());
  ASSERT_TRUE(yjs::validate(twice));
  ASSERT_TRUE(publish(twice));
  const auto parts = protocol::split_envelope(disk_.durable.at(0).entry.record.envelope);
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->body[0], 1);  // one client section
  yjs::Knowledge known;
  ASSERT_TRUE(yjs::learn(message->body, known));
  EXPECT_TRUE(known.structs.contains(1, {0, 2}));
}

TEST_F(HubTest, ACongestedSessionIsToldWhenTheLogHasCaughtUp) {
  CountingEvents events;
  auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  ASSERT_EQ(events.live, 1);
  ASSERT_TRUE(session->submit({.update = insert_update(1, 0)}));
  ASSERT_TRUE(session->submit({.update = insert_update(1, 1)}));
  EXPECT_TRUE(session->congested());
  run();
  EXPECT_FALSE(session->congested());
  EXPECT_EQ(events.uncongested, 1);
}

TEST_F(HubTest, AnEditInFlightIsComparedByContentToo) {
  auto other = insert_update(1, 0);
  other[other.size() - 2] = 'Z';
  std::optional<base::result<base::log_offset>> first, second;
  hub_.publish(document_, insert_update(1, 0), {"test", {}}, [&](auto offset) { first = offset; });
  hub_.publish(document_, other, {"test", {}}, [&](auto offset) { second = offset; });
  run();
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->has_value());
  ASSERT_FALSE(second->has_value());
  EXPECT_EQ(second->error().code, errc::conflicting_ids);
}

TEST_F(HubTest, SlowReadersThatFellOffTogetherShareOneRead) {
  CountingEvents events;
  const auto a = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  const auto b = std::move(hub_.join(document_, framing, events, {"b", {}}).value());
  run();
  // Nobody collects: the ring (1 KiB here) drops the oldest commits.
  std::uint64_t clock = 0;
  for (; counters_.edits_committed.load() < 200; ++clock) {
    ASSERT_TRUE(publish(insert_update(1, clock)));
  }
  CollectingSink first, second;
  a->collect(first);
  b->collect(second);
  run();
  a->collect(first);
  b->collect(second);
  EXPECT_EQ(counters_.catch_ups.load(), 2u);
  EXPECT_EQ(counters_.catch_up_reads.load(), 1u);
  for (const auto* sink : {&first, &second}) {
    EXPECT_TRUE(sink->knowledge().structs.contains(1, {0, clock}));
  }
}

TEST_F(HubTest, SlowReadersThatFellOffNearOneAnotherShareTheBytesOfTheRemainder) {
  CountingEvents events;
  // A document that is larger than what they will have missed: else they get all of it.
  std::uint64_t client = 1;
  for (; client <= 60; ++client) ASSERT_TRUE(publish(insert_update(client, 0, paste_length)));
  const auto a = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  const std::uint64_t missed = client;
  for (; client <= 65; ++client) ASSERT_TRUE(publish(insert_update(client, 0, paste_length)));
  const auto b = std::move(hub_.join(document_, framing, events, {"b", {}}).value());
  run();
  for (; client <= 95; ++client) ASSERT_TRUE(publish(insert_update(client, 0, paste_length)));
  // What both sockets hold that is not small change.
  CollectingSink first, second;
  for (int i = 0; i < 2; ++i) {
    a->collect(first);
    b->collect(second);
    run();
  }
  a->collect(first);
  b->collect(second);
  EXPECT_EQ(counters_.catch_ups.load(), 2u);
  EXPECT_EQ(counters_.catch_up_reads.load(), 1u);
  std::size_t shared = 0;
  for (const auto* bytes : first.large()) shared += second.large().contains(bytes) ? 1 : 0;
  EXPECT_GE(shared, 5u) << "a remainder of some 7 KiB in parts of 1 KiB";
  for (std::uint64_t one = missed; one < client; ++one) {
    EXPECT_TRUE(first.knowledge().structs.contains(one, {0, paste_length}));
    EXPECT_TRUE(second.knowledge().structs.contains(one, {0, paste_length}));
  }
  // And when nobody is behind any more it is gone.
  EXPECT_EQ(hub_.status(document_)->catch_up_bytes, 0u);
}

TEST_F(HubTest, AFailedAppendIsRecoveredFromOnce) {
  CountingEvents events;
  const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  faults_.append_fails_one_in = 1;
  EXPECT_EQ(publish_error(insert_update(1, 0)), errc::unavailable);
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(3));
  EXPECT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::seconds(3));
  EXPECT_EQ(counters_.append_failures.load(), 1u);
  EXPECT_EQ(events.resyncs, 1);
  EXPECT_EQ(disk_.durable.size(), 1u);
}

// Found by the simulation (a client was synced without what had been shown to another one).
TEST_F(HubTest, AReaderThatFellOffSeesNothingThatALaterJoinerDoesNotGet) {
  CountingEvents events;
  const auto slow = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  // More than the ring holds, and few enough to be read out of the log.
  for (std::uint64_t client = 1; client <= 6; ++client) {
    ASSERT_TRUE(publish(insert_update(client, 0, paste_length)));
  }
  // An edit that fails and lies in the log all the same.
  faults_.append_fails_one_in = 1;
  for (std::size_t before = disk_.durable.size(); disk_.durable.size() == before;) {
    run(std::chrono::seconds(3));
    EXPECT_EQ(publish_error(insert_update(7, 0)), errc::unavailable);
  }
  CollectingSink shown, given;
  slow->collect(shown);
  run();
  slow->collect(shown);
  ASSERT_EQ(counters_.catch_up_reads.load(), 1u);
  for (std::uint64_t client = 1; client <= 6; ++client) {
    ASSERT_TRUE(shown.knowledge().structs.contains(client, {0, paste_length}));
  }
  const auto late = std::move(hub_.join(document_, framing, events, {"b", {}}).value());
  run();
  const std::uint8_t nothing = 0;
  ASSERT_TRUE(late->answer({&nothing, 1}));
  late->collect(given);
  EXPECT_TRUE(sim::covers(given.knowledge(), shown.knowledge()));
  // Once it has been looked into, both have it.
  run(std::chrono::seconds(3));
  slow->collect(shown);
  late->collect(given);
  EXPECT_TRUE(shown.knowledge().structs.contains(7, {0, 1}));
  EXPECT_TRUE(given.knowledge().structs.contains(7, {0, 1}));
}

TEST_F(HubTest, ARecoveryWhoseReadsFailNowAndThenComesToItsEnd) {
  CountingEvents events;
  const auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  // Many reads' worth (of 1 KiB here) that failed and are in the log all the same.
  faults_.append_fails_one_in = 1;
  std::size_t landed = 0;
  for (std::size_t before = 0; landed < before + 200; landed = disk_.durable.size()) {
    run(std::chrono::seconds(3));
    before = disk_.durable.size();
    for (std::uint64_t clock = before; clock < before + 1000; ++clock) {
      ASSERT_TRUE(session->submit({.update = insert_update(1, clock)}));
    }
    run();
  }
  const int resyncs = events.resyncs;
  faults_.append_fails_one_in = 0;
  faults_.load_fails_one_in = 2;
  run(std::chrono::minutes(2));
  EXPECT_EQ(events.resyncs, resyncs + 1);
  CollectingSink sink;
  session->collect(sink);
  EXPECT_TRUE(sink.knowledge().structs.contains(1, {0, landed}));
  EXPECT_EQ(hub_.status(document_)->end.value, landed);
}

TEST_F(HubTest, AHubGoesDownThoughAFailedAppendCannotBeLookedInto) {
  faults_.append_fails_one_in = 1;
  EXPECT_EQ(publish_error(insert_update(1, 0)), errc::unavailable);
  faults_.load_fails_one_in = 1;
  bool drained = false;
  hub_.drain([&] { drained = true; });
  run(std::chrono::seconds(3));
  EXPECT_TRUE(drained);
}

TEST_F(HubTest, AnAppendThatFailsWhileItsDocumentIsLoadedIsLookedInto) {
  // Another incarnation of the document, as one that broke with this in flight.
  faults_.append_fails_one_in = 1;
  faults_.commit_delay_us_max = 1'000'000;
  std::optional<base::result<base::log_offset>> failed;
  hub_.publish(document_, insert_update(1, 0), {"test", {}}, [&](auto offset) { failed = offset; });
  run();
  ASSERT_FALSE(failed);
  Hub other({world_, world_, log_, log_, next_seq_, counters_, events_}, options());
  CountingEvents events;
  faults_.read_delay_us_max = 100'000'000;
  const auto session = std::move(other.join(document_, framing, events, {"a", {}}).value());
  faults_.append_fails_one_in = 0;
  faults_.commit_delay_us_max = 0;  // for what comes after
  faults_.read_delay_us_max = 0;
  run(std::chrono::seconds(3));
  ASSERT_TRUE(failed);
  ASSERT_EQ(events.live, 0);
  run(std::chrono::minutes(2));
  ASSERT_EQ(events.live, 1);
  EXPECT_EQ(events.resyncs, 1);
  ASSERT_TRUE(session->submit({.update = insert_update(2, 0)}));
  run();
  CollectingSink sink;
  const std::uint8_t nothing = 0;
  ASSERT_TRUE(session->answer({&nothing, 1}));
  session->collect(sink);
  EXPECT_TRUE(sink.knowledge().structs.contains(2, {0, 1}));
}

TEST_F(HubTest, ASnapshotOfAnotherLogKeepsItsContent) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::milliseconds(400));
  ASSERT_TRUE(disk_.snapshots.contains(document_));
  // The log was recreated; its first record takes an offset that the snapshot claims to cover.
  disk_.durable.clear();
  for (const auto other : {base::log_identity{99}, base::log_identity{7}}) {
    disk_.snapshots[document_].log = other;
    disk_.snapshots[document_].covered_end = {5};
    ASSERT_TRUE(publish(insert_update(2 + other.value, 0)));
    base::shared_bytes state;
    hub_.read_state(document_, [&](auto read) { state = std::move(read.value().update); });
    run();
    yjs::Knowledge known;
    ASSERT_TRUE(yjs::learn(state, known));
    EXPECT_TRUE(known.structs.contains(1, {0, 1}));
    EXPECT_TRUE(known.structs.contains(2 + other.value, {0, 1}));
    run(std::chrono::milliseconds(400));
  }
}

TEST_F(HubTest, AnIdleDocumentIsPutAwayWithASnapshotAndComesBackWhole) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  ASSERT_TRUE(publish(insert_update(1, 1)));
  ASSERT_TRUE(publish(delete_update(1, 0)));
  run(std::chrono::milliseconds(400));
  EXPECT_EQ(counters_.documents_live.load(), 0u);
  ASSERT_TRUE(disk_.snapshots.contains(document_));
  EXPECT_EQ(disk_.snapshots[document_].covered_end.value, 3u);

  base::shared_bytes state;
  hub_.read_state(document_, [&](auto read) { state = std::move(read.value().update); });
  run();
  yjs::Knowledge known;
  ASSERT_TRUE(yjs::learn(state, known));
  EXPECT_TRUE(known.structs.contains(1, {0, 2}));
  EXPECT_TRUE(known.deletions.contains(1, {0, 1}));
}

TEST_F(HubTest, AnUnreadableRecordBreaksItsDocumentOnly) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::milliseconds(400));
  disk_.snapshots.clear();
  disk_.durable[0].entry.record.envelope = base::shared_bytes::copy_of(base::as_bytes("garbage"));
  EXPECT_EQ(publish_error(insert_update(1, 1)), errc::broken);
  bool other = false;
  hub_.publish({"room", "other", {}}, insert_update(1, 0), {"test", {}},
               [&](auto offset) { other = offset.has_value(); });
  run();
  EXPECT_TRUE(other);
}

TEST_F(HubTest, ALogThatIsDamagedWhenAFailedAppendIsLookedIntoBreaksItsDocument) {
  CountingEvents events;
  auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  faults_.append_fails_one_in = 1;
  EXPECT_EQ(publish_error(insert_update(1, 0)), errc::unavailable);
  faults_.damaged.insert(document_);
  run(std::chrono::seconds(3));
  EXPECT_EQ(events.ended, 1);
  ASSERT_TRUE(hub_.status(document_));
  EXPECT_EQ(hub_.status(document_)->what, DocumentStatus::phase::broken);
  // It keeps neither memory nor the server from going down.
  session.reset();
  run(std::chrono::milliseconds(400));
  EXPECT_EQ(counters_.documents_live.load(), 0u);
}

TEST_F(HubTest, AHubThatGoesDownWithABatchInFlightFreesItsDocument) {
  auto hub = std::make_unique<Hub>(
      HubParts{world_, world_, log_, log_, next_seq_, counters_, events_}, options());
  bool answered = false;
  hub->publish_all(document_, {base::shared_bytes::copy_of(insert_update(1, 0))}, {"test", {}}, {},
                   [&](auto) { answered = true; });
  faults_.commit_delay_us_max = 1'000'000;
  while (disk_.unsynced.empty()) run(std::chrono::milliseconds(1));
  world_.drop_everything();
  hub.reset();
  EXPECT_FALSE(answered);
  EXPECT_EQ(counters_.documents_live.load(), 0u);
}

TEST_F(HubTest, DrainingRefusesFinishesAndSavesEverything) {
  bool acknowledged = false;
  hub_.publish(document_, insert_update(1, 0), {"test", {}},
               [&](auto offset) { acknowledged = offset.has_value(); });
  bool drained = false;
  hub_.drain([&] { drained = true; });
  EXPECT_EQ(publish_error(insert_update(1, 1)), errc::draining);
  run(std::chrono::milliseconds(100));
  EXPECT_TRUE(acknowledged);
  EXPECT_TRUE(drained);
  EXPECT_TRUE(disk_.snapshots.contains(document_));
}

}  // namespace
}  // namespace weft::hub
