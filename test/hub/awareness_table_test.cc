#include "weft/hub/awareness_table.h"

#include <gtest/gtest.h>

namespace weft::hub {
namespace {

constexpr std::uint64_t alice = 1;
constexpr std::uint64_t bob = 2;

std::vector<std::pair<std::uint64_t, std::string>> states(const base::byte_vector& update) {
  std::vector<std::pair<std::uint64_t, std::string>> out;
  const auto entries = yjs::decode_awareness(update);
  for (const auto& entry : *entries) {
    out.emplace_back(entry.client, std::string(entry.state));
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(AwarenessTable, OlderClocksAreIgnoredAndOnlyNewsAreTold) {
  const HubOptions options;
  AwarenessTable table(options);
  EXPECT_TRUE(table.apply({10, 5, R"({"a":1})"}, alice, 0, 0));
  const auto seen = table.last_change();
  EXPECT_TRUE(table.apply({10, 4, R"({"a":0})"}, alice, 0, 0));
  EXPECT_EQ(table.last_change(), seen);
  EXPECT_TRUE(table.apply({20, 1, R"({"b":1})"}, bob, 0, 0));
  std::uint64_t only_from = 0;
  EXPECT_EQ(states(table.changes_since(seen, only_from)),
            (std::vector<std::pair<std::uint64_t, std::string>>{{20, R"({"b":1})"}}));
  EXPECT_EQ(only_from, bob);
  EXPECT_EQ(states(table.changes_since(0, only_from)).size(), 2u);
  EXPECT_EQ(only_from, 0u);
}

TEST(AwarenessTable, PresenceWaitsForTheEditsBeforeIt) {
  const HubOptions options;
  AwarenessTable table(options);
  EXPECT_TRUE(table.apply({10, 1, R"({"at":1})"}, alice, /*visible_after=*/7, /*committed=*/6));
  EXPECT_EQ(table.last_change(), 0u);
  EXPECT_FALSE(table.release(6));
  EXPECT_TRUE(table.release(7));
  EXPECT_EQ(table.last_change(), 1u);
}

TEST(AwarenessTable, ALeavingSessionWithdrawsItsClientsOnly) {
  const HubOptions options;
  AwarenessTable table(options);
  table.apply({10, 1, "{}"}, alice, 0, 0);
  table.apply({11, 1, "{}"}, alice, 0, 0);
  table.apply({20, 1, "{}"}, bob, 0, 0);
  // Client 11 has come back over bob's connection.
  table.apply({11, 2, "{}"}, bob, 0, 0);
  const auto seen = table.last_change();
  EXPECT_TRUE(table.withdraw(alice));
  std::uint64_t only_from = 0;
  EXPECT_EQ(states(table.changes_since(seen, only_from)),
            (std::vector<std::pair<std::uint64_t, std::string>>{{10, "null"}}));
  EXPECT_FALSE(table.withdraw(alice));
  table.forget_withdrawn(seen);
  EXPECT_EQ(states(table.changes_since(0, only_from)).size(), 3u);
  table.forget_withdrawn(table.last_change());
  EXPECT_EQ(states(table.changes_since(0, only_from)).size(), 2u);
}

TEST(AwarenessTable, NobodyIsWithdrawnByWhoOnlyRepeatsThem) {
  const HubOptions options;
  AwarenessTable table(options);
  table.apply({10, 5, "{}"}, alice, 0, 0);
  const auto seen = table.last_change();
  // A client that lost its connection forgets the others, and tells that once it is back.
  EXPECT_TRUE(table.apply({10, 5, "null"}, bob, 0, 0));
  EXPECT_EQ(table.last_change(), seen);
  EXPECT_TRUE(table.apply({10, 5, "null"}, alice, 0, 0));
  EXPECT_EQ(table.last_change(), seen + 1);
  // The same for what waits for edits.
  table.apply({11, 3, "{}"}, alice, /*visible_after=*/7, /*committed=*/6);
  table.apply({11, 3, "null"}, bob, /*visible_after=*/7, /*committed=*/6);
  EXPECT_TRUE(table.release(7));
  std::uint64_t only_from = 0;
  EXPECT_EQ(states(table.changes_since(seen + 1, only_from)),
            (std::vector<std::pair<std::uint64_t, std::string>>{{11, "{}"}}));
  EXPECT_EQ(only_from, alice);
}

TEST(AwarenessTable, BoundsAreKept) {
  HubOptions options;
  options.awareness_clients_max = 2;
  options.awareness_state_bytes_max = 8;
  AwarenessTable table(options);
  EXPECT_FALSE(table.apply({1, 1, R"({"too":"long"})"}, alice, 0, 0));
  EXPECT_TRUE(table.apply({1, 1, "{}"}, alice, 0, 0));
  EXPECT_TRUE(table.apply({2, 1, "{}"}, alice, 0, 0));
  EXPECT_FALSE(table.apply({3, 1, "{}"}, alice, 0, 0));
  EXPECT_TRUE(table.apply({2, 2, "{}"}, alice, 0, 0));
}

TEST(AwarenessTable, TheBytesOfAllStatesAreBounded) {
  HubOptions options;
  options.awareness_bytes_max = 20;
  AwarenessTable table(options);
  const std::string eight = R"({"a":11})";
  EXPECT_TRUE(table.apply({1, 1, eight}, alice, 0, 0));
  EXPECT_TRUE(table.apply({2, 1, eight}, alice, /*visible_after=*/1, /*committed=*/0));
  EXPECT_FALSE(table.apply({3, 1, eight}, bob, 0, 0));
  EXPECT_TRUE(table.apply({1, 2, eight}, alice, 0, 0)) << "its old state makes room";
  EXPECT_TRUE(table.release(1));
  EXPECT_FALSE(table.apply({3, 1, eight}, bob, 0, 0));
  EXPECT_TRUE(table.apply({1, 3, "null"}, alice, 0, 0));
  EXPECT_TRUE(table.apply({3, 1, eight}, bob, 0, 0));
  for (std::uint64_t clock = 2; clock < 9; ++clock) {
    EXPECT_TRUE(table.apply({2, clock, eight}, bob, /*visible_after=*/9, /*committed=*/0));
  }
  // When all have gone and are forgotten, all room is back.
  table.withdraw(alice);
  table.withdraw(bob);
  table.forget_withdrawn(table.last_change());
  EXPECT_TRUE(table.apply({4, 1, R"({"abcdefghij":123})"}, bob, 0, 0));
  EXPECT_FALSE(table.apply({5, 1, "{}0"}, bob, 0, 0));
}

}  // namespace
}  // namespace weft::hub
