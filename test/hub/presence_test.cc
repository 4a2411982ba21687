// When presence goes out.

#include "hub/hub_fixture.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {
namespace {

using sim::insert_update;
using testing::CountingEvents;
using testing::framing;
using testing::ToldSink;

class PresenceTest : public testing::HubTest {};

TEST_F(PresenceTest, GoesOutOnceATickHoweverOftenEditsDo) {
  CountingEvents events;
  const auto editor = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  const auto reader = std::move(hub_.join(document_, framing, events, {"b", {}}).value());
  run(options().awareness_tick * 2);
  const auto move_and_edit = [&](std::uint64_t clock) {
    const yjs::AwarenessEntry entry{7, clock + 1, R"({"at":1})"};
    ASSERT_TRUE(editor->apply_awareness(yjs::encode_awareness_update({&entry, 1})));
    ASSERT_TRUE(editor->submit({.update = insert_update(1, clock)}));
    run(std::chrono::milliseconds(4));
  };
  const auto frame_bytes = [](std::uint64_t clock) {
    return sim::SimFraming::header_bytes + insert_update(1, clock).size();
  };
  move_and_edit(0);
  ToldSink first;
  reader->collect(first);
  ASSERT_GT(first.bytes, frame_bytes(0)) << "presence after a pause is sent at once";
  const std::size_t presence_bytes = first.bytes - frame_bytes(0);
  // Edits within the same tick go alone.
  for (std::uint64_t clock = 1; clock < 4; ++clock) {
    move_and_edit(clock);
    ToldSink sink;
    reader->collect(sink);
    EXPECT_EQ(sink.bytes, frame_bytes(clock));
  }
  run(options().awareness_tick);
  ToldSink next;
  reader->collect(next);
  EXPECT_EQ(next.bytes, presence_bytes);
}

/// A protocol of presence alone, which takes an edit for a broken promise.
class PresenceAlone final : public Framing {
 public:
  bool carries_edits() const override { return false; }
  std::size_t header_bytes_max() const override { return 0; }
  std::size_t write_header(const FrameInfo&, std::uint8_t*) const override {
    ADD_FAILURE() << "framed an edit";
    return 0;
  }
  base::shared_bytes frame_awareness(base::byte_view update) const override {
    return base::shared_bytes::copy_of(update);
  }
};

TEST_F(PresenceTest, ComesWithoutEditsWhereAProtocolCarriesNone) {
  const PresenceAlone alone;
  CountingEvents events;
  const auto editor = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  const auto watcher = std::move(hub_.join(document_, alone, events, {"b", {}}).value());
  run();
  const yjs::AwarenessEntry entry{7, 1, "{}"};
  const auto shown = yjs::encode_awareness_update({&entry, 1});
  ASSERT_TRUE(editor->submit({.update = insert_update(1, 0)}));
  ASSERT_TRUE(editor->apply_awareness(shown));
  run(options().awareness_tick * 2);
  ToldSink sink;
  watcher->collect(sink);
  EXPECT_EQ(sink.bytes, shown.size());
  // Nor what is found after a failed append, which others get as a whole.
  faults_.append_fails_one_in = 1;
  ASSERT_TRUE(editor->submit({.update = insert_update(1, 1)}));
  run(std::chrono::seconds(3));
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(3));
  ToldSink after;
  watcher->collect(after);
  EXPECT_EQ(after.bytes, 0u);
}

TEST_F(PresenceTest, WhoHearsNoEditsIsNoReceiverOfAFollowedOne) {
  const PresenceAlone alone;
  CountingEvents events;
  const auto editor = std::move(hub_.join(document_, framing, events, {"a", {}}).value());
  const auto watcher = std::move(hub_.join(document_, alone, events, {"b", {}}).value());
  run();
  std::optional<base::result<EditTimeline>> seen;
  hub_.trace(document_, std::chrono::seconds(5),
             [&](auto timeline) { seen = std::move(timeline); });
  ASSERT_TRUE(editor->submit({.update = insert_update(1, 0)}));
  run();
  ASSERT_TRUE(seen);
  ASSERT_TRUE(seen->has_value()) << seen->error().message;
  EXPECT_EQ((*seen)->receivers, 0u);
}

}  // namespace
}  // namespace weft::hub
