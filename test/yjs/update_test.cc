#include "weft/yjs/update.h"

#include <gtest/gtest.h>

namespace weft::yjs {
namespace {

TEST(Update, TheEmptyUpdateIsEmpty) {
  EXPECT_TRUE(validate(empty_update()));
  EXPECT_EQ(*is_empty(empty_update()), true);
  EXPECT_EQ(*classify(empty_update(), Knowledge{}), Novelty::empty);
}

}  // namespace
}  // namespace weft::yjs
