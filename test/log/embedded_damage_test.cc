#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "log/log_listener.h"
#include "support/temporary_directory.h"
#include "support/test_executor.h"
#include "weft/log/embedded/embedded_log.h"

/// Bytes of the log that are not what was written: a torn end is cut off, anything else is said.
namespace weft::log::embedded {
namespace {

namespace fs = std::filesystem;
using conformance::count_up;
using conformance::document;
using conformance::Listener;
using conformance::one;
using conformance::record;
using conformance::seqs;

class EmbeddedDamage : public ::testing::Test {
 protected:
  EmbeddedDamage() { options_.directory = home_.path() / "log"; }

  /// Writes records 1..count, one commit each, and copies the directory as a crash would leave it:
  /// with everything still in the write-ahead log.
  void write_and_crash(std::uint64_t count) {
    auto log = EmbeddedLog::open(options_);
    ASSERT_TRUE(log) << log.error().message;
    Listener listener;
    auto subscription = (*log)->subscribe(document("a"), executor_, listener);
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
      ASSERT_TRUE((*log)->append(document("a"), one(record(1, seq, std::string(300, 'x')))));
      ASSERT_EQ(listener.wait_for(seq).size(), seq);
    }
    const fs::path crashed = home_.path() / "crashed";
    fs::copy(options_.directory, crashed, fs::copy_options::recursive);
    fs::remove(crashed / "LOCK");
    executor_.run_on([&] { subscription.reset(); });
    log->reset();
    options_.directory = crashed;
  }

  fs::path wal() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
    }
    return newest;
  }

  /// Where the bytes end that were written; behind them lies reserved room, all zeros.
  static std::uint64_t written_end(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    return bytes.find_last_not_of('\0') + 1;
  }

  void garble(const fs::path& file, std::uint64_t at, std::size_t count) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    for (std::size_t i = 0; i < count; ++i) stream.put('\x5a');
    ASSERT_TRUE(stream.good());
  }

  /// The seqs of document "a" after opening again.
  std::vector<std::uint64_t> reopen_and_read() {
    auto log = EmbeddedLog::open(options_);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    if (!log) return {};
    const auto result = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
      (*log)->read(document("a"), log_offset{0}, 1 << 30, executor_, std::move(done));
    });
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    EXPECT_TRUE((*log)->append(document("a"), one(record(1, 1000))));
    return result ? seqs(result->records) : std::vector<std::uint64_t>();
  }

  test::TestExecutor executor_;
  test::TemporaryDirectory home_;
  EmbeddedLogOptions options_;
};

TEST_F(EmbeddedDamage, a_crashed_log_is_whole) {
  write_and_crash(200);
  EXPECT_EQ(reopen_and_read(), count_up(1, 201));
}

TEST_F(EmbeddedDamage, a_cut_tail_loses_the_last_commit_only) {
  write_and_crash(200);
  fs::resize_file(wal(), written_end(wal()) - 1);
  EXPECT_EQ(reopen_and_read(), count_up(1, 200));
}

TEST_F(EmbeddedDamage, a_garbled_tail_loses_the_last_commit_only_and_is_kept_aside) {
  write_and_crash(200);
  const fs::path file = wal();
  garble(file, written_end(file) - 100, 100);
  EXPECT_EQ(reopen_and_read(), count_up(1, 200));
  EXPECT_TRUE(fs::exists(file.string() + ".torn"));
}

TEST_F(EmbeddedDamage, a_garbled_head_of_the_last_commit_loses_that_commit_only) {
  write_and_crash(200);
  const fs::path file = wal();
  // The header of the last fragment lies somewhere here; a wrong length must not matter either.
  garble(file, written_end(file) - 360, 360);
  const auto kept = reopen_and_read();
  EXPECT_GE(kept.size(), 198u);
  EXPECT_EQ(kept, count_up(1, kept.size() + 1));
}

TEST_F(EmbeddedDamage, zeros_in_place_of_an_unwritten_tail_are_harmless) {
  write_and_crash(200);
  const fs::path file = wal();
  fs::resize_file(file, written_end(file) - 50);
  fs::resize_file(file, fs::file_size(file) + 5000);
  EXPECT_EQ(reopen_and_read(), count_up(1, 200));
}

TEST_F(EmbeddedDamage, damage_in_the_middle_is_reported_and_touches_nothing) {
  write_and_crash(200);
  const fs::path file = wal();
  const std::uint64_t size = fs::file_size(file);
  const std::uint64_t end = written_end(file);
  for (const std::uint64_t at : {end / 4, end / 2, end - 2000}) {
    const fs::path copy = home_.path() / "copy";
    fs::remove_all(copy);
    fs::copy(options_.directory, copy, fs::copy_options::recursive);
    garble(copy / file.filename(), at, 3);
    EmbeddedLogOptions options = options_;
    options.directory = copy;
    const auto log = EmbeddedLog::open(options);
    ASSERT_FALSE(log) << at;
    EXPECT_EQ(log.error().code, errc::corrupt) << log.error().message;
    EXPECT_EQ(fs::file_size(copy / file.filename()), size);
  }
}

