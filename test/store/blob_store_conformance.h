#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/test_executor.h"
#include "weft/store/blob_store.h"

/// What every BlobStore promises, as tests that each driver passes.
namespace weft::store::conformance {

/// Where a driver keeps one test's blobs; opening it again is a restart.
class BlobPlace {
 public:
  static constexpr std::uint64_t blob_bytes_max = std::uint64_t{8} << 20;

  virtual ~BlobPlace() = default;
  /// With blob_bytes_max as its limit.
  virtual std::unique_ptr<BlobStore> open() = 0;
  /// As Place::crash.
  virtual void crash() = 0;
};

using blob_place_factory = std::function<std::unique_ptr<BlobPlace>()>;

inline std::vector<std::string> hostile_locations() {
  const std::string null(1, '\0');
  return {".",
          "..",
          "/",
          "//",
          "../../x",
          "a",
          "A",
          "a/",
          "/a",
          "a/b",
          "a+b",
          "a%2fb",
          "a.blob",
          "%",
          "a b\n",
          null,
          null + null,
          "\xff\xfe",
          "\xc3\xb6",
          "o\xcc\x88",
          "~",
          std::string(255, 'n'),
          std::string(300, 'n'),
          std::string(299, 'n') + "1",
          std::string(300, '\xff'),
          std::string(150, '/'),
          "-rf",
          "con"};
}

class BlobStoreConformance : public ::testing::TestWithParam<blob_place_factory> {
 protected:
  void SetUp() override {
    place_ = GetParam()();
    store_ = place_->open();
    ASSERT_NE(store_, nullptr);
  }
  void restart() {
    store_.reset();
    store_ = place_->open();
    ASSERT_NE(store_, nullptr);
  }
  base::result<void> put(const std::string& location, const std::string& bytes,
                         existing_blob existing = existing_blob::replace) {
    return test::await<base::result<void>>([&](callback<void> done) {
      store_->put(location, base::shared_bytes::copy_of(base::as_bytes(bytes)), existing, executor_,
                  std::move(done));
    });
  }
  base::result<std::optional<base::shared_bytes>> get(const std::string& location) {
    return test::await<base::result<std::optional<base::shared_bytes>>>(
        [&](callback<std::optional<base::shared_bytes>> done) {
          store_->get(location, executor_, std::move(done));
        });
  }
  base::result<void> remove(const std::string& location) {
    return test::await<base::result<void>>(
        [&](callback<void> done) { store_->remove(location, executor_, std::move(done)); });
  }
  base::result<std::vector<BlobEntry>> list(const std::string& prefix, const std::string& after,
                                            std::size_t count_max) {
    return test::await<base::result<std::vector<BlobEntry>>>(
        [&](callback<std::vector<BlobEntry>> done) {
          store_->list(prefix, after, count_max, executor_, std::move(done));
        });
  }
  void expect_stored(const std::string& location, const std::string& bytes) {
    const auto got = get(location);
    ASSERT_TRUE(got) << got.error().message;
    ASSERT_TRUE(got->has_value()) << location;
    EXPECT_TRUE(base::as_text(**got) == bytes) << location;
  }
  void expect_missing(const std::string& location) {
    const auto got = get(location);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_FALSE(got->has_value()) << location;
  }
  template <typename T>
  static void expect_error(const base::result<T>& result, errc code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
  }

  test::TestExecutor executor_;
  std::unique_ptr<BlobPlace> place_;
  std::unique_ptr<BlobStore> store_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BlobStoreConformance);

TEST_P(BlobStoreConformance, what_is_put_is_got_also_after_a_restart_and_a_crash) {
  expect_missing("a");
  ASSERT_TRUE(put("a", "first"));
  ASSERT_TRUE(put("empty", ""));
  for (int run = 0; run < 3; ++run) {
    expect_stored("a", "first");
    expect_stored("empty", "");
    expect_missing("b");
    if (run == 1) place_->crash();
    restart();
  }
}

TEST_P(BlobStoreConformance, a_blob_is_replaced_or_refused_as_asked) {
  ASSERT_TRUE(put("a", "first", existing_blob::refuse));
  expect_error(put("a", "second", existing_blob::refuse), errc::exists);
  expect_stored("a", "first");
  ASSERT_TRUE(put("a", "third", existing_blob::replace));
  expect_stored("a", "third");
  ASSERT_TRUE(remove("a"));
  ASSERT_TRUE(put("a", "fourth", existing_blob::refuse));
  expect_stored("a", "fourth");
}

TEST_P(BlobStoreConformance, of_many_creators_at_once_one_succeeds) {
  for (int round = 0; round < 10; ++round) {
    constexpr int count = 20;
    const std::string location = "round/" + std::to_string(round);
    std::atomic<int> answers{0};
    std::atomic<int> winner{-1};
    std::promise<void> all;
    for (int i = 0; i < count; ++i) {
      store_->put(location, base::shared_bytes::copy_of(base::as_bytes(std::to_string(i))),
                  existing_blob::refuse, executor_, [&, i](base::result<void> result) {
                    if (result) {
                      EXPECT_EQ(winner.exchange(i), -1);
                    } else {
                      EXPECT_EQ(result.error().code, errc::exists);
                    }
                    if (++answers == count) all.set_value();
                  });
    }
    all.get_future().wait();
    ASSERT_NE(winner, -1);
    expect_stored(location, std::to_string(winner));
  }
}

TEST_P(BlobStoreConformance, removing_is_final_and_may_be_repeated) {
  ASSERT_TRUE(put("a", "x"));
  ASSERT_TRUE(put("b", "y"));
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE(remove("a"));
    ASSERT_TRUE(remove("never there"));
    expect_missing("a");
    place_->crash();
    restart();
    expect_missing("a");
    expect_stored("b", "y");
  }
}

