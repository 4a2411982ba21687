#include "weft/crdt/reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crdt/documents.h"
#include "weft/yjs/update.h"

namespace weft::crdt {
namespace {

class Reader : public testing::Test {
 protected:
  void SetUp() override {
    if (!available()) GTEST_SKIP() << "built without rust/bridge";
  }
};

std::string text_or_error(const result<std::string>& read) {
  return read ? *read : "error: " + read.error().message;
}

TEST_F(Reader, EveryTypeReadsAsYjsShowsIt) {
  EXPECT_EQ(text_or_error(read_json(every_type())),
            R"({"array":["two",["x"],{"guid":"the-guid"},"AA=="],)"
            R"("map":{"big":9007199254740993,"bytes":"AQL/","float":-0.1,"inner":{"text":"deep"},)"
            R"("integer":7,"large":1e+21,"nan":null,"nothing":null,)"
            R"("object":{"a":{},"b":[1,null,"x"]},"yes":true},)"
            R"("text":"Hïello world 😀",)"
            R"("xml":"<p id=\"one\"><b c=\"d\">sty</b>led</p>tail"})");
}

TEST_F(Reader, ARootReadsAsTextAsDeltaAndAsXml) {
  EXPECT_EQ(text_or_error(read_text(every_type(), "text")), "Hïello world 😀");
  EXPECT_EQ(text_or_error(read_delta(every_type(), "text")),
            R"([{"insert":"Hïello"},{"insert":{"image":"a.png"}},{"insert":" "},)"
            R"({"insert":"world","attributes":{"bold":true,"link":{"href":"x"}}},)"
            R"({"insert":" 😀"}])");
  const std::string xml = R"(<p id="one"><b c="d">sty</b>led</p>tail)";
  EXPECT_EQ(text_or_error(read_xml(every_type(), "xml")), xml);
  EXPECT_EQ(text_or_error(read_text(every_type(), "xml")), xml);
}

TEST_F(Reader, ContentKeepsTypesThatJsonLoses) {
  const auto update = every_type();
  const std::string content = text_or_error(read_content(update));
  yjs::Knowledge held;
  ASSERT_TRUE(yjs::learn(update, held));
  const std::string clock = std::to_string(held.structs.contiguous_end(1));
  EXPECT_TRUE(content.starts_with(R"({"stateVector":{"1":)" + clock +
                                  R"(},"roots":{"array":{"type":"array","items":[)"))
      << content;
  EXPECT_NE(content.find(R"("xml":{"type":"xmlFragment","items":[{"type":"xmlElement","name":"P",)"
                         R"("entries":{"id":"one"},"items":[{"type":"xmlText","delta":[)"
                         R"({"insert":"sty","attributes":{"b":{"c":"d"}}},{"insert":"led"}]}]},)"),
            std::string::npos)
      << content;
}

TEST_F(Reader, ARootThatIsNotThereIsNotFound) {
  for (const std::string_view name : {"", "Text", "\xff\xfe"}) {
    const auto read = read_text(every_type(), name);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, errc::not_found);
  }
}

TEST_F(Reader, BytesThatAreNoUpdateAreCorrupt) {
  const auto whole = every_type();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, whole.size() / 2}) {
    const auto read = read_json(byte_view(whole).first(bytes));
    ASSERT_FALSE(read) << bytes;
    EXPECT_EQ(read.error().code, errc::corrupt);
  }
}

TEST_F(Reader, ARootWithNothingToSeeIsNullAndEmpty) {
  Update gone;
  yjs::Writer& out = gone.section(1, 1);
  in_root(yjs::deleted_ref, "t", out);
  out.uint(5);
  const auto bytes = gone.finish();
  EXPECT_EQ(text_or_error(read_json(bytes)), R"({"t":null})");
  EXPECT_EQ(text_or_error(read_text(bytes, "t")), "");
  EXPECT_EQ(text_or_error(read_delta(bytes, "t")), "[]");
  EXPECT_EQ(text_or_error(read_xml(bytes, "t")), "");
  EXPECT_EQ(text_or_error(read_json(yjs::empty_update())), "{}");
}

