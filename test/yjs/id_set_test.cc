#include "weft/yjs/id_set.h"

#include <gtest/gtest.h>

#include <set>

#include "weft/base/random.h"

namespace weft::yjs {
namespace {

using ranges = std::vector<clock_range>;

ranges ranges_of(const IdSet& set, client_id client) {
  const auto& list = set.clients().at(client);
  return {list.begin(), list.end()};
}

TEST(IdSet, JoinsRangesThatTouch) {
  IdSet set;
  set.add(1, {0, 5});
  set.add(1, {5, 7});
  set.add(1, {10, 12});
  set.add(1, {7, 10});
  EXPECT_EQ(ranges_of(set, 1), (ranges{{0, 12}}));
  EXPECT_EQ(set.contiguous_end(1), 12u);
  EXPECT_EQ(set.contiguous_end(2), 0u);
}

TEST(IdSet, SaysWhatIsMissing) {
  IdSet set;
  set.add(1, {2, 4});
  set.add(1, {6, 8});
  EXPECT_EQ(set.missing(1, {0, 10}), (ranges{{0, 2}, {4, 6}, {8, 10}}));
  EXPECT_EQ(set.missing(1, {3, 7}), (ranges{{4, 6}}));
  EXPECT_EQ(set.missing(1, {6, 8}), ranges{});
  EXPECT_EQ(set.missing(9, {6, 8}), (ranges{{6, 8}}));
  EXPECT_TRUE(set.missing(1, {5, 5}).empty());
}

TEST(IdSet, AgreesWithASetOfClocks) {
  base::random random(7);
  for (int round = 0; round < 200; ++round) {
    IdSet set;
    std::set<clock_value> model;
    for (int i = 0; i < 40; ++i) {
      ranges batch;
      clock_value at = random.below(60);
      const std::uint64_t count = random.below(4) == 0 ? 20 : 1;
      for (std::uint64_t k = 0; k < count; ++k) {
        const clock_range range{at, at + 1 + random.below(4)};
        for (clock_value c = range.start; c < range.end; ++c) model.insert(c);
        batch.push_back(range);
        at = range.end + 1 + random.below(3);
      }
      if (count == 1) {
        set.add(3, batch[0]);
      } else {
        set.add(3, batch);
      }
    }
    for (clock_value start = 0; start < 90; ++start) {
      for (clock_value end = start; end < start + 12; ++end) {
        bool all = true;
        bool any = false;
        for (clock_value c = start; c < end; ++c) {
          all = all && model.contains(c);
          any = any || model.contains(c);
        }
        ASSERT_EQ(set.contains(3, {start, end}), all) << start << ' ' << end;
        ASSERT_EQ(set.intersects(3, {start, end}), any) << start << ' ' << end;
        clock_value missing = 0;
        for (const clock_range range : set.missing(3, {start, end})) {
          for (clock_value c = range.start; c < range.end; ++c) {
            ASSERT_FALSE(model.contains(c));
            ++missing;
          }
        }
        clock_value expected = 0;
        for (clock_value c = start; c < end; ++c) expected += model.contains(c) ? 0 : 1;
        ASSERT_EQ(missing, expected);
      }
    }
  }
}

TEST(IdSet, KnowsWhetherItHoldsAnother) {
  IdSet all;
  IdSet some;
  EXPECT_TRUE(all.contains(some));
  all.add(1, {0, 5});
  all.add(2, {7, 9});
  some.add(1, {1, 2});
  some.add(1, {3, 5});
  EXPECT_TRUE(all.contains(some));
  EXPECT_FALSE(some.contains(all));
  some.add(2, {6, 8});
  EXPECT_FALSE(all.contains(some));
}

}  // namespace
}  // namespace weft::yjs
