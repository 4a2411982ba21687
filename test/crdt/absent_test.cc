#include <gtest/gtest.h>

#include "weft/crdt/reader.h"

namespace weft::crdt {
namespace {

TEST(WithoutTheBridge, EveryQuestionIsAnsweredWithWhatIsMissingAndHowToGetIt) {
  EXPECT_FALSE(available());
  const base::byte_vector empty{0, 0};
  for (const auto& answer : {read_json(empty), read_content(empty), read_text(empty, "t"),
                             read_delta(empty, "t"), read_xml(empty, "t")}) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, errc::unsupported);
    EXPECT_NE(answer.error().message.find("./dev setup"), std::string::npos);
  }
  EXPECT_EQ(same_document(empty, {}).error().code, errc::unsupported);
}

}  // namespace
}  // namespace weft::crdt
