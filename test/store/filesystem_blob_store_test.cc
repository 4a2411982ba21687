#include "weft/store/filesystem/filesystem_blob_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "store/blob_store_conformance.h"
#include "support/temporary_directory.h"
#include "weft/store/filesystem/file_names.h"

namespace weft::store::filesystem {
namespace {

namespace fs = std::filesystem;
using conformance::BlobStoreConformance;

class FilesystemBlobPlace final : public conformance::BlobPlace {
 public:
  std::unique_ptr<BlobStore> open() override {
    auto store =
        FilesystemBlobStore::open({.directory = directory(), .blob_bytes_max = blob_bytes_max});
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  void crash() override {
    const auto before = directory();
    ++crashes_;
    fs::copy(before, directory(), fs::copy_options::recursive);
  }
  fs::path directory() const { return home_.path() / ("blobs" + std::to_string(crashes_)); }
  fs::path file(const std::string& location) const {
    return directory() / "blobs" / (location_file_name(location) + ".blob");
  }

 private:
  test::TemporaryDirectory home_;
  int crashes_ = 0;
};

INSTANTIATE_TEST_SUITE_P(filesystem, BlobStoreConformance,
                         ::testing::Values([] { return std::make_unique<FilesystemBlobPlace>(); }));

class FilesystemBlobDamage : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = place_.open();
    ASSERT_NE(store_, nullptr);
  }
  base::result<void> put(const std::string& location, const std::string& bytes) {
    return test::await<base::result<void>>([&](callback<void> done) {
      store_->put(location, base::shared_bytes::copy_of(base::as_bytes(bytes)),
                  existing_blob::replace, executor_, std::move(done));
    });
  }
  base::result<std::optional<base::shared_bytes>> get(const std::string& location) {
    return test::await<base::result<std::optional<base::shared_bytes>>>(
        [&](callback<std::optional<base::shared_bytes>> done) {
          store_->get(location, executor_, std::move(done));
        });
  }
  base::result<std::vector<BlobEntry>> list() {
    return test::await<base::result<std::vector<BlobEntry>>>(
        [&](callback<std::vector<BlobEntry>> done) {
          store_->list("", "", 100, executor_, std::move(done));
        });
  }
  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void expect_corrupt(const std::string& location) {
    const auto got = get(location);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::corrupt) << got.error().message;
  }

  test::TestExecutor executor_;
  FilesystemBlobPlace place_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(FilesystemBlobDamage, every_torn_or_changed_file_is_reported) {
  ASSERT_TRUE(put("a/b", "hello"));
  const std::string good = content(place_.file("a/b"));
  for (std::size_t at = 0; at < good.size(); ++at) {
    write(place_.file("a/b"), good.substr(0, at));
    expect_corrupt("a/b");
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write(place_.file("a/b"), bad);
    expect_corrupt("a/b");
  }
  EXPECT_EQ(list()->size(), 1u);
  ASSERT_TRUE(put("a/b", "again"));
  EXPECT_EQ(base::as_text(**get("a/b")), "again");
}

TEST_F(FilesystemBlobDamage, the_file_of_another_blob_is_reported) {
  ASSERT_TRUE(put("a", "hello"));
  fs::copy(place_.file("a"), place_.file("b"));
  expect_corrupt("b");
}

TEST_F(FilesystemBlobDamage, a_foreign_file_is_named_by_the_list) {
  ASSERT_TRUE(put("a", "hello"));
  write(place_.directory() / "blobs" / "readme", "mine");
  const auto listed = list();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, errc::corrupt);
  EXPECT_NE(listed.error().message.find("readme"), std::string::npos) << listed.error().message;
}

TEST_F(FilesystemBlobDamage, blobs_and_snapshots_do_not_share_a_directory) {
  store_.reset();
  write(place_.directory() / "format", "weft snapshot files 1\n");
  const auto opened = FilesystemBlobStore::open({.directory = place_.directory()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

}  // namespace
}  // namespace weft::store::filesystem
