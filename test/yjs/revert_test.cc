#include "weft/yjs/revert.h"

#include <gtest/gtest.h>

#include "weft/yjs/item_graph.h"
#include "yjs/bytes_in_hex.h"

namespace weft::yjs {
namespace {

using testing::hex;

byte_vector together(std::initializer_list<byte_vector> updates) {
  const std::vector<byte_view> views(updates.begin(), updates.end());
  return compact(views).value();
}

/// What `revert` finds must look like the past when it is applied, and need no second time.
void expect_reverts(const byte_vector& past, const byte_vector& present) {
  const auto edit = revert(past, present, 99);
  ASSERT_TRUE(edit) << edit.error().message;
  ASSERT_TRUE(validate(*edit));
  const auto reverted = together({present, *edit});
  EXPECT_EQ(same_appearance(reverted, past).value(), true);
  EXPECT_EQ(revert(past, reverted, 100).value(), byte_vector({0, 0}));
  // And back again: an undo of the undo.
  const auto back = revert(present, reverted, 101);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(same_appearance(together({reverted, *back}), present).value(), true);
}

// Client 5 types "a", "b", "😀", "c" into the text "t" and deletes the "b"; written by Yjs 13.6.
const byte_vector typed_ab = together({hex("0101050004010174016100"), hex("01010501840500016200")});
const byte_vector typed_all =
    together({typed_ab, hex("0101050284050104f09f988000"), hex("01010504840503016300")});
const byte_vector deleted_b = hex("000105010101");

TEST(Revert, WhatHasComeSinceIsDeletedAndWhatWentIsInsertedAgain) {
  const byte_vector none = hex("0000");
  const byte_vector now = together({typed_all, deleted_b});
  expect_reverts(none, now);
  expect_reverts(typed_ab, now);
  expect_reverts(typed_all, now);
  expect_reverts(now, now);
  expect_reverts(typed_ab, typed_all);
}

TEST(Revert, TheEditIsAnOrdinaryInsertAtTheOldPlace) {
  const auto edit = revert(typed_all, together({typed_all, deleted_b}), 99);
  // One struct of client 99: "b", between the deleted "b" (5,1) and what follows it (5,2).
  EXPECT_EQ(edit.value(), hex("01016300c405010502016200"));
}

TEST(Revert, ACharacterCutInHalfIsMadeWholeAgain) {
  // Client 6 writes an "x" between the halves of client 5's "😀" (clocks 2 and 3).
  const byte_vector cut = hex("01010600c405020503017800");
  expect_reverts(typed_all, together({typed_all, cut}));
  // And only one half of it is deleted.
  expect_reverts(typed_all, together({typed_all, hex("000105010301")}));
}

TEST(Revert, ValuesOfKeysComeBackAndTypesWithWhatTheyHold) {
  // Map "m": k = 1, then k = a map that holds x = 2, then k is deleted.
  const byte_vector one =
      hex("01010500280101"
          "6d"
          "016b"
          "017d01"
          "00");
  const byte_vector two =
      hex("01020501a7050001"
          "28000501"
          "0178"
          "017d02"
          "0105010001");
  const byte_vector gone = hex("000105010102");
  const byte_vector first = one;
  const byte_vector second = together({one, two});
  const byte_vector third = together({one, two, gone});
  ASSERT_EQ(same_appearance(first, second).value(), false);
  expect_reverts(first, second);
  expect_reverts(first, third);
  expect_reverts(second, third);
}

TEST(Revert, AStateThatIsNoEarlierOneIsRefused) {
  EXPECT_FALSE(revert(typed_all, typed_ab, 99));
  EXPECT_FALSE(revert(typed_ab, typed_all, 5));  // whose client id is taken
  EXPECT_FALSE(revert(hex("01"), typed_all, 99));
  EXPECT_FALSE(revert(typed_all, hex("01"), 99));
}

TEST(Revert, WhatWaitsForSomethingMissingDoesNotCount) {
  const byte_vector waiting =
      hex("01010703"
          "84050a"
          "0177"
          "00");  // behind a gap, on a missing origin
  expect_reverts(typed_ab, together({typed_all, waiting}));
  EXPECT_EQ(same_appearance(typed_all, together({typed_all, waiting})).value(), true);
}

/// Arrays in arrays; the innermost is empty.
byte_vector nested(std::size_t depth) {
  byte_vector out{1};
  const auto put = [&](std::uint64_t value) {
    while (value > 0x7f) {
      out.push_back(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    out.push_back(static_cast<std::uint8_t>(value));
  };
  put(depth);
  put(5);
  put(0);
  for (std::size_t i = 0; i < depth; ++i) {
    put(7);  // a type
    if (i == 0) {
      put(1), put(1), put('a');
    } else {
      put(0), put(5), put(i - 1);
    }
    put(0);  // an array
  }
  put(0);
  return out;
}

TEST(Revert, NestingIsBounded) {
  const byte_vector deep = nested(ItemGraph::depth_max - 1);
  expect_reverts(deep, together({deep, hex("000105010001")}));
  const auto too_deep = revert(nested(100'000), nested(100'000), 99);
  ASSERT_FALSE(too_deep);
  EXPECT_EQ(too_deep.error().code, errc::too_large);
}

TEST(ItemGraph, ConcurrentInsertsStandInYjsOrder) {
  // Clients 1 and 2 write at the start of "t" at once: the smaller client id first.
  const auto graph =
      ItemGraph::build(together({hex("0101020004010174017900"), hex("0101010004010174017800")}));
  ASSERT_TRUE(graph);
  const auto* first = graph->roots().at("t")->first;
  EXPECT_EQ(first->id.client, 1u);
  EXPECT_EQ(first->right->id.client, 2u);
  EXPECT_EQ(first->right->right, nullptr);
  EXPECT_EQ(graph->find({3, 0}), nullptr);
}

}  // namespace
}  // namespace weft::yjs
