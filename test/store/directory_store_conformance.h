#pragma once

#include <filesystem>
#include <map>

#include "store/document_store_conformance.h"
#include "support/temporary_directory.h"
#include "weft/store/directory_store.h"

/// What every DirectoryStore promises besides.
namespace weft::store::conformance {

/// A store in a directory of the test.
class DirectoryPlace : public Place {
 public:
  virtual std::unique_ptr<DirectoryStore> open_at(const std::filesystem::path& directory) = 0;
  /// The driver's audit_directory.
  virtual base::result<void> audit_at(const std::filesystem::path& directory,
                                      const base::DocumentId* document,
                                      const snapshot_visitor& each) = 0;

  std::unique_ptr<DocumentStore> open() override { return open_at(directory()); }
  void crash() override {
    const auto before = directory();
    ++crashes_;
    std::filesystem::create_directories(directory().parent_path());
    std::filesystem::copy(before, directory(), std::filesystem::copy_options::recursive);
  }
  std::filesystem::path directory() const {
    return home_.path() / ("data" + std::to_string(crashes_)) / "store";
  }
  std::filesystem::path beside(const std::string& name) const { return home_.path() / name; }

 private:
  test::TemporaryDirectory home_;
  int crashes_ = 0;
};

using directory_place_factory = std::function<std::unique_ptr<DirectoryPlace>()>;

class DirectoryStoreConformance : public ::testing::TestWithParam<directory_place_factory> {
 protected:
  void SetUp() override {
    place_ = GetParam()();
    store_ = place_->open_at(place_->directory());
    ASSERT_NE(store_, nullptr);
  }
  base::result<void> save(const base::DocumentId& of, Snapshot value) {
    return test::await<base::result<void>>([&](callback<void> done) {
      store_->save_snapshot(of, std::move(value), executor_, std::move(done));
    });
  }
  /// What an audit shows: document → covered end.
  using contents = std::map<base::DocumentId, std::uint64_t>;
  static snapshot_visitor into(contents& out) {
    return [&out](StoredValue&& value) {
      ASSERT_TRUE(value.snapshot) << value.snapshot.error().message;
      EXPECT_GT(value.bytes.size(), value.snapshot->update.size());
      EXPECT_TRUE(out.emplace(value.document, value.snapshot->covered_end.value).second);
    };
  }
  contents audited() const {
    contents out;
    const auto read = store_->audit(nullptr, into(out));
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return out;
  }

  test::TestExecutor executor_;
  std::unique_ptr<DirectoryPlace> place_;
  std::unique_ptr<DirectoryStore> store_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DirectoryStoreConformance);

TEST_P(DirectoryStoreConformance, an_audit_shows_every_snapshot_once) {
  EXPECT_EQ(audited(), contents());
  contents expected;
  for (const auto& of : hostile_documents()) {
    expected[of] = expected.size();
    ASSERT_TRUE(save(of, snapshot(expected[of], "x")));
  }
  EXPECT_EQ(audited(), expected);
  for (const auto& [of, covered] : expected) {
    contents one;
    ASSERT_TRUE(store_->audit(&of, into(one)));
    EXPECT_EQ(one, (contents{{of, covered}})) << base::to_string(of);
  }
  const base::DocumentId missing = document("never saved");
  contents none;
  EXPECT_TRUE(store_->audit(&missing, into(none)));
  EXPECT_TRUE(none.empty());
}

TEST_P(DirectoryStoreConformance, a_repair_replaces_whatever_is_there) {
  ASSERT_TRUE(store_->replace_snapshot(document("new"), snapshot(3, "made")));
  ASSERT_TRUE(save(document("old"), snapshot(10, "ten")));
  ASSERT_TRUE(store_->replace_snapshot(document("old"), snapshot(4, "four")));
  store_.reset();
  store_ = place_->open_at(place_->directory());
  EXPECT_EQ(audited(), (contents{{document("new"), 3}, {document("old"), 4}}));
}

TEST_P(DirectoryStoreConformance, a_copy_is_whole_and_stays_as_it_was) {
  contents expected;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto of = document(std::to_string(i));
    expected[of] = i;
    ASSERT_TRUE(save(of, snapshot(i, std::string(i * 3000, 'x'))));
  }
  const auto copy = place_->beside("copy");
  std::thread saver([this] {
    for (std::uint64_t i = 0; i < 50; ++i) {
      EXPECT_TRUE(save(document(std::to_string(i)), snapshot(i + 1000, "later")));
    }
  });
  const auto copied = store_->checkpoint(copy);
  saver.join();
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_FALSE(store_->checkpoint(copy));  // exists
  store_->close();
  for (int run = 0; run < 2; ++run) {
    contents held;
    ASSERT_TRUE(place_->audit_at(copy, nullptr, into(held)));
    for (const auto& [of, covered] : expected) {
      EXPECT_TRUE(held[of] == covered || held[of] == covered + 1000) << base::to_string(of);
    }
    EXPECT_EQ(held.size(), expected.size());
  }
  const auto opened = place_->open_at(copy);
  ASSERT_NE(opened, nullptr);
  EXPECT_TRUE(opened->replace_snapshot(document("0"), snapshot(7, "in the copy")));
  EXPECT_EQ(audited()[document("0")], 1000u);
}

TEST_P(DirectoryStoreConformance, looking_at_a_directory_changes_nothing) {
  ASSERT_TRUE(save(document("a"), snapshot(1, "x")));
  store_.reset();
  const auto names = [this] {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place_->directory())) {
      out.push_back(entry.path().string());
    }
    std::ranges::sort(out);
    return out;
  };
  const auto before = names();
  contents held;
  ASSERT_TRUE(place_->audit_at(place_->directory(), nullptr, into(held)));
  EXPECT_EQ(held, (contents{{document("a"), 1}}));
  EXPECT_EQ(names(), before);
  EXPECT_FALSE(place_->audit_at(place_->beside("nothing"), nullptr, into(held)));
  EXPECT_FALSE(std::filesystem::exists(place_->beside("nothing")));
}

}  // namespace weft::store::conformance
