#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "log/log_listener.h"
#include "support/crashing_process.h"
#include "support/temporary_directory.h"
#include "support/test_executor.h"
#include "weft/base/random.h"
#include "weft/log/embedded/embedded_log.h"

/// A process that loses its unsynced bytes, a full disk and a failing sync.
namespace weft::log::embedded {
namespace {

namespace fs = std::filesystem;
using conformance::count_up;
using conformance::document;
using conformance::seqs;

/// The subject, with its log in `home`/log.
class Subject : public test::CrashingProcess {
 public:
  Subject(const std::string& mode, const fs::path& home, std::vector<std::string> settings = {})
      : CrashingProcess(
            {WEFT_CRASH_SUBJECT, mode, (home / "log").string(), (home / "full").string()},
            WEFT_UNSYNCED_LIBRARY, home, std::move(settings)) {}
};

class EmbeddedCrash : public ::testing::Test {
 protected:
  /// What is stored: document name → offset → seq.
  using contents = std::map<std::string, std::map<std::uint64_t, std::uint64_t>>;

  contents read_all(const fs::path& directory) {
    EmbeddedLogOptions options;
    options.directory = directory;
    const auto log = EmbeddedLog::open(options);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    if (!log) return {};
    const auto all =
        test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
          (*log)->read_partition({}, std::size_t{1} << 40, executor_, std::move(done));
        });
    EXPECT_TRUE(all) << (all ? "" : all.error().message);
    contents out;
    if (!all) return out;
    for (const PartitionRecord& entry : all->records) {
      out[entry.document.doc_id][entry.entry.offset.value] = entry.entry.record.operation.seq;
    }
    return out;
  }

  /// Records promised in a subject's whole lines, and how many of them are not stored.
  static std::pair<std::size_t, std::size_t> promised_and_missing(const std::string& text,
                                                                  contents& stored) {
    std::size_t promised = 0;
    std::size_t missing = 0;
    std::istringstream lines(text.substr(0, text.rfind('\n') + 1));
    std::string name;
    for (std::uint64_t offset = 0, seq = 0; lines >> name >> offset >> seq; ++promised) {
      const auto found = stored[name].find(offset);
      if (found == stored[name].end() || found->second != seq) ++missing;
    }
    return {promised, missing};
  }

  test::TestExecutor executor_;
  test::TemporaryDirectory home_;
};

TEST_F(EmbeddedCrash, every_committed_record_survives_the_loss_of_all_unsynced_bytes) {
  base::random random(base::system_seed());
  std::string promises;
  for (int round = 0; round < 3; ++round) {
    const std::size_t until = 2000 + random.below(60000);
    SCOPED_TRACE("round " + std::to_string(round) + ", ended after " + std::to_string(until));
    Subject subject("load", home_.path());
    subject.read_output(until);
    subject.lose_power();
    subject.read_output();
    EXPECT_EQ(subject.wait(), 137);
    promises += subject.lines();
    contents stored = read_all(home_.path() / "log");
    const auto [promised, missing] = promised_and_missing(promises, stored);
    EXPECT_GT(promised, 100u);
    EXPECT_EQ(missing, 0u) << "of " << promised;
  }
}

TEST_F(EmbeddedCrash, without_syncs_the_same_crash_loses_records_so_the_test_can_fail) {
  Subject subject("load-os", home_.path());
  subject.read_output(40000);
  subject.lose_power();
  subject.read_output();
  EXPECT_EQ(subject.wait(), 137);
  contents stored = read_all(home_.path() / "log");
  const auto [promised, missing] = promised_and_missing(subject.text(), stored);
  EXPECT_GT(promised, 100u);
  EXPECT_GT(missing, 0u);
}

TEST_F(EmbeddedCrash, a_disk_that_fills_up_within_a_commit_ends_appending_until_the_next_start) {
  // Each start goes on after the last; in the second one the very first write fails.
  for (const std::string mode : {"disk-full", "disk-full-at-start", "disk-full"}) {
    Subject subject(mode, home_.path());
    subject.read_output();
    ASSERT_EQ(subject.wait(), 0) << mode;
  }
  // What was under way when the disk was full may be there or not; all that was committed is.
  const contents stored = read_all(home_.path() / "log");
  EXPECT_GE(stored.at("a").size(), 40u);
  EXPECT_LE(stored.at("a").size(), 43u);
}

TEST_F(EmbeddedCrash, a_failed_sync_ends_appending_until_the_next_start) {
  Subject subject("sync-failure", home_.path(), {"WEFT_SYNC_FAIL_AFTER=40"});
  subject.read_output();
  ASSERT_EQ(subject.wait(), 0);
  const std::size_t committed = std::stoul(subject.text());
  EXPECT_GT(committed, 0u);
  const contents stored = read_all(home_.path() / "log");
  EXPECT_GE(stored.at("a").size(), committed);
}

}  // namespace
}  // namespace weft::log::embedded
