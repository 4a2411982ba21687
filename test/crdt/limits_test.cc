#include <gtest/gtest.h>

#include "crdt/documents.h"
#include "weft/crdt/reader.h"
#include "weft/yjs/update.h"

namespace weft::crdt {
namespace {

class ReaderLimits : public testing::Test {
 protected:
  void SetUp() override {
    if (!available()) GTEST_SKIP() << "built without rust/bridge";
  }

  static void expect_too_large(const result<std::string>& read, std::string_view limit) {
    ASSERT_FALSE(read) << limit;
    EXPECT_EQ(read.error().code, errc::too_large);
    EXPECT_NE(read.error().message.find(limit), std::string::npos) << read.error().message;
  }
};

/// Arrays inside each other, `count` of them.
base::byte_vector nested(std::uint64_t count) {
  Update update;
  yjs::Writer& out = update.section(1, count);
  in_root(yjs::type_ref, "a", out);
  out.uint(0);
  for (std::uint64_t i = 1; i < count; ++i) {
    inside(yjs::type_ref, 1, i - 1, out);
    out.uint(0);
  }
  return update.finish();
}

/// A text of `runs` letters, each after a change of format, under `formats` open formats.
base::byte_vector formatted(std::uint64_t formats, std::uint64_t runs) {
  Update update;
  yjs::Writer& out = update.section(1, formats + 2 * runs);
  std::uint64_t clock = 0;
  const auto head = [&](std::uint8_t ref) {
    clock == 0 ? in_root(ref, "t", out) : after(ref, 1, clock - 1, out);
    ++clock;
  };
  const auto format = [&](const std::string& key, std::uint64_t value) {
    head(yjs::format_ref);
    text(key, out);
    text(std::to_string(value), out);
  };
  for (std::uint64_t i = 0; i < formats; ++i) format("f" + std::to_string(i), i);
  for (std::uint64_t i = 0; i < runs; ++i) {
    format("x", i);
    head(yjs::string_ref);
    text("y", out);
  }
  return update.finish();
}

TEST_F(ReaderLimits, NestingIsBoundedAndItsBoundCanBeReached) {
  const Limits limits;
  EXPECT_TRUE(read_json(nested(limits.nesting_max)));
  EXPECT_TRUE(read_content(nested(limits.nesting_max)));
  expect_too_large(read_json(nested(limits.nesting_max + 1)), "nesting_max");
  expect_too_large(read_json(nested(100'000)), "nesting_max");
}

TEST_F(ReaderLimits, FormatsTimesRunsAreBounded) {
  Limits limits;
  limits.formats_max = 1000;
  EXPECT_TRUE(read_delta(formatted(8, 100), "t", limits));
  expect_too_large(read_delta(formatted(10, 100), "t", limits), "formats_max");
  expect_too_large(read_json(formatted(10'000, 20'000)), "formats_max");
}

TEST_F(ReaderLimits, StructsAreBoundedAsTheyAreAfterCompaction) {
  Limits limits;
  limits.structs_max = 100;
  EXPECT_TRUE(read_json(formatted(0, 50), limits));
  expect_too_large(read_json(formatted(0, 51), limits), "structs_max");
}

TEST_F(ReaderLimits, TimeIsBounded) {
  Limits limits;
  limits.time_ms_max = 0;
  expect_too_large(read_json(formatted(10, 5'000), limits), "time_ms_max");
}

TEST_F(ReaderLimits, ClocksThatYrsCannotHoldAreRefused) {
  Update update;
  yjs::Writer& out = update.section(1, 2);
  in_root(yjs::deleted_ref, "t", out);
  out.uint((std::uint64_t{1} << 31) - 1);
  after(yjs::string_ref, 1, 0, out);
  text("x", out);
  expect_too_large(read_json(update.finish()), "clock");
}

TEST_F(ReaderLimits, ALongTextTakesMemoryAndTimeInProportion) {
  // Pairwise joining of its pieces, as yrs' commit does it, would take gigabytes.
  Update update;
  yjs::Writer& out = update.section(1, 1);
  in_root(yjs::string_ref, "t", out);
  const std::string letters(std::size_t{16} << 20, 'a');
  text(letters, out);
  const auto read = read_text(update.finish(), "t");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(*read == letters);
}

TEST_F(ReaderLimits, AListThatHoldsTextOutsideTheBasicPlaneIsRefusedRatherThanReadForEver) {
  Update update;
  yjs::Writer& out = update.section(1, 2);
  in_root(yjs::type_ref, "a", out);
  out.uint(0);
  inside(yjs::string_ref, 1, 0, out);
  text("😀", out);
  const auto read = read_json(update.finish());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::failed);
}

TEST_F(ReaderLimits, APanicIsAnErrorAndSilentAndTheReaderGoesOn) {
  // Found by fuzzing: a client's section twice, with a gap. yrs, given it as it is, panics.
  const auto bytes = from_hex(
      "060101010101010101010101010101010101010101210100fb000101ffffffdfffffff04010100010101000001"
      "0101ffffffffffffff0401010001010100000101");
  ASSERT_TRUE(yjs::validate(bytes));
  const byte_view input(bytes);
  testing::internal::CaptureStderr();
  const auto same = same_document(input, {&input, 1});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, errc::failed);
  EXPECT_NE(same.error().message.find("panic: "), std::string::npos) << same.error().message;
  EXPECT_NE(same.error().message.find("(yrs-"), std::string::npos) << same.error().message;
  // Brought into form first, the same bytes read.
  EXPECT_TRUE(read_json(bytes));
  EXPECT_TRUE(read_json(every_type()));
}

}  // namespace
}  // namespace weft::crdt
