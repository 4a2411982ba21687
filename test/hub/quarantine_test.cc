#include "weft/hub/quarantine.h"

#include <gtest/gtest.h>

#include "weft/hub/errc.h"

namespace weft::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::DocumentId notes{"team", "notes", {}};
const base::DocumentId other{"team", "other", {}};

class Recorder final : public QuarantineKeeper {
 public:
  void entered(const QuarantineEntry& entry) override { in.push_back(entry); }
  void left(const QuarantineEntry& entry) override { out.push_back(entry); }
  std::vector<QuarantineEntry> in, out;
};

TEST(Quarantine, EachFailureDoublesTheWaitUpToABound) {
  Quarantine quarantine({milliseconds(1000), milliseconds(3000)});
  base::monotonic_time now{};
  for (const auto wait : {1000, 2000, 3000, 3000}) {
    quarantine.enter(notes, "bad", now, 5);
    EXPECT_TRUE(quarantine.holds(notes, now));
    EXPECT_TRUE(quarantine.holds(notes, now + milliseconds(wait - 1)));
    EXPECT_FALSE(quarantine.holds(notes, now + milliseconds(wait)));
    EXPECT_FALSE(quarantine.holds(other, now));
    now += milliseconds(wait);
  }
  EXPECT_EQ(quarantine.find(notes)->attempts, 4u);
}

TEST(Quarantine, WhoIsHeldOffIsToldWhyAndUntilWhen) {
  Quarantine quarantine;
  quarantine.enter(notes, "record 3: checksum", seconds(10), 5);
  const auto why = quarantine.holds(notes, seconds(10));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::broken);
  EXPECT_NE(why->message.find("record 3: checksum"), std::string::npos);
  EXPECT_NE(why->message.find("in 1 s"), std::string::npos) << why->message;
}

TEST(Quarantine, OneIncidentIsToldOnceHoweverOftenItIsTried) {
  Recorder recorder;
  Quarantine quarantine({}, &recorder);
  quarantine.enter(notes, "first", seconds(1), 5);
  quarantine.enter(notes, "second", seconds(2), 6);
  ASSERT_EQ(recorder.in.size(), 1u);
  EXPECT_EQ(recorder.in[0].since_ms, 5);
  EXPECT_EQ(quarantine.find(notes)->reason, "second");
  EXPECT_TRUE(quarantine.leave(notes));
  EXPECT_FALSE(quarantine.leave(notes));
  EXPECT_EQ(recorder.out.size(), 1u);
  EXPECT_EQ(quarantine.size(), 0u);
}

TEST(Quarantine, WhatWasRestoredOrReleasedIsReadAtOnce) {
  Quarantine quarantine;
  quarantine.restore({notes, "from before", 5, 0});
  EXPECT_EQ(quarantine.list().size(), 1u);
  EXPECT_FALSE(quarantine.holds(notes, {}));
  quarantine.enter(notes, "still", seconds(1), 9);
  EXPECT_EQ(quarantine.find(notes)->since_ms, 5);
  EXPECT_TRUE(quarantine.holds(notes, seconds(1)));
  EXPECT_TRUE(quarantine.retry_now(notes));
  EXPECT_FALSE(quarantine.holds(notes, seconds(1)));
  EXPECT_FALSE(quarantine.retry_now(other));
}

}  // namespace
}  // namespace weft::hub
