#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/test_executor.h"
#include "weft/store/document_store.h"

/// What every DocumentStore promises, as tests that each driver passes.
namespace weft::store::conformance {

/// Where a driver keeps one test's store; opening it again is a restart.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<DocumentStore> open() = 0;
};

using place_factory = std::function<std::unique_ptr<Place>()>;

inline base::DocumentId document(const std::string& name) { return {"room", name, std::nullopt}; }

inline Snapshot snapshot(std::uint64_t covered_end, const std::string& bytes,
                         std::uint64_t log = 7) {
  return {{log}, {covered_end}, base::shared_bytes::copy_of(base::as_bytes(bytes))};
}

class DocumentStoreConformance : public ::testing::TestWithParam<place_factory> {
 protected:
  void SetUp() override {
    place_ = GetParam()();
    store_ = place_->open();
    ASSERT_NE(store_, nullptr);
  }
  void restart() {
    store_->close();
    store_.reset();
    store_ = place_->open();
    ASSERT_NE(store_, nullptr);
  }
  base::result<std::optional<Snapshot>> load(const base::DocumentId& of) {
    return test::await<base::result<std::optional<Snapshot>>>(
        [&](callback<std::optional<Snapshot>> done) {
          store_->load_snapshot(of, executor_, std::move(done));
        });
  }
  base::result<void> save(const base::DocumentId& of, Snapshot value) {
    return test::await<base::result<void>>([&](callback<void> done) {
      store_->save_snapshot(of, std::move(value), executor_, std::move(done));
    });
  }
  void expect_stored(const base::DocumentId& of, std::uint64_t covered_end,
                     const std::string& bytes, std::uint64_t log = 7) {
    const auto loaded = load(of);
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(loaded->has_value());
    EXPECT_EQ((*loaded)->log.value, log);
    EXPECT_EQ((*loaded)->covered_end.value, covered_end);
    EXPECT_TRUE(base::as_text((*loaded)->update) == bytes);
  }

  test::TestExecutor executor_;
  std::unique_ptr<Place> place_;
  std::unique_ptr<DocumentStore> store_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DocumentStoreConformance);

TEST_P(DocumentStoreConformance, a_document_never_saved_has_no_snapshot) {
  const auto loaded = load(document("a"));
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->has_value());
}

TEST_P(DocumentStoreConformance, what_is_saved_is_loaded_also_after_a_restart) {
  ASSERT_TRUE(save(document("a"), snapshot(10, "first")));
  ASSERT_TRUE(save({"room", "a", "sub"}, snapshot(20, "")));
  for (int run = 0; run < 2; ++run) {
    expect_stored(document("a"), 10, "first");
    expect_stored({"room", "a", "sub"}, 20, "");
    restart();
  }
}

TEST_P(DocumentStoreConformance, large_snapshots_come_back_whole) {
  std::string large(20 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + (i >> 13));
  ASSERT_TRUE(save(document("large"), snapshot(1, large)));
  expect_stored(document("large"), 1, large);
  restart();
  expect_stored(document("large"), 1, large);
}

TEST_P(DocumentStoreConformance, a_snapshot_never_goes_back) {
  ASSERT_TRUE(save(document("a"), snapshot(10, "ten")));
  const auto older = save(document("a"), snapshot(9, "nine"));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, errc::stale);
  expect_stored(document("a"), 10, "ten");
  ASSERT_TRUE(save(document("a"), snapshot(10, "ten again")));
  expect_stored(document("a"), 10, "ten again");
  ASSERT_TRUE(save(document("a"), snapshot(11, "eleven")));
  expect_stored(document("a"), 11, "eleven");
}

TEST_P(DocumentStoreConformance, positions_of_another_log_do_not_compare) {
  ASSERT_TRUE(save(document("a"), snapshot(10, "old log", 7)));
  ASSERT_TRUE(save(document("a"), snapshot(3, "new log", 8)));
  expect_stored(document("a"), 3, "new log", 8);
}

TEST_P(DocumentStoreConformance, of_many_savers_at_once_the_furthest_wins) {
  constexpr std::uint64_t count = 200;
  std::atomic<std::uint64_t> answers{0};
  std::promise<void> all;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t covered = 1 + (i * 37) % count;
    store_->save_snapshot(document("a"), snapshot(covered, std::to_string(covered)), executor_,
                          [&](base::result<void> result) {
                            EXPECT_TRUE(result || result.error().code == errc::stale);
                            if (++answers == count) all.set_value();
                          });
  }
  all.get_future().wait();
  expect_stored(document("a"), count, std::to_string(count));
}

TEST_P(DocumentStoreConformance, a_closed_store_says_so_and_is_never_taken_for_empty) {
  ASSERT_TRUE(save(document("a"), snapshot(1, "x")));
  store_->close();
  const auto loaded = load(document("a"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, errc::closed);
  const auto saved = save(document("a"), snapshot(2, "y"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, errc::closed);
}

}  // namespace weft::store::conformance
