#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/random.h"
#include "weft/base/result.h"
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

/// The same in format v2; then a key that is referred to again, undefined and a bigint in formats,
/// and text cut inside a surrogate pair.
const char* const updates_v2_in_hex[] = {
    "00010001020000010706037868310102010101030001010000",
    "00000102000001040a077478f09f98807901040101000001010100",
    "0000010200000103030161010101000001010502630900",
    "0002000206facc97b8160202245e012603c600860b08626f6c64626f6c64440000000001021a7701787e"
    "00",
    "000001020000012804016d010001010001010101067a0000000095b9ebcb00",
    "0000024206030e366e0410460048074400c800c300c5080678f09f988079040000010101041e76010176"
    "7a0000000056762e4302c109780102010500",
    "000005b4e1cf8a1b000001090906617375623433010501010000010106760001f4f0a7c50d010201",
    "00000243010206020009070004008100230027120c78626d6dd0bad0bbd18ed187410100010405010000"
    "000102060101010105030301028b0103010500",
    "0002000206ddde97eb0207052a040c7a1c03280a540b00008400c6008600c800c41612e6bca2e5ad9765"
    "6d656d2271756f74656422420108000002020401061a760101637d017e7702626376010176740301022c"
    "7b41c233dcf5b6db6e7d39019defcbb501030a010c000101",
    "00000245000001020504000a00440603746163410101010000010300010105010101",
    "0002010101050000010708057470617261010401010243010001030000",
    "000300030102450402010003000300090400460086004600c6090674616d6d6d6d410401010000010500"
    "7f7e7a00000000000000037f0105010100",
    "00000105000001040a0674f09f9880790141000101000001020000",
};

byte_vector from_hex(std::string_view hex) {
  byte_vector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

std::vector<byte_vector> from_hex(std::span<const char* const> list) {
  std::vector<byte_vector> out;
  for (const char* const hex : list) out.push_back(from_hex(hex));
  return out;
}

std::vector<byte_vector> updates() { return from_hex(std::span(updates_in_hex)); }
std::vector<byte_vector> updates_v2() { return from_hex(std::span(updates_v2_in_hex)); }

void put_chunk(byte_vector& out, byte_view chunk) {
  WEFT_CHECK(chunk.size() < 255);
  out.push_back(static_cast<std::uint8_t>(chunk.size()));
  out.insert(out.end(), chunk.begin(), chunk.end());
}

/// Pairs of updates in the form of the entries that take several.
std::vector<byte_vector> pairs(const std::vector<byte_vector>& all) {
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

std::vector<byte_vector> with_state_vector(const std::vector<byte_vector>& all) {
  std::vector<byte_vector> out;
  for (const byte_vector& update : all) {
    byte_vector seed;
    put_chunk(seed, update);
    put_chunk(seed, byte_vector{2, 5, 1, 1, 3});
    out.push_back(seed);
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
TEST(FuzzYjs, MergeSeeds) { run(pairs(updates()), merge); }
TEST(FuzzYjs, CompactSeeds) { run(pairs(updates()), compact); }
TEST(FuzzYjs, IndexedSeeds) {
  run(pairs(updates()), indexed);
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
TEST(FuzzYjs, KnowledgeSeeds) { run(pairs(updates()), knowledge); }
TEST(FuzzYjs, RevertSeeds) { run(pairs(updates()), revert); }
TEST(FuzzYjs, ConvertSeeds) { run(updates(), convert); }
TEST(FuzzYjs, ValidateV2Seeds) { run(updates_v2(), validate_v2); }
TEST(FuzzYjs, MergeV2Seeds) { run(pairs(updates_v2()), merge_v2); }
TEST(FuzzYjs, DiffSeeds) { run(with_state_vector(updates()), diff); }
TEST(FuzzYjs, DiffV2Seeds) { run(with_state_vector(updates_v2()), diff_v2); }

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
