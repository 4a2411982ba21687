#include "weft/store/rocksdb/rocksdb_store.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "store/document_store_conformance.h"
#include "support/temporary_directory.h"

namespace weft::store::rocks {
namespace {

using conformance::document;
using conformance::DocumentStoreConformance;
using conformance::snapshot;

class RocksDbPlace : public conformance::Place {
 public:
  std::unique_ptr<DocumentStore> open() override {
    auto store = RocksDbStore::open({.directory = directory()});
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  std::filesystem::path directory() const { return home_.path() / "data" / "store"; }

 private:
  test::TemporaryDirectory home_;
};

INSTANTIATE_TEST_SUITE_P(rocksdb, DocumentStoreConformance,
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

}  // namespace
}  // namespace weft::store::rocks
