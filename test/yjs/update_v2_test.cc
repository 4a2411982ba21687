#include "weft/yjs/update_v2.h"

#include <gtest/gtest.h>

#include <string>

#include "yjs/bytes_in_hex.h"

namespace weft::yjs {
namespace {

using testing::hex;
using testing::views;

// What update_test.cc has in format v1: client 5 types "a", "b", "😀", "c" and deletes the "b".
// All bytes here that are not refused were written by Yjs 13.6.
const byte_vector typed_a = hex("00000105000001040502746141000101000001010000");
const byte_vector typed_b = hex("000002450001000001840301620100000001010100");
const byte_vector typed_face = hex("000002450001020001840604f09f98800200000001010200");
const byte_vector typed_c = hex("000002450001060001840301630100000001010400");
const byte_vector deleted_b = hex("0000000000000100000000000105010100");
const byte_vector all_merged =
    hex("00000245020300020400030400840d08746162f09f98806341010201010100000104000105010100");
const byte_vector state =
    hex("0000024501020002000504008100840b077461f09f98806341000301010001010103000105010100");
const byte_vector state_in_v1 = hex("010305000401017401618105000184050105f09f9880630105010101");
const byte_vector empty_v2 = hex("00000000000001000000000000");

// A text with formats and an embed, an array of every kind of value, binary, a subdocument, a map
// and XML.
const byte_vector kinds_in_v1 = hex(
    "011607000601017404626f6c64047472756584070001618107010184070205f09f98806386070504626f6c64046e"
    "756c6cc60702070304626f6c64046e756c6cc507070703117b22696d616765223a22612e706e67227dc607080703"
    "04626f6c64047472756546070002656d077b2263223a317dc60707070802656d046e756c6c08010161017d018807"
    "0c067cc02000007701737e7875017f7601016b75017a0000000000000001c3070c070d02090849070c0373756276"
    "01086175746f4c6f6164782101016d016b010002a80715017d0207010178030170870719060400071a017987071a"
    "050168280007190269640177016901070202011503");
const byte_vector kinds = hex(
    "00030003050247150f00030006460a02420a0012080200420706010046100a422b06008400810084008600c600c5"
    "00c6004600c60008008800c3004900210000008800070087000400870028352774626f6c6461f09f988063626f6c"
    "64626f6c64626f6c64656d656d617375626d6b787079686964010401034401420001034104020301030003030605"
    "0741000601024100011600787e7e760105696d6167657705612e706e6778760101637d017e7d017cc02000007701"
    "737e7875017f7601016b75017a00000000000000010209087601086175746f4c6f6164787d027701690107020200"
    "1202");

TEST(UpdateV2, ConvertsAsYjsBothWays) {
  EXPECT_EQ(*v1_to_v2(state_in_v1), state);
  EXPECT_EQ(*v2_to_v1(state), state_in_v1);
  EXPECT_EQ(*v1_to_v2(kinds_in_v1), kinds);
  EXPECT_EQ(*v2_to_v1(*v1_to_v2(kinds_in_v1)), *diff(kinds_in_v1, empty_state_vector()));
  EXPECT_EQ(*v1_to_v2(empty_update()), empty_v2);
  EXPECT_EQ(*v2_to_v1(empty_v2), hex("0000"));
}

TEST(UpdateV2, MergesAsYjs) {
  EXPECT_EQ(*merge_v2(views({&typed_a, &typed_b, &typed_face, &typed_c, &deleted_b})), all_merged);
  EXPECT_EQ(*merge_v2(views({&deleted_b, &typed_c, &typed_a, &typed_face, &typed_b, &typed_a})),
            all_merged);
  EXPECT_EQ(*merge_v2(views({&typed_face, &typed_a})),
            hex("00000245000102000504000a00840a067461f09f9880410002010100000103000100"));
  EXPECT_EQ(*merge_v2({}), empty_v2);
  EXPECT_EQ(*merge_v2(views({&state})), state);
}

TEST(UpdateV2, DiffAndStateVectorAreThoseOfYjs) {
  EXPECT_EQ(*state_vector_of_v2(state), hex("010505"));
  EXPECT_EQ(*state_vector_of_v2(kinds), hex("01071e"));
  EXPECT_EQ(*state_vector_of_v2(*merge_v2(views({&typed_a, &typed_face}))), hex("010501"));
  EXPECT_EQ(*diff_v2(state, hex("010503")),
            hex("000002450001040001840604efbfbd63020000000101030105010100"));
  EXPECT_EQ(*diff_v2(state, empty_state_vector()), state);
}

TEST(UpdateV2, KeepsValuesThatV1CannotSay) {
  // A format with the value undefined, and one with a bigint.
  const byte_vector marked = hex("00020002024501010001000346008605026d6d41000000000102017f7e00");
  const byte_vector counted =
      hex("000200020245020100020300034600c605026d6d41000000000102037a00000000000000037f0105010100");
  EXPECT_TRUE(validate_v2(marked));
  for (const byte_vector& update : {marked, counted}) {
    const auto converted = v2_to_v1(update);
    ASSERT_FALSE(converted);
    EXPECT_EQ(converted.error().code, make_error_code(errc::no_v1_form));
  }
  EXPECT_EQ(*merge_v2(views({&typed_a, &marked, &counted})),
            hex("000300030102450402010003000300090400460086004600c6090674616d6d6d6d4104010100000105"
                "007f7e7a00000000000000037f0105010100"));
}

TEST(UpdateV2, AKeyMayBeReferredToAgain) {
  // Three XML elements by one key; later Yjs writes the name each time.
  const byte_vector shared = hex("0002010101050000010708057470617261010401010243010001030000");
  EXPECT_EQ(*v2_to_v1(shared),
            hex("010305000701017403047061726107010003047061726107010003047061726100"));
  EXPECT_EQ(
      *merge_v2(views({&shared, &shared})),
      hex("0003000300010500000107140d7470617261706172617061726101040004000401010243010001030000"));
}

TEST(UpdateV2, HalvesOfASurrogatePairBecomeReplacementCharacters) {
  const byte_vector cut = hex("00000105000001040a0674f09f9880790141000101000001020000");
  EXPECT_EQ(*v2_to_v1(cut), hex("010205000401017403efbfbd040103efbfbd0000"));
}

TEST(UpdateV2, RefusesWhatYjsRefuses) {
  const std::vector<std::pair<const char*, errc>> refused = {
      {"", errc::truncated},
      {"00", errc::truncated},
      {"000000000000000000000000", errc::truncated},  // no text in the text column
      {"000001050000010405027461410001010000010100", errc::truncated},    // no delete set
      {"0000010500000104050274ff41000101000001010000", errc::corrupt},    // not UTF-8
      {"000001050000000502746141000101000001010000", errc::truncated},    // no info
      {"000001050000010b0502746141000101000001010000", errc::corrupt},    // content 11
      {"000001050000018a0502746141000101000001010000", errc::corrupt},    // a Skip with an origin
      {"000001050000010703017401010101070001010000", errc::corrupt},      // type 7
      {"00000105000001020402746101010100010101010000", errc::corrupt},    // not JSON
      {"00000185000001040502746141000101000001010000", errc::truncated},  // a client cut short
      {"00000105000001080301740101010001010101007300", errc::corrupt},    // any 115
      {"0000010500000109050274614100010100000101007e00",
       errc::corrupt},  // a subdocument without options
  };
  for (const auto& [bytes, code] : refused) {
    const auto valid = validate_v2(hex(bytes));
    ASSERT_FALSE(valid) << bytes;
    EXPECT_EQ(valid.error().code, make_error_code(code)) << bytes;
    EXPECT_FALSE(v2_to_v1(hex(bytes))) << bytes;
  }
}

TEST(UpdateV2, RefusesClocksThatOverflow) {
  // The clock of the origin: below zero, which Yjs takes and then writes as something else.
  const auto below = validate_v2(hex("0000010501420001840301620100000001010100"));
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code, make_error_code(errc::too_large));
  // 2^52 apart, which the code of v2 cannot say: Yjs writes a wrong one.
  const auto apart = v1_to_v2(hex("0101050084058080808080808008016200"));
  ASSERT_FALSE(apart);
  EXPECT_EQ(apart.error().code, make_error_code(errc::too_large));
}

TEST(UpdateV2, DeletionsOutOfOrderAreSorted) {
  // In v1 [4, 6), [0, 1) and an empty one; v2 says distances, so Yjs writes a wrong clock or
  // throws.
  const byte_vector out_of_order = hex("00010503040200010900");
  EXPECT_EQ(*v2_to_v1(*v1_to_v2(out_of_order)), hex("0001050200010402"));
}

/// The empty update but for `structs` GCs of no length.
byte_vector gc_bomb() { return hex("0000010500000100010000000001ffffffffff0f0000"); }

TEST(UpdateV2, AFewBytesCannotClaimMoreThanTheLimit) {
  const byte_vector bomb = gc_bomb();
  constexpr std::size_t limit = std::size_t{1} << 20;
  const std::error_code over = make_error_code(errc::over_limit);
  EXPECT_EQ(validate_v2(bomb, limit).error().code, over);
  EXPECT_EQ(v2_to_v1(bomb, limit).error().code, over);
  EXPECT_EQ(state_vector_of_v2(bomb, limit).error().code, over);
  EXPECT_EQ(diff_v2(bomb, empty_state_vector(), limit).error().code, over);
  EXPECT_EQ(merge_v2(views({&bomb}), limit).error().code, over);
  EXPECT_EQ(merge_v2(views({&bomb, &state}), limit).error().code, over);
  EXPECT_EQ(validate_v2(bomb).error().code, over) << "the default";
}

TEST(UpdateV2, TheLimitCountsBytesOfV1) {
  EXPECT_TRUE(v2_to_v1(state, state_in_v1.size()));
  EXPECT_FALSE(v2_to_v1(state, state_in_v1.size() - 1));
  const auto both = views({&typed_a, &typed_b});
  const std::size_t together = v2_to_v1(typed_a)->size() + v2_to_v1(typed_b)->size();
  EXPECT_TRUE(merge_v2(both, together));
  EXPECT_FALSE(merge_v2(both, together - 1));
}

}  // namespace
}  // namespace weft::yjs
