#include "weft/yjs/v8_sort.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "weft/yjs/merge_order.h"
#include "yjs/bytes_in_hex.h"

namespace weft::yjs {
namespace {

using testing::hex;

enum class comparison { consistent, rivals, circle, wild };
enum class shape { noise, runs, nearly };

/// What V8 made of a list: a hash of the order. See v8_sort_vectors.mjs, which says what the names
/// mean.
struct Vector {
  comparison compared;
  shape shaped;
  std::uint32_t keys;
  std::uint32_t length;
  std::uint32_t hash;
};

constexpr Vector vectors[] = {
#include "yjs/v8_sort_vectors.inc"
};

struct Item {
  std::uint32_t index = 0;
  std::uint32_t key = 0;
  std::uint32_t kind = 0;
};

std::uint32_t key_at(const Vector& v, std::uint32_t i, std::uint32_t chance) {
  switch (v.shaped) {
    case shape::noise:
      return chance % v.keys;
    case shape::runs:
      return (i / 97 % 2 == 0 ? i % 97 : 96 - i % 97) * v.keys / 97;
    case shape::nearly:
      return chance % 16 == 0 ? chance % v.keys : std::min(v.keys - 1, i);
  }
  return 0;
}

bool before(comparison compared, const Item& a, const Item& b) {
  switch (compared) {
    case comparison::consistent:
      return a.key < b.key;
    case comparison::rivals:
      return a.key == b.key ? a.kind != b.kind : a.key < b.key;
    case comparison::circle: {
      const std::uint32_t ahead = (b.key + 5 - a.key) % 5;
      return ahead == 1 || ahead == 2;
    }
    case comparison::wild:
      return (a.key * 31 + b.key * 17 + a.key * b.key * 7 + a.kind) % 5 < 2;
  }
  return false;
}

std::vector<Item> items_of(const Vector& v) {
  std::uint32_t state = v.length * 31 + v.keys;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return state >> 16;
  };
  std::vector<Item> out;
  for (std::uint32_t i = 0; i < v.length; ++i) {
    const std::uint32_t key = key_at(v, i, next());
    out.push_back({i, key, next() % 2});
  }
  return out;
}

std::uint32_t hash_of(const std::vector<Item>& items) {
  std::uint32_t hash = 0x811c9dc5;
  for (const Item& item : items) hash = (hash ^ item.index) * 0x01000193u;
  return hash;
}

TEST(V8Sort, LeavesTheOrderThatV8Leaves) {
  std::vector<Item> scratch;
  for (const Vector& v : vectors) {
    auto items = items_of(v);
    const auto asked = [&](const Item& a, const Item& b) { return before(v.compared, a, b); };
    V8Sort sort(std::span<Item>(items), asked, scratch);
    sort.run();
    EXPECT_EQ(hash_of(items), v.hash)
        << "comparison " << static_cast<int>(v.compared) << ", shape " << static_cast<int>(v.shaped)
        << ", " << v.keys << " keys, " << v.length << " items";
    // Never more than a merge sort may take, however senseless the comparison.
    const double length = v.length;
    EXPECT_LE(static_cast<double>(sort.work()), 4 * length * (std::log2(length) + 6));
  }
}

TEST(V8Sort, IsStableWhereTheComparisonIsConsistent) {
  std::vector<Item> scratch;
  for (const Vector& v : vectors) {
    if (v.compared != comparison::consistent) continue;
    auto items = items_of(v);
    auto expected = items;
    const auto by_key = [](const Item& a, const Item& b) { return a.key < b.key; };
    std::ranges::stable_sort(expected, by_key);
    V8Sort(std::span<Item>(items), by_key, scratch).run();
    EXPECT_EQ(hash_of(items), hash_of(expected));
  }
}

/// Updates of one clock of client 5: a GC when `collected(i)`, else a letter.
template <typename Collected>
std::vector<byte_vector> rivals(std::size_t count, Collected&& collected) {
  std::vector<byte_vector> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(hex(collected(i) ? "010105000001"
                                     "00"
                                   : "01010500040101740178"
                                     "00"));
  }
  return out;
}

std::vector<byte_view> views_of(const std::vector<byte_vector>& updates) {
  return {updates.begin(), updates.end()};
}

constexpr auto every_other = [](std::size_t i) { return i % 2 == 0; };

const byte_vector one_letter =
    hex("01010500040101740178"
        "00");
const byte_vector one_gc =
    hex("010105000001"
        "00");

TEST(MergeOrder, ExactOrderGivesUpBeyondItsBound) {
  const auto kept = rivals(100, every_other);
  const auto updates = views_of(kept);
  MergeReaders few(updates, Values::json);
  ExactOrder bounded(few, 50);
  EXPECT_FALSE(bounded.next());
  EXPECT_TRUE(bounded.gave_up());

  MergeReaders all(updates, Values::json);
  ExactOrder unbounded(all, std::uint64_t{1} << 20);
  std::size_t steps = 0;
  for (; unbounded.next(); ++steps) all.advance();
  EXPECT_EQ(steps, updates.size());
  EXPECT_FALSE(unbounded.gave_up());
}

/// GCs and letters in turn, the first one collected: V8 puts a letter first; taken as equals, the
/// first of the list stays it. So what comes out tells which of the two decided.
TEST(MergeOrder, MergeTakesRivalsAsEqualOnlyBeyondTheBoundOfWork) {
  const auto few = rivals(1000, every_other);
  EXPECT_EQ(*merge(views_of(few)), one_letter);
  // Each reader that ends has the others sorted again: 2 * 10^8 comparisons.
  const auto many = rivals(20'000, every_other);
  EXPECT_EQ(*merge(views_of(many)), one_gc);
}

}  // namespace
}  // namespace weft::yjs
