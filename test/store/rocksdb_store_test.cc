#include "weft/store/rocksdb/rocksdb_store.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>

#include "store/directory_store_conformance.h"
#include "support/temporary_directory.h"

namespace weft::store::rocks {
namespace {

namespace fs = std::filesystem;
using conformance::DirectoryStoreConformance;
using conformance::document;
using conformance::DocumentStoreConformance;
using conformance::snapshot;

class RocksDbPlace final : public conformance::DirectoryPlace {
 public:
  std::unique_ptr<DirectoryStore> open_at(const fs::path& directory) override {
    auto store = RocksDbStore::open({.directory = directory});
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  base::result<void> audit_at(const fs::path& directory, const base::DocumentId* document,
                              const snapshot_visitor& each) override {
    return audit_directory(directory, document, each);
  }
};

INSTANTIATE_TEST_SUITE_P(rocksdb, DocumentStoreConformance,
                         ::testing::Values([] { return std::make_unique<RocksDbPlace>(); }));
INSTANTIATE_TEST_SUITE_P(rocksdb, DirectoryStoreConformance,
                         ::testing::Values([] { return std::make_unique<RocksDbPlace>(); }));

class RocksDbDamage : public ::testing::Test {
 protected:
  void open() {
    store_ = place_.open();
    ASSERT_NE(store_, nullptr);
  }
  base::result<std::optional<Snapshot>> load() {
    return test::await<base::result<std::optional<Snapshot>>>(
        [&](callback<std::optional<Snapshot>> done) {
          store_->load_snapshot(document("a"), executor_, std::move(done));
        });
  }
  base::result<void> save(Snapshot value) {
    return test::await<base::result<void>>([&](callback<void> done) {
      store_->save_snapshot(document("a"), std::move(value), executor_, std::move(done));
    });
  }
  /// Applies `change` to the one stored value with this prefix.
  void with_value(char prefix, const std::function<void(std::string&)>& change) {
    store_.reset();
    rocksdb::DB* database = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, place_.directory().string(), &database).ok());
    {
      const std::unique_ptr<rocksdb::Iterator> at(database->NewIterator({}));
      at->Seek(std::string(1, prefix));
      ASSERT_TRUE(at->Valid() && at->key()[0] == prefix);
      std::string value = at->value().ToString();
      change(value);
      ASSERT_TRUE(database->Put({}, at->key(), value).ok());
    }
    delete database;
    open();
  }

  test::TestExecutor executor_;
  RocksDbPlace place_;
  std::unique_ptr<DocumentStore> store_;
};

TEST_F(RocksDbDamage, a_damaged_snapshot_is_reported_and_kept_when_a_newer_one_replaces_it) {
  open();
  ASSERT_TRUE(save(snapshot(5, "hello")));
  with_value('s', [](std::string& value) { value.back() ^= 1; });
  for (int run = 0; run < 2; ++run) {
    const auto damaged = load();
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, errc::corrupt);
  }
  ASSERT_TRUE(save(snapshot(6, "again")));
  const auto repaired = load();
  ASSERT_TRUE(repaired);
  EXPECT_EQ(base::as_text((*repaired)->update), "again");
  with_value('x', [](std::string& value) { EXPECT_EQ(value.substr(value.size() - 4), "elln"); });
}

TEST_F(RocksDbDamage, every_shortened_snapshot_is_reported) {
  open();
  ASSERT_TRUE(save(snapshot(5, "")));
  for (int size = 20; size >= 0; size -= 5) {
    with_value('s', [size](std::string& value) { value.resize(static_cast<std::size_t>(size)); });
    const auto damaged = load();
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, errc::corrupt);
  }
}

TEST_F(RocksDbDamage, a_second_opening_is_refused) {
  open();
  const auto second = RocksDbStore::open({.directory = place_.directory()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::unavailable);
}

/// A write-ahead log as a crash leaves it.
class RocksDbTornTail : public ::testing::Test {
 protected:
  RocksDbTornTail() { options_.directory = home_.path() / "store"; }

  /// Saves snapshots up to 1..count of one document, and copies the directory as a crash would
  /// leave it: with everything still in the write-ahead log.
  void save_and_crash(std::uint64_t count) {
    auto store = RocksDbStore::open(options_);
    ASSERT_TRUE(store) << store.error().message;
    for (std::uint64_t covered = 1; covered <= count; ++covered) {
      const auto saved = test::await<base::result<void>>([&](callback<void> done) {
        (*store)->save_snapshot(document("a"), snapshot(covered, std::string(3000, 'x')), executor_,
                                std::move(done));
      });
      ASSERT_TRUE(saved) << saved.error().message;
    }
    const fs::path crashed = home_.path() / "crashed";
    fs::copy(options_.directory, crashed, fs::copy_options::recursive);
    fs::remove(crashed / "LOCK");
    options_.directory = crashed;
  }

  fs::path wal() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
    }
    return newest;
  }

  static void garble(const fs::path& file, std::uint64_t at, std::size_t count) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    for (std::size_t i = 0; i < count; ++i) stream.put('\x5a');
    ASSERT_TRUE(stream.good());
  }

  test::TestExecutor executor_;
  test::TemporaryDirectory home_;
  RocksDbStoreOptions options_;
};

TEST_F(RocksDbTornTail, a_garbled_tail_loses_the_last_snapshot_only_and_is_kept_aside) {
  save_and_crash(50);
  const fs::path file = wal();
  garble(file, fs::file_size(file) - 100, 100);
  auto store = RocksDbStore::open(options_);
  ASSERT_TRUE(store) << store.error().message;
  const auto loaded = test::await<base::result<std::optional<Snapshot>>>(
      [&](callback<std::optional<Snapshot>> done) {
        (*store)->load_snapshot(document("a"), executor_, std::move(done));
      });
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ((*loaded)->covered_end.value, 49u);
  EXPECT_TRUE(fs::exists(file.string() + ".torn"));
}

TEST_F(RocksDbTornTail, damage_in_the_middle_is_reported_and_touches_nothing) {
  save_and_crash(50);
  const fs::path file = wal();
  const auto size = fs::file_size(file);
  garble(file, size / 2, 3);
  const auto store = RocksDbStore::open(options_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, errc::corrupt) << store.error().message;
  EXPECT_EQ(fs::file_size(file), size);
}

}  // namespace
}  // namespace weft::store::rocks
