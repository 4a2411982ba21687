#include "weft/yjs/update.h"

#include <gtest/gtest.h>

#include <string>

#include "yjs/bytes_in_hex.h"

namespace weft::yjs {
namespace {

using testing::hex;
using testing::views;

// Client 5 types "a", "b", "😀", "c" into the text "t" and deletes the "b"; written by Yjs 13.6.
const byte_vector typed_a = hex("0101050004010174016100");
const byte_vector typed_b = hex("01010501840500016200");
const byte_vector typed_face = hex("0101050284050104f09f988000");
const byte_vector typed_c = hex("01010504840503016300");
const byte_vector deleted_b = hex("000105010101");
const byte_vector all_merged =
    hex("01040500040101740161840500016284050104f09f988084050301630105010101");
const byte_vector state = hex("010305000401017401618105000184050105f09f9880630105010101");

const std::vector<byte_view> typed = views({&typed_a, &typed_b, &typed_face, &typed_c, &deleted_b});

Knowledge knowledge_of(std::initializer_list<const byte_vector*> list) {
  Knowledge out;
  for (const byte_vector* bytes : list) EXPECT_TRUE(learn(*bytes, out));
  return out;
}

TEST(Update, TheEmptyUpdateIsEmpty) {
  EXPECT_TRUE(validate(empty_update()));
  EXPECT_EQ(*is_empty(empty_update()), true);
  EXPECT_EQ(*is_empty(deleted_b), false);
  EXPECT_EQ(*is_empty(hex("0101050a0a0500")), true) << "a Skip alone";
  EXPECT_EQ(*classify(empty_update(), Knowledge{}), Novelty::empty);
}

TEST(Update, MergesAsYjs) {
  EXPECT_EQ(*merge(typed), all_merged);
  EXPECT_EQ(*merge(views({&deleted_b, &typed_c, &typed_a, &typed_face, &typed_b, &typed_a})),
            all_merged);
  EXPECT_EQ(*merge(views({&typed_face, &typed_a})),
            hex("010305000401017401610a0184050104f09f988000"));
  EXPECT_EQ(*merge({}), hex("0000"));
}

TEST(Update, StateVectorStopsAtAGap) {
  EXPECT_EQ(*state_vector_of(all_merged), hex("010505"));
  EXPECT_EQ(*state_vector_of(*merge(views({&typed_a, &typed_face}))), hex("010501"));
  EXPECT_EQ(encode_state_vector(knowledge_of({&all_merged}).structs), hex("010505"));
}

TEST(Update, DiffCutsASurrogatePairAsYjs) {
  EXPECT_EQ(*diff(state, hex("010503")), hex("0101050384050204efbfbd630105010101"));
  EXPECT_EQ(*diff(state, empty_state_vector()), state);
}

TEST(Update, CompactionIsWhatYjsEncodes) {
  EXPECT_EQ(*compact(typed), state);
  EXPECT_EQ(*compact(views({&all_merged, &state, &typed_b})), state);
}

TEST(Update, ClassifiesByWhatIsHeld) {
  const Knowledge none;
  const Knowledge some = knowledge_of({&typed_a, &typed_b});
  const Knowledge full = knowledge_of({&state});
  EXPECT_EQ(*classify(typed_a, none), Novelty::fresh);
  EXPECT_EQ(*classify(typed_a, some), Novelty::contained);
  EXPECT_EQ(*classify(typed_face, some), Novelty::fresh);
  EXPECT_EQ(*classify(all_merged, some), Novelty::partly);
  EXPECT_EQ(*classify(deleted_b, some), Novelty::fresh);
  EXPECT_EQ(*classify(deleted_b, full), Novelty::contained);
  EXPECT_EQ(*classify(all_merged, full), Novelty::contained);
}

TEST(Update, ReducesToWhatIsNew) {
  const Knowledge some = knowledge_of({&typed_a, &typed_b, &typed_face});
  EXPECT_EQ(*reduce(all_merged, some), *merge(views({&typed_c, &deleted_b})));
  EXPECT_TRUE(base::equal(*reduce(all_merged, knowledge_of({&state})), empty_update()));
}

TEST(Update, AFailedLearnLeavesNoTrace) {
  Knowledge known;
  byte_vector broken = all_merged;
  broken.pop_back();
  EXPECT_FALSE(learn(broken, known));
  EXPECT_TRUE(known.structs.empty());
  EXPECT_TRUE(known.deletions.empty());
}

TEST(Update, AReusedClientIdIsNotContained) {
  const byte_vector other_b = hex("01010501840500017a00");
  EXPECT_EQ(*same_content(other_b, views({&typed_b})), false);
  EXPECT_EQ(*same_content(other_b, views({&state})), true) << "deleted there";
  EXPECT_EQ(*same_content(all_merged, typed), true);
  EXPECT_EQ(*contains(views({&all_merged}), typed_face), true);
  EXPECT_EQ(*contains(views({&typed_a, &typed_b}), other_b), false);
  EXPECT_EQ(*contains(views({&typed_a}), typed_b), false);
}

/// One item at clock 0 of client 1, in the text "t".
byte_vector item(const std::string& info, const std::string& content) {
  return hex("01010100" + info + "010174" + content + "00");
}

std::string text(const std::string& of) {
  std::string out;
  const auto add = [&](unsigned byte) {
    for (const unsigned digit : {byte >> 4, byte & 15}) out += "0123456789abcdef"[digit];
  };
  add(static_cast<unsigned>(of.size()));
  for (const char c : of) add(static_cast<unsigned char>(c));
  return out;
}

// yrs keeps objects in hash tables, and pycrdt's provider sends back whatever comes.
TEST(Update, ObjectsSayTheSameInAnyOrderOfTheirProperties) {
  const std::string a = text("a") + "7d05", a_wide = text("a") + "7b4014000000000000",
                    c = text("c") + "78", not_c = text("c") + "79",
                    d = text("d") + "77" + text("x");
  const auto any = [](const std::string& first, const std::string& second) {
    return item("08",
                "01"
                "7602" +
                    first + second);
  };
  const auto b = [](const std::string& first, const std::string& second) {
    return text("b") +
           "7502"
           "7e"
           "7602" +
           first + second;
  };
  const auto embed = [](const std::string& json) { return item("05", text(json)); };
  const auto format = [](const std::string& json) { return item("06", text("k") + text(json)); };
  const auto doc = [](const std::string& first, const std::string& second) {
    return item("09", text("guid") + "7602" + first + second);
  };
  const std::string gc = text("gc") + "79", load = text("autoLoad") + "78",
                    no_load = text("autoLoad") + "79";
  struct Case {
    byte_vector held, same, other;
  };
  const Case cases[] = {
      {any(a, b(c, d)), any(b(d, c), a_wide), any(b(d, not_c), a)},
      {embed(R"({"a":1,"b":{"c":2,"d":3}})"), embed(R"({"b":{"d":3,"c":2},"a":1})"),
       embed(R"({"b":{"d":2,"c":3},"a":1})")},
      {format(R"({"a":1,"b":[2]})"), format(R"({"b":[2],"a":1})"), format(R"({"b":[1],"a":2})")},
      {doc(gc, load), doc(load, gc), doc(no_load, gc)},
  };
  for (const auto& [held, same, other] : cases) {
    ASSERT_TRUE(validate(held) && validate(same) && validate(other));
    EXPECT_EQ(*same_content(same, views({&held})), true);
    EXPECT_EQ(*same_content(held, views({&same})), true);
    EXPECT_EQ(*same_content(other, views({&held})), false);
  }
}

TEST(Update, SplitsWithoutCuttingASurrogatePair) {
  const auto parts = split(state, 1);
  ASSERT_TRUE(parts);
  EXPECT_GT(parts->size(), 1u);
  std::vector<byte_view> list(parts->begin(), parts->end());
  EXPECT_EQ(*compact(list), state);
  EXPECT_EQ(split(state, 1000)->size(), 1u);
}

TEST(Update, RefusesWhatYjsRefuses) {
  const std::vector<std::pair<const char*, errc>> refused = {
      {"", errc::truncated},
      {"00", errc::truncated},
      {"01010500", errc::truncated},
      {"0101050004010174026100", errc::truncated},  // text cut short
      {"010105000b01017401610000", errc::corrupt},  // content 11
      {"010105008a0500016100", errc::corrupt},      // a Skip with an origin
      {"010105000401017401ff00", errc::corrupt},    // not UTF-8
      {"01010500050101740162"
       "00",
       errc::corrupt},                            // an embed that is not JSON
      {"01010500070101740700", errc::corrupt},    // type 7
      {"0101050008010174017300", errc::corrupt},  // any 115
      {"01010500090101740161"
       "7e00",
       errc::corrupt},  // a subdocument without options
      {"0101ffffffffffffffff7f0004010174016100", errc::too_large},
  };
  for (const auto& [bytes, code] : refused) {
    const auto valid = validate(hex(bytes));
    ASSERT_FALSE(valid) << bytes;
    EXPECT_EQ(valid.error().code, make_error_code(code)) << bytes;
  }
}

TEST(Update, IgnoresWhatFollowsTheDeleteSet) {
  byte_vector longer = typed_a;
  longer.push_back(9);
  EXPECT_TRUE(validate(longer));
  EXPECT_EQ(*merge(views({&longer})), longer);
}

TEST(Update, DeepValuesAreRefusedNotFollowed) {
  byte_vector deep = hex("010105000801017401");
  for (int i = 0; i < 100000; ++i) deep.insert(deep.end(), {117, 1});
  deep.push_back(126);
  deep.push_back(0);
  const auto valid = validate(deep);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().code, make_error_code(errc::too_large));

