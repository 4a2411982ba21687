// Following one edit through a hub.

#include "weft/hub/edit_trace.h"

#include <optional>

#include "hub/hub_fixture.h"

namespace weft::hub {
namespace {

using sim::insert_update;
using testing::CountingEvents;
using testing::framing;
using testing::ToldSink;

class EditTraceTest : public testing::HubTest {};

TEST_F(EditTraceTest, AFollowedEditIsSeenFromItsReceiptToItsLastReceiver) {
  CountingEvents events;
  const auto editor = std::move(hub_.join(document_, framing, events, {"editor", {}}).value());
  auto reader = std::move(hub_.join(document_, framing, events, {"b", {}}).value());
  auto slow = std::move(hub_.join(document_, framing, events, {"c", {}}).value());
  auto leaver = std::move(hub_.join(document_, framing, events, {"d", {}}).value());
  run();
  ASSERT_TRUE(publish(insert_update(1, 0)));
  std::optional<base::result<EditTimeline>> seen;
  hub_.trace(document_, std::chrono::seconds(5),
             [&](auto timeline) { seen = std::move(timeline); });
  // What the document has already is no edit.
  ASSERT_TRUE(editor->submit({.update = insert_update(1, 0)}));
  run();
  ASSERT_TRUE(editor->submit({.update = insert_update(1, 1)}));
  run();
  ToldSink first, second;
  reader->collect(first);
  ASSERT_NE(first.listener, nullptr);
  first.listener->on_flushed(true);
  slow->collect(second);
  ASSERT_NE(second.listener, nullptr);
  second.listener->on_flushed(false);
  run();
  EXPECT_FALSE(seen);
  leaver.reset();
  run();
  ASSERT_TRUE(seen);
  ASSERT_TRUE(seen->has_value()) << seen->error().message;
  const EditTimeline& timeline = **seen;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < timeline.steps.size(); ++i) {
    names.push_back(timeline.steps[i].name);
    EXPECT_FALSE(timeline.steps[i].used);
    const auto before = i == 0 ? base::monotonic_time{} : timeline.steps[i - 1].at;
    EXPECT_GE(timeline.steps[i].at, before) << names.back();
  }
  // The simulated log tells nothing of its commits.
  EXPECT_EQ(names, (std::vector<std::string_view>{"received", "admitted", "accepted", "appended",
                                                  "committed", "applied", "framed", "first_sent",
                                                  "last_sent"}));
  const auto& logged = disk_.durable.at(1).entry;
  EXPECT_EQ(timeline.offset, logged.offset);
  EXPECT_EQ(timeline.operation, logged.record.operation);
  EXPECT_EQ(timeline.sender, "editor");
  EXPECT_EQ(timeline.update_bytes, insert_update(1, 1).size());
  EXPECT_EQ(timeline.batch_edits, 1u);
  EXPECT_EQ(timeline.receivers, 3u);
  EXPECT_EQ(timeline.sent, 2u);
  EXPECT_EQ(timeline.blocked, 1u);
  EXPECT_EQ(timeline.left, 1u);
  ASSERT_EQ(timeline.frames.size(), 1u);
  EXPECT_EQ(timeline.frames[0].receivers, 3u);
  EXPECT_EQ(timeline.frames[0].bytes, sim::SimFraming::header_bytes + timeline.update_bytes);
  // It is over: what comes now is nobody's business.
  ASSERT_TRUE(publish(insert_update(1, 2)));
  ToldSink third;
  reader->collect(third);
  EXPECT_GT(third.bytes, 0u);
  EXPECT_EQ(third.listener, nullptr);
}

TEST_F(EditTraceTest, WhoFollowsAnEditIsAlwaysAnswered) {
  std::vector<std::error_code> codes;
  std::optional<EditTimeline> seen;
  const auto follow = [&] {
    hub_.trace(document_, std::chrono::milliseconds(200), [&](base::result<EditTimeline> timeline) {
      codes.push_back(timeline ? std::error_code() : timeline.error().code);
      if (timeline) seen = std::move(*timeline);
    });
  };
  // One at a time: who asks later follows. No edit comes; the document stays while waited for.
  follow();
  run(std::chrono::milliseconds(100));
  follow();
  EXPECT_EQ(codes, (std::vector<std::error_code>{errc::unavailable}));
  run(std::chrono::milliseconds(180));
  EXPECT_EQ(counters_.documents_live.load(), 1u);
  EXPECT_EQ(codes.size(), 1u);
  run(std::chrono::milliseconds(40));
  EXPECT_EQ(codes, (std::vector<std::error_code>{errc::unavailable, errc::timed_out}));
  // A reader that does not read: what was seen is told all the same.
  CountingEvents events;
  auto session = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  run();
  follow();
  ASSERT_TRUE(publish(insert_update(1, 0)));
  run(std::chrono::milliseconds(250));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->receivers, 1u);
  EXPECT_EQ(seen->sent, 0u);
  EXPECT_EQ(seen->steps.back().name, "framed");
  session.reset();
  // Its append fails.
  codes.clear();
  follow();
  faults_.append_fails_one_in = 1;
  EXPECT_EQ(publish_error(insert_update(1, 1)), errc::unavailable);
  faults_.append_fails_one_in = 0;
  EXPECT_EQ(codes, (std::vector<std::error_code>{errc::unavailable}));
  run(std::chrono::seconds(3));
  // The server goes down.
  follow();
  run();
  bool drained = false;
  hub_.drain([&] { drained = true; });
  run(std::chrono::milliseconds(100));
  EXPECT_TRUE(drained);
  ASSERT_EQ(codes.size(), 2u);
  EXPECT_EQ(codes[1], errc::draining);
}

}  // namespace
}  // namespace weft::hub
