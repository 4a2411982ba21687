#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "log/log_listener.h"
#include "support/temporary_directory.h"
#include "support/test_executor.h"
#include "weft/log/embedded/embedded_log.h"

/// Commits that cannot be read, or are not there, are made anew out of the chunks.
namespace weft::log::embedded {
namespace {

using conformance::document;
using conformance::Listener;
using conformance::record;

constexpr std::array names = {"a", "b", "c"};
constexpr std::size_t rounds = 12;

using Content = std::map<std::string, std::string>;

class EmbeddedCommits : public ::testing::Test {
 protected:
  EmbeddedCommits() { options_.directory = home_.path() / "log"; }

  /// Commits of one to three documents each.
  void write(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto log = EmbeddedLog::open(options_);
    ASSERT_TRUE(log) << log.error().message;
    std::array<Listener, names.size()> listeners;
    std::array<std::size_t, names.size()> appended{};
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    for (std::size_t i = 0; i < names.size(); ++i) {
      subscriptions.push_back((*log)->subscribe(document(names[i]), executor_, listeners[i]));
    }
    std::uint64_t seq = (*log)->next_seq();
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        const std::size_t count = random() % 4;
        std::vector<Record> records;
        for (std::size_t n = 0; n < count; ++n) records.push_back(record((*log)->actor(), seq++));
        if (count == 0) continue;
        ASSERT_TRUE((*log)->append(document(names[i]), std::move(records)));
        appended[i] += count;
      }
      for (std::size_t i = 0; i < names.size(); ++i) {
        ASSERT_EQ(listeners[i].wait_for(appended[i]).size(), appended[i]);
      }
    }
    executor_.run_on([&] { subscriptions.clear(); });
  }

  void with_database(const std::function<void(rocksdb::DB&)>& work) {
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open({}, options_.directory.string(), &opened);
    ASSERT_TRUE(status.ok()) << status.ToString();
    const std::unique_ptr<rocksdb::DB> database(opened);
    work(*database);
  }

  Content content() {
    Content out;
    with_database([&](rocksdb::DB& database) {
      const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
      for (at->SeekToFirst(); at->Valid(); at->Next()) {
        out[at->key().ToString()] = at->value().ToString();
      }
    });
    return out;
  }
  static std::vector<std::string> keys(const Content& content, char prefix) {
    std::vector<std::string> out;
    for (const auto& [key, value] : content) {
      if (key[0] == prefix) out.push_back(key);
    }
    return out;
  }

  /// Keys with what is to stand there; nothing: they are taken out.
  void change(const std::map<std::string, std::optional<std::string>>& changes) {
    with_database([&](rocksdb::DB& database) {
      rocksdb::WriteBatch batch;
      for (const auto& [key, value] : changes) {
        if (value) {
          batch.Put(key, *value);
        } else {
          batch.Delete(key);
        }
      }
      ASSERT_TRUE(database.Write(rocksdb::WriteOptions(), &batch).ok());
    });
  }
  void put(const std::string& key, const std::string& value) { change({{key, value}}); }
  void remove(const std::string& key) { change({{key, std::nullopt}}); }
  static std::string garbled(std::string value) {
    value.back() ^= 1;
    return value;
  }

  base::result<std::vector<RebuiltCommit>> repair() {
    return repair_commits(options_.directory,
                          [](const std::vector<RebuiltCommit>&) { return base::result<void>(); });
  }
  LogAudit audit() {
    auto out = audit_directory(options_.directory);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? std::move(*out) : LogAudit();
  }

  test::TestExecutor executor_;
  test::TemporaryDirectory home_;
  EmbeddedLogOptions options_;
};

TEST_F(EmbeddedCommits, each_is_made_anew_as_it_was) {
  write(1);
  const Content whole = content();
  ASSERT_TRUE(repair());
  EXPECT_EQ(content(), whole);
  for (const std::string& key : keys(whole, 'g')) {
    for (const bool there : {true, false}) {
      if (there) {
        put(key, garbled(whole.at(key)));
      } else {
        remove(key);
      }
      const auto found = audit().damage;
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found[0].what, Damage::kind::commit);
      const auto repaired = repair();
      ASSERT_TRUE(repaired) << repaired.error().message;
      ASSERT_EQ(repaired->size(), 1u);
      EXPECT_EQ(repaired->front().key, key);
      EXPECT_EQ(repaired->front().was, there ? garbled(whole.at(key)) : "");
      EXPECT_EQ(repaired->front().first, found[0].first);
      EXPECT_EQ(repaired->front().end, found[0].end);
      EXPECT_EQ(content(), whole);
    }
  }
}