TEST_F(Reader, TheJsonContentOfOldYjsIsReadAsValues) {
  Update update;
  yjs::Writer& out = update.section(1, 1);
  in_root(yjs::json_ref, "old", out);
  out.uint(4);
  for (const char* value : {R"({"a":[1,"x",-2.5,true]})", "undefined", R"("s")", "null"}) {
    text(value, out);
  }
  EXPECT_EQ(text_or_error(read_json(update.finish())),
            R"({"old":[{"a":[1,"x",-2.5,true]},null,"s",null]})");
}

TEST_F(Reader, JsonWithHalfASurrogatePairIsAnErrorThatSaysSo) {
  Update update;
  yjs::Writer& out = update.section(1, 1);
  in_root(yjs::json_ref, "old", out);
  out.uint(1);
  text(R"("\ud83d")", out);
  const auto read = read_json(update.finish());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::failed);
  EXPECT_NE(read.error().message.find("surrogate"), std::string::npos);
}

TEST_F(Reader, WhatYjsWouldHoldBackDoesNotShow) {
  // Client 2 stands behind client 1's second clock, which is missing; its next struct waits with
  // it, though it depends on nothing.
  Update update;
  yjs::Writer& two = update.section(2, 2);
  after(yjs::string_ref, 1, 1, two);
  text("x", two);
  in_root(yjs::string_ref, "u", two);
  text("y", two);
  yjs::Writer& one = update.section(1, 1);
  in_root(yjs::string_ref, "t", one);
  text("a", one);
  EXPECT_EQ(text_or_error(read_json(update.finish())), R"({"t":"a"})");
}

TEST_F(Reader, AnItemWhoseParentIsGoneDoesNotShow) {
  Update update;
  yjs::Writer& out = update.section(1, 3);
  in_root(yjs::string_ref, "t", out);
  text("a", out);
  inside(yjs::any_ref, 1, 0, out);  // its parent is text
  out.uint(1);
  out.byte(120);
  after(yjs::any_ref, 1, 1, out);
  out.uint(1);
  out.byte(120);
  EXPECT_EQ(text_or_error(read_content(update.finish())),
            R"({"stateVector":{"1":3},"roots":{"t":{"type":"text","delta":[{"insert":"a"}]}}})");
}

TEST_F(Reader, InsertionsInsideALongRunStandWhereTheyBelong) {
  constexpr std::uint64_t units = 30'000, step = 10;
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  std::string run, expected;
  for (std::uint64_t i = 0; i < units; ++i) {
    run += letters[i % letters.size()];
    if (i > 0 && i % step == 0) expected += '-';
    expected += run.back();
  }
  Update update;
  yjs::Writer& two = update.section(2, units / step - 1);
  for (std::uint64_t at = units - step; at > 0; at -= step) {
    two.byte(yjs::string_ref | yjs::origin_bit | yjs::right_origin_bit);
    for (const std::uint64_t id : {std::uint64_t{1}, at - 1, std::uint64_t{1}, at}) two.uint(id);
    text("-", two);
  }
  yjs::Writer& one = update.section(1, 1);
  in_root(yjs::string_ref, "t", one);
  text(run, one);
  EXPECT_EQ(text_or_error(read_text(update.finish(), "t")), expected);
}

TEST_F(Reader, ACompactedUpdateIsTheSameDocumentAsItsInputsAndAChangedOneIsNot) {
  const auto whole = every_type();
  const auto parts = yjs::split(whole, 100);
  ASSERT_TRUE(parts);
  ASSERT_GT(parts->size(), 3u);
  const std::vector<byte_view> inputs(parts->rbegin(), parts->rend());
  const auto compacted = yjs::compact(inputs);
  ASSERT_TRUE(compacted);
  std::string difference;
  const auto same = same_document(*compacted, inputs, &difference);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(*same) << difference;

  auto changed = *compacted;
  const auto letter = std::search(changed.begin(), changed.end(), "deep", "deep" + 4);
  ASSERT_NE(letter, changed.end());
  *letter = 'p';
  const auto other = same_document(changed, inputs, &difference);
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other);
  EXPECT_NE(difference.find("peep"), std::string::npos) << difference;
}

}  // namespace
}  // namespace weft::crdt