TEST_F(EmbeddedDamage, a_last_commit_whose_head_was_never_written_is_lost_alone) {
  write_and_crash(200);
  // A commit of several blocks, alone in a new file; a crash may write its later blocks only.
  const fs::path torn = home_.path() / "torn";
  {
    auto log = EmbeddedLog::open(options_);
    ASSERT_TRUE(log);
    Listener listener;
    auto subscription = (*log)->subscribe(document("a"), executor_, listener);
    ASSERT_TRUE((*log)->append(document("a"), one(record(1, 201, std::string(100'000, 'x')))));
    ASSERT_EQ(listener.wait_for(1).size(), 1u);
    fs::copy(options_.directory, torn, fs::copy_options::recursive);
    fs::remove(torn / "LOCK");
    executor_.run_on([&] { subscription.reset(); });
  }
  constexpr int block_bytes = 32768;
  for (const int lost : {4096, block_bytes, block_bytes + 4096}) {
    options_.directory = home_.path() / ("torn-" + std::to_string(lost));
    fs::copy(torn, options_.directory, fs::copy_options::recursive);
    std::fstream stream(wal(), std::ios::in | std::ios::out | std::ios::binary);
    for (int i = 0; i < lost; ++i) stream.put('\0');
    stream.close();
    ASSERT_GT(written_end(wal()), 100'000u);
    EXPECT_EQ(reopen_and_read(), count_up(1, 201)) << lost;
  }
}

/// Opens the log's database behind its back.
class EmbeddedTampering : public EmbeddedDamage {
 protected:
  void tamper(const std::function<void(rocksdb::DB&)>& change) {
    rocksdb::DB* database = nullptr;
    const auto status =
        rocksdb::DB::Open(rocksdb::Options(), options_.directory.string(), &database);
    ASSERT_TRUE(status.ok()) << status.ToString();
    change(*database);
    delete database;
  }
  static std::vector<std::string> keys(rocksdb::DB& database, char prefix) {
    std::vector<std::string> out;
    const std::unique_ptr<rocksdb::Iterator> at(database.NewIterator(rocksdb::ReadOptions()));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      if (at->key()[0] == prefix) out.push_back(at->key().ToString());
    }
    return out;
  }
  base::error read_error() {
    auto log = EmbeddedLog::open(options_);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    if (!log) return {};
    const auto result = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
      (*log)->read(document("a"), log_offset{0}, 1 << 30, executor_, std::move(done));
    });
    const auto partition =
        test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
          (*log)->read_partition({}, 1 << 30, executor_, std::move(done));
        });
    EXPECT_FALSE(result);
    EXPECT_FALSE(partition);
    if (result || partition) return {};
    EXPECT_EQ(partition.error().code, errc::corrupt);
    return result.error();
  }
};

TEST_F(EmbeddedTampering, a_changed_byte_of_a_record_is_reported) {
  write_and_crash(20);
  tamper([](rocksdb::DB& database) {
    const std::string key = keys(database, 'r')[10];
    std::string value;
    ASSERT_TRUE(database.Get(rocksdb::ReadOptions(), key, &value).ok());
    value[value.size() / 2] ^= 1;
    ASSERT_TRUE(database.Put(rocksdb::WriteOptions(), key, value).ok());
  });
  EXPECT_EQ(read_error().code, errc::corrupt);
}

TEST_F(EmbeddedTampering, a_missing_piece_of_a_document_is_reported) {
  write_and_crash(20);
  tamper([](rocksdb::DB& database) {
    ASSERT_TRUE(database.Delete(rocksdb::WriteOptions(), keys(database, 'r')[10]).ok());
  });
  const base::error error = read_error();
  EXPECT_EQ(error.code, errc::corrupt);
  EXPECT_NE(error.message.find("[10, 11)"), std::string::npos) << error.message;
}

TEST_F(EmbeddedTampering, a_value_under_the_wrong_key_is_reported) {
  write_and_crash(20);
  tamper([](rocksdb::DB& database) {
    const auto all = keys(database, 'r');
    std::string value;
    ASSERT_TRUE(database.Get(rocksdb::ReadOptions(), all[3], &value).ok());
    ASSERT_TRUE(database.Put(rocksdb::WriteOptions(), all[10], value).ok());
  });
  EXPECT_EQ(read_error().code, errc::corrupt);
}

}  // namespace
}  // namespace weft::log::embedded
