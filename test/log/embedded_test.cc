#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "log/op_log_conformance.h"
#include "support/temporary_directory.h"
#include "weft/log/embedded/embedded_log.h"

namespace weft::log::embedded {
namespace {

using conformance::document;
using conformance::Listener;
using conformance::one;
using conformance::OpLogConformance;
using conformance::OwnLogConformance;
using conformance::record;

class EmbeddedPlace final : public conformance::Place {
 public:
  explicit EmbeddedPlace(EmbeddedLogOptions options) : options_(std::move(options)) {
    options_.directory = directory_.path() / "data" / "log";
  }
  std::unique_ptr<OpLog> open() override {
    auto log = EmbeddedLog::open(options_);
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
  std::unique_ptr<OpLog> open_bounded(std::size_t inflight_bytes_max) override {
    options_.inflight_bytes_max = inflight_bytes_max;
    return open();
  }

 private:
  test::TemporaryDirectory directory_;
  EmbeddedLogOptions options_;
};

conformance::place_factory place(EmbeddedLogOptions options) {
  return [options] { return std::make_unique<EmbeddedPlace>(options); };
}

EmbeddedLogOptions with(durability how) {
  EmbeddedLogOptions options;
  options.durability = how;
  return options;
}

/// Everything split as small as it gets: many chunks a commit, many commits.
EmbeddedLogOptions small_pieces() {
  EmbeddedLogOptions options = with(durability::os);
  options.chunk_bytes_max = 150;
  options.commit_bytes_max = 2000;
  options.commit_interval_us = std::chrono::microseconds(200);
  return options;
}

const auto places = ::testing::Values(place(with(durability::fsync)), place(with(durability::os)),
                                      place(with(durability::memory)), place(small_pieces()));
INSTANTIATE_TEST_SUITE_P(embedded, OpLogConformance, places);
INSTANTIATE_TEST_SUITE_P(embedded, OwnLogConformance, places);

TEST(embedded_log, a_second_opening_of_the_same_directory_is_refused_clearly) {
  const test::TemporaryDirectory directory;
  EmbeddedLogOptions options;
  options.directory = directory.path() / "log";
  const auto first = EmbeddedLog::open(options);
  ASSERT_TRUE(first);
  const auto second = EmbeddedLog::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::failed);
  EXPECT_NE(second.error().message.find("in use by another process"), std::string::npos)
      << second.error().message;
}

TEST(embedded_log, a_record_beyond_the_limit_is_refused_alone) {
  const test::TemporaryDirectory directory;
  EmbeddedLogOptions options;
  options.directory = directory.path();
  options.record_bytes_max = 1000;
  const auto log = EmbeddedLog::open(options);
  ASSERT_TRUE(log);
  const auto large = (*log)->append(document("a"), one(record(1, 1, std::string(1001, 'x'))));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, errc::too_large);
  EXPECT_TRUE((*log)->append(document("a"), one(record(1, 1, std::string(1000, 'x')))));
}

TEST(embedded_log, one_commit_wakes_an_executor_once) {
  const test::TemporaryDirectory directory;
  EmbeddedLogOptions options;
  options.directory = directory.path();
  options.commit_interval_us = std::chrono::milliseconds(50);
  test::TestExecutor executor;
  const auto log = EmbeddedLog::open(options);
  ASSERT_TRUE(log);
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  constexpr std::uint64_t documents = 50;
  for (std::uint64_t i = 0; i < documents; ++i) {
    listeners.push_back(std::make_unique<Listener>());
    subscriptions.push_back(
        (*log)->subscribe(document(std::to_string(i)), executor, *listeners.back()));
  }
  for (std::uint64_t round = 0; round < 10; ++round) {
    for (std::uint64_t i = 0; i < documents; ++i) {
      ASSERT_TRUE((*log)->append(document(std::to_string(i)), one(record(1, round))));
    }
  }
  for (const auto& listener : listeners) EXPECT_EQ(listener->wait_for(10).size(), 10u);
  const EmbeddedLogStats stats = (*log)->stats();
  EXPECT_EQ(stats.records, documents * 10);
  EXPECT_EQ(stats.inflight_bytes, 0u);
  EXPECT_LE(executor.posted(), stats.commits);
  EXPECT_LT(stats.commits, 20u);
  executor.run_on([&] { subscriptions.clear(); });
}

TEST(embedded_log, a_disk_below_its_reserve_refuses_appends_and_takes_them_again_later) {
  const test::TemporaryDirectory directory;
  EmbeddedLogOptions options;
  options.directory = directory.path();
  // A file of 2 GiB takes the free room from 1 GiB above the reserve to 1 GiB below it.
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  const auto free = std::filesystem::space(directory.path()).available;
  ASSERT_GT(free, 3 * gib) << "this test needs 3 GiB of free disk";
  options.disk_reserve_bytes = free - gib;
  const auto filler = directory.path() / "filler";
  const int file = ::open(filler.c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::posix_fallocate(file, 0, static_cast<off_t>(2 * gib)), 0);
  ::close(file);
  test::TestExecutor executor;
  Listener listener;
  const auto log = EmbeddedLog::open(options);
  ASSERT_TRUE(log);
  auto subscription = (*log)->subscribe(document("a"), executor, listener);
  ASSERT_TRUE((*log)->append(document("a"), one(record(1, 1))));
  ASSERT_EQ(listener.wait_for_failed(1).size(), 1u);
  EXPECT_EQ(listener.why().code, errc::disk_full);
  EXPECT_FALSE((*log)->writable());
  const auto refused = (*log)->append(document("a"), one(record(1, 2)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::disk_full);
  EXPECT_TRUE(listener.records().empty());

  std::filesystem::remove(filler);
  while (!(*log)->writable()) std::this_thread::yield();
  ASSERT_TRUE((*log)->append(document("a"), one(record(1, 3))));
  EXPECT_EQ(listener.wait_for(1).size(), 1u);
  executor.run_on([&] { subscription.reset(); });
}

}  // namespace
}  // namespace weft::log::embedded
