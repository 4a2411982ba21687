#include "weft/yjs/range_list.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "weft/base/random.h"
#include "weft/yjs/id_set.h"

namespace weft::yjs {
namespace {

using ranges = std::vector<clock_range>;

template <typename List>
ranges ranges_of(const List& list) {
  ranges out;
  for (const auto& range : list) out.push_back({range.start, range.end});
  return out;
}

/// What a list should be, the slow way.
ranges with(const ranges& list, clock_range added) {
  ranges out;
  for (const clock_range range : list) {
    if (range.end < added.start || added.end < range.start) {
      out.push_back(range);
    } else {
      added = {std::min(range.start, added.start), std::max(range.end, added.end)};
    }
  }
  out.push_back(added);
  std::ranges::sort(out, {}, &clock_range::start);
  return out;
}

clock_range some_range(base::random& random) {
  const clock_value start = random.below(600);
  // Mostly short ones, some that reach over many chunks.
  const clock_value length = random.below(40) == 0 ? random.below(300) : random.below(3);
  return {start, start + 1 + length};
}

/// Chunks of a few ranges, so that every way of parting and joining them comes up.
TEST(RangeList, AgreesWithASortedVector) {
  base::random random(3);
  for (int round = 0; round < 100; ++round) {
    RangeList<clock_range, 4> list;
    ranges model;
    for (int step = 0; step < 150; ++step) {
      if (random.below(12) == 0) {
        ranges batch;
        clock_value at = random.below(500);
        for (std::uint64_t n = random.below(12); n > 0; --n) {
          batch.push_back({at, at + 1 + random.below(2)});
          at = batch.back().end + random.below(9) + 1;
        }
        list.add(batch);
        for (const clock_range range : batch) model = with(model, range);
      } else {
        const clock_range range = some_range(random);
        list.add(range);
        model = with(model, range);
      }
      ASSERT_EQ(ranges_of(list), model);
      ASSERT_EQ(list.size(), model.size());
      if (!model.empty()) {
        ASSERT_EQ(list.front(), model.front());
      }
      const clock_value clock = random.below(910);
      const auto expected = std::ranges::find_if(model, [&](auto r) { return r.end >= clock; });
      ASSERT_EQ(ranges(list.first_ending_at(clock), list.end()), ranges(expected, model.end()));
    }
  }
}

/// A range that counts how often one is written.
struct Counted {
  clock_value start = 0;
  clock_value end = 0;

  Counted() = default;
  Counted(clock_value from, clock_value to) : start(from), end(to) {}
  Counted(const Counted& other) : start(other.start), end(other.end) { ++writes; }
  Counted& operator=(const Counted& other) {
    start = other.start;
    end = other.end;
    ++writes;
    return *this;
  }

  static inline std::uint64_t writes = 0;
};

std::vector<clock_value> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<clock_value> out(count);
  std::iota(out.begin(), out.end(), 0u);
  base::random random(seed);
  for (std::size_t i = count; i > 1; --i) std::swap(out[i - 1], out[random.below(i)]);
  return out;
}

/// Every other clock, one at a time in no order: in one vector that is a quarter of the square,
/// 10^9 for so many.
TEST(RangeList, RangesInAnyOrderCostAboutTheirNumber) {
  constexpr std::size_t count = 1 << 16;
  const auto order = shuffled(count, 5);
  RangeList<Counted> list;
  Counted::writes = 0;
  for (const clock_value at : order) list.add(Counted{2 * at, 2 * at + 1});
  EXPECT_EQ(list.size(), count);
  EXPECT_LE(Counted::writes, count * 300);

  // And the clocks between, which join all to one.
  Counted::writes = 0;
  for (const clock_value at : order) list.add(Counted{2 * at + 1, 2 * at + 2});
  EXPECT_EQ(ranges_of(list), (ranges{{0, 2 * count}}));
  EXPECT_LE(Counted::writes, count * 300);
}

TEST(RangeList, IsCopiedAndMovedAsAValue) {
  RangeList<clock_range, 4> list;
  for (clock_value at = 0; at < 30; at += 3) list.add({at, at + 1});
  RangeList<clock_range, 4> copy = list;
  EXPECT_EQ(copy, list);
  copy.add({1, 2});
  EXPECT_NE(copy, list);
  EXPECT_EQ(list.size(), 10u);
  list = std::move(copy);
  EXPECT_EQ(list.front(), (clock_range{0, 2}));
}

TEST(RangeList, GrowsAtItsEndWithoutMoving) {
  constexpr std::size_t count = 1 << 16;
  RangeList<Counted> list;
  Counted::writes = 0;
  for (std::size_t i = 0; i < count; ++i) list.add(Counted{2 * i, 2 * i + 1});
  EXPECT_LE(Counted::writes, 4 * count);
}

TEST(RangeList, TakesLittleMoreThanItsRanges) {
  EXPECT_EQ(sizeof(RangeList<clock_range>), sizeof(std::vector<clock_range>));
  RangeList<clock_range> one;
  one.add({0, 5});
  EXPECT_EQ(one.bytes_used(), sizeof(clock_range));
  constexpr std::size_t count = 1 << 16;
  constexpr std::size_t bytes = count * sizeof(clock_range);
  RangeList<clock_range> appended;
  for (std::size_t i = 0; i < count; ++i) appended.add({2 * i, 2 * i + 1});
  EXPECT_LE(appended.bytes_used(), bytes + bytes / 100);
  RangeList<clock_range> mixed;
  for (const clock_value at : shuffled(count, 9)) mixed.add({2 * at, 2 * at + 1});
  EXPECT_LE(mixed.bytes_used(), bytes * 2);
}

}  // namespace
}  // namespace weft::yjs