TEST_F(EmbeddedCommits, without_the_last_one_the_log_opens_only_when_it_is_repaired) {
  write(2);
  const Content whole = content();
  const std::uint64_t end = audit().end;
  const std::string last = keys(whole, 'g').back();
  std::uint64_t next_seq = EmbeddedLog::open(options_).value()->next_seq();
  put(last, garbled(whole.at(last)));
  const auto refused = EmbeddedLog::open(options_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
  ASSERT_TRUE(repair());
  const auto log = EmbeddedLog::open(options_);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ((*log)->next_seq(), next_seq);
  Listener listener;
  auto subscription = (*log)->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE((*log)->append(document("a"), conformance::one(record(1, 1))));
  EXPECT_EQ(listener.wait_for(1).front().offset.value, end);
  executor_.run_on([&] { subscription.reset(); });
}

TEST_F(EmbeddedCommits, records_behind_the_last_one_are_seen) {
  write(3);
  const Content whole = content();
  const std::uint64_t end = audit().end;
  remove(keys(whole, 'g').back());
  const auto found = audit();
  ASSERT_EQ(found.damage.size(), 1u);
  EXPECT_EQ(found.damage[0].what, Damage::kind::commit);
  EXPECT_EQ(found.damage[0].end, end);
  EXPECT_EQ(found.end, end);
}

TEST_F(EmbeddedCommits, nothing_is_written_unless_what_was_there_is_kept) {
  write(4);
  const std::string key = keys(content(), 'g')[3];
  put(key, "garbage");
  const Content before = content();
  const auto refused = repair_commits(
      options_.directory, [&](const std::vector<RebuiltCommit>& commits) -> base::result<void> {
        EXPECT_EQ(commits.at(0).was, "garbage");
        return base::fail(errc::disk_full, "no room");
      });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::disk_full);
  EXPECT_EQ(content(), before);
}

TEST_F(EmbeddedCommits, lost_operations_at_the_end_leave_a_gap_in_the_ids) {
  write(5);
  const Content whole = content();
  const std::uint64_t next_seq = EmbeddedLog::open(options_).value()->next_seq();
  // All commits are lost, and of the last records the chunk before the last.
  for (const std::string& key : keys(whole, 'g')) remove(key);
  std::map<std::string, std::string> by_offset;
  for (const std::string& key : keys(whole, 'r')) by_offset[key.substr(9)] = key;
  put(std::prev(by_offset.end(), 2)->second, "garbage");
  ASSERT_TRUE(repair());
  EXPECT_GT(EmbeddedLog::open(options_).value()->next_seq(), next_seq + 1'000'000);
}

TEST_F(EmbeddedCommits, what_nothing_tells_is_refused_and_nothing_changes) {
  write(7);
  const Content whole = content();
  // A document's last chunk, which no later one speaks of, not at the end of the log.
  std::map<std::string, std::string> last;
  for (const std::string& key : keys(whole, 'r')) last[key.substr(0, 9)] = key;
  std::string chunk;
  std::string log_end;
  for (const auto& [document, key] : last) log_end = std::max(log_end, key.substr(9));
  for (const auto& [document, key] : last) {
    if (key.substr(9) != log_end) chunk = key;
  }
  std::string commit;
  for (const std::string& key : keys(whole, 'g')) {
    if (key.substr(1) <= chunk.substr(9)) commit = key;
  }
  change({{chunk, std::nullopt}, {commit, garbled(whole.at(commit))}});
  const Content before = content();
  const auto refused = repair();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt);
  EXPECT_NE(refused.error().message.find("whose"), std::string::npos) << refused.error().message;
  EXPECT_EQ(content(), before);
}

/// Damages commits and chunks at random. Either nothing tells any more what a commit was, and then
/// nothing changes; or all that can still be read is there, and the rest is named.
TEST_F(EmbeddedCommits, whatever_else_is_damaged_nothing_readable_is_lost) {
  write(6);
  const Content whole = content();
  const auto chunks = keys(whole, 'r');
  const auto commits = keys(whole, 'g');
  const LogAudit sound = audit();
  std::string log_end;
  for (const std::string& key : chunks) log_end = std::max(log_end, key.substr(9));
  std::size_t repaired_count = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::map<std::string, std::optional<std::string>> damage;
    std::set<std::string> damaged_chunks;
    const std::size_t commits_damaged = 1 + random() % 3;
    for (std::size_t i = 0; i < commits_damaged; ++i) {
      const std::string& key = commits[random() % commits.size()];
      damage[key] = garbled(whole.at(key));
    }
    const std::size_t chunks_damaged = random() % 3;
    for (std::size_t i = 0; i < chunks_damaged; ++i) {
      const std::string& key = chunks[random() % chunks.size()];
      damaged_chunks.insert(key);
      // That the last chunk was there nothing else tells: it is not taken out.
      const bool stays = random() % 2 == 0 || key.substr(9) == log_end;
      damage[key] = stays ? std::optional(garbled(whole.at(key))) : std::nullopt;
    }
    change(damage);
    const Content before = content();
    const auto repaired = repair();
    if (!repaired) {
      EXPECT_EQ(repaired.error().code, errc::corrupt) << repaired.error().message;
      EXPECT_FALSE(damaged_chunks.empty());
      EXPECT_EQ(content(), before);
    } else {
      ++repaired_count;
      const LogAudit found = audit();
      std::set<std::string> named;
      for (const Damage& one : found.damage) {
        EXPECT_EQ(one.what, Damage::kind::chunk) << one.problem;
        EXPECT_GT(one.end, one.first) << one.problem;
        named.insert(one.key);
      }
      EXPECT_EQ(named, damaged_chunks);
      EXPECT_EQ(found.end, sound.end);
      EXPECT_TRUE(EmbeddedLog::open(options_));
    }
    for (auto& [key, value] : damage) value = whole.at(key);
    change(damage);
    ASSERT_EQ(content(), whole);
  }
  EXPECT_GT(repaired_count, 40u);
}

}  // namespace
}  // namespace weft::log::embedded
