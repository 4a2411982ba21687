#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/random.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::fuzz {
namespace {

using base::byte_vector;
using base::byte_view;

/// Updates that Yjs wrote; together they hold every kind of struct and content.
const char* const updates_in_hex[] = {
    "01010200070101780302683100",
    "01010201040101740678f09f98807900",
    "010102050301016102630900",
    "0102bae68b9c0b1ac6bae68b9c0b12bae68b9c0b1304626f6c640322782286bae68b9c0b0304626f6c64"
    "046e756c6c00",
    "010102062801016d00017a0000000095b9ebcb00",
    "0104021e4402080678f09f988079c80207020501760101767a0000000056762e43c30222020502c109c5"
    "020b020104747275650102010501",
    "0101f4f0a7c50d0609010161057375623433760001f4f0a7c50d010202",
    "010503030701017806040003030162810304012301016d000301028b2701016d08d0bad0bbd18ed18701"
    "0103010501",
    "01069defcbb5011a0002849defcbb5011506e6bca2e5ad97c69defcbb501179defcbb5011402656d077b"
    "2263223a317d869defcbb5011d02656d046e756c6cc89defcbb501009defcbb501190477026263760101"
    "76740301022c7b41c233dcf5b6db6e7d39c49defcbb5010e9defcbb5010f082271756f74656422019def"
    "cbb501030a0218011a02",
    "010305000401017401610a0144050101630105010102",
};

byte_vector from_hex(std::string_view hex) {
  byte_vector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

std::vector<byte_vector> updates() {
  std::vector<byte_vector> out;
  for (const char* const hex : updates_in_hex) out.push_back(from_hex(hex));
  return out;
}

void put_chunk(byte_vector& out, byte_view chunk) {
  out.push_back(static_cast<std::uint8_t>(chunk.size()));
  out.insert(out.end(), chunk.begin(), chunk.end());
}

/// Pairs of updates in the form of the entries that take several.
std::vector<byte_vector> pairs() {
  const auto all = updates();
  std::vector<byte_vector> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    byte_vector pair;
    put_chunk(pair, all[i]);
    put_chunk(pair, all[(i + 1) % all.size()]);
    put_chunk(pair, all[i]);
    out.push_back(pair);
  }
  return out;
}

byte_vector mutated(byte_vector seed, base::random& random) {
  for (std::uint64_t i = 0; i < 1 + random.below(4) && !seed.empty(); ++i) {
    const auto at = seed.begin() + static_cast<std::ptrdiff_t>(random.below(seed.size()));
    switch (random.below(5)) {
      case 0:
        *at = static_cast<std::uint8_t>(random.next());
        break;
      case 1:
        *at = static_cast<std::uint8_t>(random.below(12));
        break;
      case 2:
        seed.erase(at);
        break;
      case 3:
        seed.insert(at, static_cast<std::uint8_t>(random.below(130)));
        break;
      default:
        *at = static_cast<std::uint8_t>(*at ^ (1 << random.below(8)));
    }
  }
  return seed;
}

template <typename Entry>
void run(const std::vector<byte_vector>& seeds, Entry entry) {
  base::random random(1);
  for (const byte_vector& seed : seeds) {
    entry(seed);
    for (int i = 0; i < 1000; ++i) entry(mutated(seed, random));
  }
}

TEST(FuzzYjs, ValidateSeeds) { run(updates(), validate); }
TEST(FuzzYjs, MergeSeeds) { run(pairs(), merge); }
TEST(FuzzYjs, CompactSeeds) { run(pairs(), compact); }
TEST(FuzzYjs, IndexedSeeds) {
  run(pairs(), indexed);
  std::vector<byte_vector> seeds;
  for (const byte_vector& update : updates()) {
    byte_vector seed;
    put_chunk(seed, byte_vector{2, 5, 1, 1, 3});
    put_chunk(seed, update);
    put_chunk(seed, update);
    seeds.push_back(seed);
  }
  run(seeds, indexed);
}
TEST(FuzzYjs, KnowledgeSeeds) { run(pairs(), knowledge); }
TEST(FuzzYjs, RevertSeeds) { run(pairs(), revert); }

TEST(FuzzYjs, DiffSeeds) {
  std::vector<byte_vector> seeds;
  for (const byte_vector& update : updates()) {
    byte_vector seed;
    put_chunk(seed, update);
    put_chunk(seed, byte_vector{2, 5, 1, 1, 3});
    seeds.push_back(seed);
  }
  run(seeds, diff);
}

TEST(FuzzYjs, SplitSeeds) {
  std::vector<byte_vector> seeds;
  for (byte_vector update : updates()) {
    update.insert(update.begin(), 20);
    seeds.push_back(update);
  }
  run(seeds, split);
}

TEST(FuzzYjs, MessageSeeds) {
  run({yjs::encode_sync_step1(byte_vector{0}), yjs::encode_sync_update(byte_vector(200, 1)),
       yjs::encode_auth_denied("because"), yjs::encode_awareness(byte_vector{0})},
      sync_message);
  const std::vector<yjs::AwarenessEntry> entries{{3, 4, R"({"user":{"name":"é"},"n":[1,2.5e3]})"}};
  run({yjs::encode_awareness_update(entries)}, awareness);
}

}  // namespace
}  // namespace weft::fuzz
