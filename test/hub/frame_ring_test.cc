#include "weft/hub/frame_ring.h"

#include <gtest/gtest.h>

#include <string>

#include "sim/sim_wire.h"
#include "support/text_sink.h"

namespace weft::hub {
namespace {

using weft::testing::TextSink;

std::string framed(std::string_view body) {
  std::string out(1, '\2');
  out += std::string{static_cast<char>(body.size()), 0, 0, 0};
  return out + std::string(body);
}

const sim::SimFraming framing;

TEST(FrameRing, OneSliceForACommitWithoutOnesOwnFrames) {
  FrameRing ring(framing, 1 << 20);
  const OutgoingEdit edits[] = {{1, {10}, base::as_bytes("a")},
                                {2, {11}, base::as_bytes("b")},
                                {2, {12}, base::as_bytes("c")},
                                {1, {13}, base::as_bytes("d")}};
  ring.publish(edits);
  base::log_offset next;

  TextSink stranger;
  EXPECT_EQ(ring.collect(0, 3, stranger, next), 4u);
  EXPECT_EQ(stranger.text, framed("a") + framed("b") + framed("c") + framed("d"));
  EXPECT_EQ(stranger.slices, 1);
  EXPECT_EQ(next.value, 14u);

  TextSink first;
  EXPECT_EQ(ring.collect(0, 1, first, next), 4u);
  EXPECT_EQ(first.text, framed("b") + framed("c"));
  EXPECT_EQ(first.slices, 1);

  TextSink second;
  ring.collect(0, 2, second, next);
  EXPECT_EQ(second.text, framed("a") + framed("d"));
  EXPECT_EQ(second.slices, 2);
}

TEST(FrameRing, AFullSinkStopsAtACommitAndGoesOnThere) {
  FrameRing ring(framing, 1 << 20);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const OutgoingEdit edit{0, {i}, base::as_bytes("x")};
    ring.publish({&edit, 1});
  }
  base::log_offset next;
  TextSink small(12);
  const auto cursor = ring.collect(0, 1, small, next);
  EXPECT_EQ(cursor, 2u);
  EXPECT_EQ(next.value, 2u);
  TextSink rest;
  EXPECT_EQ(ring.collect(cursor, 1, rest, next), 10u);
  EXPECT_EQ(small.text.size() + rest.text.size(), 10 * framed("x").size());
}

TEST(FrameRing, StaysWithinItsBoundAndSaysWhatItDropped) {
  FrameRing ring(framing, 1000);
  const std::string body(100, 'x');
  for (std::uint64_t i = 0; i < 100; ++i) {
    const OutgoingEdit edit{0, {i * 2}, base::as_bytes(body)};
    ring.publish({&edit, 1});
    EXPECT_LE(ring.bytes_used(), 1000u + 105u);
  }
  EXPECT_EQ(ring.end(), 100u);
  EXPECT_GT(ring.begin(), 80u);
  EXPECT_FALSE(ring.cursor_at({10}));
  const auto cursor = ring.cursor_at({191});
  ASSERT_TRUE(cursor);
  EXPECT_EQ(*cursor, 96u);  // the record at offset 192
  EXPECT_EQ(ring.cursor_at({199}), 100u);
  ring.clear();
  EXPECT_EQ(ring.bytes_used(), 0u);
  EXPECT_FALSE(ring.cursor_at({198}));
  EXPECT_EQ(ring.cursor_at({199}), 100u);
}

TEST(FrameRing, RewritesOnceWhatIsShorterThen) {
  const sim::DeflatedSimFraming deflating;
  FrameRing ring(deflating, 1 << 20);
  const std::string repeated(200, 'x');
  const std::string large(1000, 'x');  // not worth holding up the loop
  const OutgoingEdit edits[] = {{0, {1}, base::as_bytes("short")},
                                {0, {2}, base::as_bytes(repeated)},
                                {0, {3}, base::as_bytes(large)}};
  ring.publish(edits);
  TextSink sink;
  base::log_offset next;
  EXPECT_EQ(ring.collect(0, 1, sink, next), 3u);
  EXPECT_TRUE(sink.text.starts_with(framed("short")));
  const std::string rest = sink.text.substr(framed("short").size());
  EXPECT_EQ(rest[0], 2 | sim::DeflatedSimFraming::deflated);
  EXPECT_LT(rest.size(), 40 + large.size());
  EXPECT_TRUE(rest.ends_with(large));
  EXPECT_EQ(ring.bytes_used(), sink.text.size());
}

TEST(FrameRing, EditsThatNobodyWaitsForPassWithoutBeingFramed) {
  FrameRing ring(framing, 1 << 20);
  const OutgoingEdit first[] = {{1, {5}, base::as_bytes("a")}, {1, {6}, base::as_bytes("b")}};
  ring.pass(first);
  EXPECT_EQ(ring.begin(), 2u);
  EXPECT_EQ(ring.end(), 2u);
  EXPECT_EQ(ring.bytes_used(), 0u);
  EXPECT_FALSE(ring.cursor_at({6}));
  EXPECT_EQ(ring.cursor_at({7}), 2u);
  const OutgoingEdit second[] = {{1, {7}, base::as_bytes("c")}};
  ring.publish(second);
  TextSink sink;
  base::log_offset next;
  EXPECT_EQ(ring.collect(2, 2, sink, next), 3u);
  EXPECT_EQ(sink.text, framed("c"));
}

}  // namespace
}  // namespace weft::hub