TEST_P(BlobStoreConformance, blobs_up_to_the_limit_are_taken_and_larger_ones_refused) {
  std::string large(BlobPlace::blob_bytes_max, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + (i >> 13));
  ASSERT_EQ(store_->blob_bytes_max(), BlobPlace::blob_bytes_max);
  ASSERT_TRUE(put("large", large));
  expect_error(put("large", large + "!"), errc::too_large);
  expect_error(put("other", large + "!"), errc::too_large);
  restart();
  expect_stored("large", large);
  expect_missing("other");
}

TEST_P(BlobStoreConformance, locations_of_any_bytes_are_told_apart) {
  const auto all = hostile_locations();
  for (const auto& location : all) expect_missing(location);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(put(all[i], "of " + std::to_string(i), existing_blob::refuse)) << all[i];
  }
  for (int run = 0; run < 2; ++run) {
    for (std::size_t i = 0; i < all.size(); ++i) expect_stored(all[i], "of " + std::to_string(i));
    const auto listed = list("", "", 1000);
    ASSERT_TRUE(listed) << listed.error().message;
    std::set<std::string> found;
    for (const BlobEntry& entry : *listed) found.insert(entry.location);
    EXPECT_EQ(found, std::set<std::string>(all.begin(), all.end()));
    restart();
  }
}

TEST_P(BlobStoreConformance, what_is_no_location_is_refused) {
  for (const std::string& location : {std::string(), std::string(301, 'n')}) {
    expect_error(put(location, "x"), errc::invalid);
    expect_error(get(location), errc::invalid);
    expect_error(remove(location), errc::invalid);
  }
}

TEST_P(BlobStoreConformance, listing_goes_page_by_page_in_the_order_of_bytes) {
  EXPECT_TRUE(list("", "", 10).value().empty());
  std::vector<BlobEntry> expected;
  for (int i = 0; i < 25; ++i) {
    const std::string location = "team/" + std::to_string(i * 7919 % 1000);
    expected.push_back({location, static_cast<std::uint64_t>(i)});
    ASSERT_TRUE(put(location, std::string(static_cast<std::size_t>(i), 'x')));
  }
  ASSERT_TRUE(put("team", "no part of it"));
  ASSERT_TRUE(put("teams/1", "nor this"));
  std::ranges::sort(expected, {}, &BlobEntry::location);
  std::vector<BlobEntry> found;
  for (std::string after;;) {
    const auto page = list("team/", after, 10);
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_LE(page->size(), 10u);
    found.insert(found.end(), page->begin(), page->end());
    if (page->size() < 10) break;
    after = page->back().location;
  }
  EXPECT_EQ(found, expected);
}

TEST_P(BlobStoreConformance, readers_beside_a_writer_see_whole_blobs) {
  constexpr int last = 60;
  const auto bytes_of = [](int turn) {
    return std::string(1000 + 5000 * static_cast<std::size_t>(turn % 7),
                       static_cast<char>('a' + turn % 26));
  };
  ASSERT_TRUE(put("a", bytes_of(0)));
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (int turn = 1; turn <= last; ++turn) EXPECT_TRUE(put("a", bytes_of(turn)));
    over = true;
  });
  while (!over) {
    const auto got = get("a");
    EXPECT_TRUE(got && got->has_value());
    if (!got || !*got) break;
    const std::string_view text = base::as_text(**got);
    EXPECT_GE(text.size(), 1000u);
    EXPECT_EQ(text.find_first_not_of(text.front()), std::string_view::npos);
    EXPECT_TRUE(list("", "", 10));
  }
  writer.join();
  expect_stored("a", bytes_of(last));
}

TEST_P(BlobStoreConformance, a_closed_store_says_so_and_is_never_taken_for_empty) {
  ASSERT_TRUE(put("a", "x"));
  store_->close();
  expect_error(get("a"), errc::closed);
  expect_error(put("a", "y"), errc::closed);
  expect_error(remove("a"), errc::closed);
  expect_error(list("", "", 1), errc::closed);
  restart();
  expect_stored("a", "x");
}

}  // namespace weft::store::conformance
