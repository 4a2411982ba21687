#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
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
  /// What the next open() finds is what is there now, as if the process were killed: not what the
  /// store that is still open makes of it when it closes.
  virtual void crash() = 0;
};

using place_factory = std::function<std::unique_ptr<Place>()>;

inline base::DocumentId document(const std::string& name) { return {"room", name, std::nullopt}; }

/// Names that a driver must take as any others, each of another document.
inline std::vector<base::DocumentId> hostile_documents() {
  std::vector<base::DocumentId> out;
  const std::string null(1, '\0');
  for (const std::string& name : {std::string(),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("/"),
                                  std::string("../../x"),
                                  std::string("a/b"),
                                  std::string("a+b"),
                                  std::string("a%2fb"),
                                  std::string("%"),
                                  std::string("A"),
                                  std::string("a"),
                                  std::string("a.snapshot"),
                                  std::string("a b\n"),
                                  null,
                                  null + null,
                                  std::string("\xff\xfe"),
                                  std::string("\xc3\xb6"),
                                  std::string("o\xcc\x88"),
                                  std::string("\xf0\x9f\xa7\xb5"),
                                  std::string(255, 'n'),
                                  std::string(256, 'n'),
                                  std::string(300, '\xff'),
                                  std::string(5000, 'n'),
                                  std::string(5000, 'n') + "1",
                                  std::string("con"),
                                  std::string("-rf"),
                                  std::string("~")}) {
    out.push_back({"room", name, std::nullopt});
    out.push_back({name, "doc", std::nullopt});
    out.push_back({"room", "doc", name});
    out.push_back({"room", name, ""});
  }
  // The same bytes, divided otherwise.
  for (const auto& [room, doc] : {std::pair{"x", "yz"}, {"xy", "z"}, {"x+y", "z"}, {"x", "y+z"}}) {
    out.push_back({room, doc, std::nullopt});
    out.push_back({room, doc, "s"});
  }
  std::ranges::sort(out);
  const auto same = std::ranges::unique(out);
  out.erase(same.begin(), same.end());
  return out;
}

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
  void crash_and_restart() {
    place_->crash();
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

TEST_P(DocumentStoreConformance, what_was_saved_survives_a_crash) {
  const std::string large(3 << 20, 'l');
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(save(document(std::to_string(i)), snapshot(i, "first")));
  }
  for (std::uint64_t i = 0; i < 20; i += 2) {
    ASSERT_TRUE(save(document(std::to_string(i)), snapshot(i + 1, i == 4 ? large : "second")));
  }
  for (int run = 0; run < 2; ++run) {
    crash_and_restart();
    for (std::uint64_t i = 0; i < 20; ++i) {
      const bool again = i % 2 == 0;
      expect_stored(document(std::to_string(i)), again ? i + 1 : i,
                    i == 4  ? large
                    : again ? "second"
                            : "first");
    }
    EXPECT_FALSE(load(document("20")).value().has_value());
  }
}

TEST_P(DocumentStoreConformance, documents_of_any_names_are_told_apart) {
  const auto all = hostile_documents();
  ASSERT_GT(all.size(), 100u);
  for (const auto& of : all) EXPECT_FALSE(load(of).value().has_value()) << base::to_string(of);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto saved = save(all[i], snapshot(i, "of " + std::to_string(i)));
    ASSERT_TRUE(saved) << base::to_string(all[i]) << ": " << saved.error().message;
  }
  for (int run = 0; run < 2; ++run) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      expect_stored(all[i], i, "of " + std::to_string(i));
    }
    restart();
  }
}

TEST_P(DocumentStoreConformance, readers_beside_a_writer_see_whole_snapshots_that_never_go_back) {
  constexpr std::uint64_t last = 60;
  const auto bytes_of = [](std::uint64_t covered) {
    return std::string(1000 + 5000 * (covered % 7), static_cast<char>('a' + covered % 26));
  };
  std::vector<std::thread> threads;
  for (int of = 0; of < 2; ++of) {
    const base::DocumentId name = document(std::to_string(of));
    ASSERT_TRUE(save(name, snapshot(1, bytes_of(1))));
    threads.emplace_back([this, name, &bytes_of] {
      for (std::uint64_t covered = 2; covered <= last; ++covered) {
        EXPECT_TRUE(save(name, snapshot(covered, bytes_of(covered))));
      }
    });
    threads.emplace_back([this, name, &bytes_of] {
      for (std::uint64_t seen = 0; seen < last;) {
        const auto loaded = load(name);
        ASSERT_TRUE(loaded && loaded->has_value());
        const std::uint64_t covered = (*loaded)->covered_end.value;
        ASSERT_GE(covered, seen);
        ASSERT_TRUE(base::as_text((*loaded)->update) == bytes_of(covered));
        seen = covered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(DocumentStoreConformance, what_was_asked_before_closing_is_answered) {
  constexpr int count = 50;
  std::atomic<int> answers{0};
  std::promise<void> all;
  for (int i = 0; i < count; ++i) {
    store_->save_snapshot(document(std::to_string(i)), snapshot(1, "x"), executor_,
                          [&](base::result<void> result) {
                            EXPECT_TRUE(result);
                            if (++answers == count) all.set_value();
                          });
  }
  store_->close();
  all.get_future().wait();
  restart();
  for (int i = 0; i < count; ++i) expect_stored(document(std::to_string(i)), 1, "x");
}

TEST_P(DocumentStoreConformance, a_snapshot_never_goes_back) {
  ASSERT_TRUE(save(document("a"), snapshot(10, "ten")));
  const auto older = save(document("a"), snapshot(9, "nine"));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, errc::stale);
  expect_stored(document("a"), 10, "ten");
  restart();
  const auto after_restart = save(document("a"), snapshot(1, "one"));
  ASSERT_FALSE(after_restart);
  EXPECT_EQ(after_restart.error().code, errc::stale);
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