  byte_vector json = hex("0101050005010174");
  std::string text(200000, '[');
  for (std::size_t n = text.size();; n >>= 7) {
    json.push_back(static_cast<std::uint8_t>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
    if (n <= 0x7f) break;
  }
  json.insert(json.end(), text.begin(), text.end());
  json.push_back(0);
  EXPECT_FALSE(validate(json));
}

TEST(Update, CountsThatClaimBillionsCostNothing) {
  EXPECT_FALSE(validate(hex("ffffffff0f")));
  EXPECT_FALSE(validate(hex("01ffffffff0f0500")));
  EXPECT_FALSE(validate(hex("0101050008010174ffffffff0f7e00")));
  EXPECT_FALSE(validate(hex("000105ffffffff0f0101")));
  const byte_vector wide = hex("0101050000ffffffffff0f00");  // one GC of 2^39 clocks
  EXPECT_TRUE(validate(wide));
  EXPECT_LT(compact(views({&wide}))->size(), 32u);
}

TEST(Update, ValuesAreWrittenAsJavaScriptWritesThem) {
  // An embed `{ "b" : 1.50, "a":"\u00e9", "1":-0 }` as JSON.stringify gives it back.
  const std::string loose = R"({ "b" : 1.50, "a":"\u00e9", "1":-0 })";
  const std::string tight = "{\"1\":0,\"b\":1.5,\"a\":\"\xc3\xa9\"}";
  const auto embed = [](const std::string& json) {
    byte_vector out = hex("0101050005010174");
    out.push_back(static_cast<std::uint8_t>(json.size()));
    out.insert(out.end(), json.begin(), json.end());
    out.push_back(0);
    return out;
  };
  const byte_vector input = embed(loose);
  EXPECT_EQ(*merge(views({&input, &deleted_b})), *merge(views({&deleted_b, &input})));
  EXPECT_EQ(*diff(input, empty_state_vector()), embed(tight));
}

}  // namespace
}  // namespace weft::yjs
