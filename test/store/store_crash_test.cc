#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "store/crash_subject.h"
#include "support/crashing_process.h"
#include "support/temporary_directory.h"
#include "weft/base/random.h"
#include "weft/store/filesystem/filesystem_store.h"
#include "weft/store/rocksdb/rocksdb_store.h"

/// A process that loses its unsynced bytes: what a store promised is there.
namespace weft::store {
namespace {

namespace fs = std::filesystem;

class StoreCrash : public ::testing::TestWithParam<std::string> {
 protected:
  /// Runs the subject until it has said about `bytes`, and takes the power away: what it promised,
  /// document → covered end.
  std::map<int, std::uint64_t> crash_after(const std::string& kind, std::size_t bytes) {
    test::CrashingProcess subject({WEFT_CRASH_SUBJECT, kind, (home_.path() / "store").string()},
                                  WEFT_UNSYNCED_LIBRARY, home_.path());
    subject.read_output(bytes);
    subject.lose_power();
    subject.read_output();
    EXPECT_EQ(subject.wait(), 137);
    return promises(subject);
  }
  static std::map<int, std::uint64_t> promises(const test::CrashingProcess& subject) {
    std::map<int, std::uint64_t> out;
    std::istringstream lines(subject.lines());
    int number = 0;
    for (std::uint64_t covered = 0; lines >> number >> covered;) out[number] = covered;
    return out;
  }

  /// What is stored; every snapshot in it is whole.
  std::map<int, std::uint64_t> stored() {
    std::map<int, std::uint64_t> out;
    const auto each = [&out](StoredValue&& value) {
      ASSERT_TRUE(value.snapshot) << value.snapshot.error().message;
      const auto expected = crash::snapshot(value.snapshot->covered_end.value);
      EXPECT_TRUE(base::equal(value.snapshot->update, expected.update));
      out[std::stoi(value.document.doc_id)] = value.snapshot->covered_end.value;
    };
    const auto look = [&each](auto&& opened) {
      ASSERT_TRUE(opened) << opened.error().message;
      const auto read = (*opened)->audit(nullptr, each);
      EXPECT_TRUE(read) << (read ? "" : read.error().message);
    };
    const fs::path place = home_.path() / "store";
    if (GetParam() == "rocksdb") {
      look(rocks::RocksDbStore::open({.directory = place}));
    } else {
      look(filesystem::FilesystemStore::open({.directory = place}));
    }
    return out;
  }

  test::TemporaryDirectory home_;
};

TEST_P(StoreCrash, every_promised_snapshot_survives_the_loss_of_all_unsynced_bytes) {
  base::random random(base::system_seed());
  std::map<int, std::uint64_t> promised;
  for (int round = 0; round < 3; ++round) {
    const std::size_t until = 200 + random.below(2000);
    SCOPED_TRACE("round " + std::to_string(round) + ", ended after " + std::to_string(until));
    for (const auto& [number, covered] : crash_after(GetParam(), until)) promised[number] = covered;
    EXPECT_GT(promised.size(), 2u);
    auto held = stored();
    for (const auto& [number, covered] : promised) EXPECT_GE(held[number], covered) << number;
  }
}

TEST_P(StoreCrash, without_syncs_the_same_crash_loses_snapshots_so_the_test_can_fail) {
  const auto promised = crash_after(GetParam() + "-os", 1500);
  EXPECT_GT(promised.size(), 2u);
  auto held = stored();
  std::size_t missing = 0;
  for (const auto& [number, covered] : promised) missing += held[number] < covered ? 1u : 0u;
  EXPECT_GT(missing, 0u);
}

TEST_P(StoreCrash, after_a_failed_sync_nothing_is_promised_that_is_not_there) {
  test::CrashingProcess subject(
      {WEFT_CRASH_SUBJECT, GetParam(), (home_.path() / "store").string(), "until-failure"},
      WEFT_UNSYNCED_LIBRARY, home_.path(), {"WEFT_SYNC_FAIL_AFTER=60"});
  subject.read_output();
  EXPECT_EQ(subject.wait(), 0);
  const auto promised = promises(subject);
  EXPECT_FALSE(promised.empty());
  auto held = stored();
  for (const auto& [number, covered] : promised) EXPECT_GE(held[number], covered) << number;
}

TEST(PlainFiles, survive_a_full_disk) {
  const test::TemporaryDirectory home;
  test::CrashingProcess subject({WEFT_CRASH_SUBJECT, "filesystem", (home.path() / "store").string(),
                                 (home.path() / "full").string()},
                                WEFT_UNSYNCED_LIBRARY, home.path());
  subject.read_output();
  EXPECT_EQ(subject.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(every_kind, StoreCrash, ::testing::Values("rocksdb", "filesystem"));

}  // namespace
}  // namespace weft::store
