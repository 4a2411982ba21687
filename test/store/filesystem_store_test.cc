#include "weft/store/filesystem/filesystem_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "store/directory_store_conformance.h"
#include "weft/store/filesystem/file_names.h"

namespace weft::store::filesystem {
namespace {

namespace fs = std::filesystem;
using conformance::DirectoryStoreConformance;
using conformance::document;
using conformance::DocumentStoreConformance;
using conformance::snapshot;

class FilesystemPlace : public conformance::DirectoryPlace {
 public:
  std::unique_ptr<DirectoryStore> open_at(const fs::path& directory) override {
    auto store = FilesystemStore::open({.directory = directory});
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  base::result<void> audit_at(const fs::path& directory, const base::DocumentId* document,
                              const snapshot_visitor& each) override {
    return audit_directory(directory, document, each);
  }
};

INSTANTIATE_TEST_SUITE_P(filesystem, DocumentStoreConformance,
                         ::testing::Values([] { return std::make_unique<FilesystemPlace>(); }));
INSTANTIATE_TEST_SUITE_P(filesystem, DirectoryStoreConformance,
                         ::testing::Values([] { return std::make_unique<FilesystemPlace>(); }));

TEST(file_names, are_safe_and_bounded_and_differ) {
  std::set<std::string> seen;
  for (const auto& of : conformance::hostile_documents()) {
    const std::string name = document_file_name(of);
    EXPECT_LE(name.size(), file_name_bytes_max);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_%+~"),
              std::string::npos)
        << name;
    EXPECT_TRUE(seen.insert(name).second) << name;
    const auto back = document_of_file_name(name);
    if (name.find('~') == std::string::npos) {
      EXPECT_EQ(back, of) << name;
    } else {
      EXPECT_FALSE(back) << name;
    }
  }
}

TEST(file_names, are_the_same_for_ever) {
  EXPECT_EQ(document_file_name({"team", "notes", {}}), "team+notes");
  EXPECT_EQ(document_file_name({"", "a/B", "\xc3\xb6"}), "+a%2f%42+%c3%b6");
  EXPECT_EQ(location_file_name("team/Notes+1"), "team+%4eotes%2b1");
  EXPECT_EQ(document_file_name({"r", std::string(300, 'n'), {}}),
            "r+" + std::string(118, 'n') +
                "~7dc6aabbc86b63306ea0e3875fbeca2902e9925b013b72be07aa3951969b0b8d");
}

TEST(file_names, those_that_no_name_has_are_recognized) {
  for (const char* name :
       {"", "a", "a+b+c+d", "a+%61", "a+%4G", "a+%4", "a+%", "a+B", "a+b~", "a+b ", "a+%C3"}) {
    EXPECT_FALSE(document_of_file_name(name)) << name;
  }
  EXPECT_FALSE(location_of_file_name(""));
  EXPECT_FALSE(location_of_file_name("A"));
  EXPECT_EQ(location_of_file_name("+"), "/");
}

class FilesystemDamage : public ::testing::Test {
 protected:
  FilesystemDamage() : directory_(home_.path() / "store") { open(); }

  void open() {
    store_.reset();
    auto opened = FilesystemStore::open({.directory = directory_});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
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
  fs::path file(const base::DocumentId& of, const char* suffix = ".snapshot") const {
    return directory_ / "snapshots" / (document_file_name(of) + suffix);
  }
  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void expect_corrupt(const base::DocumentId& of) {
    const auto loaded = load(of);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, errc::corrupt) << loaded.error().message;
  }
  base::error open_error() {
    store_.reset();
    const auto opened = FilesystemStore::open({.directory = directory_});
    EXPECT_FALSE(opened);
    return opened ? base::error{} : opened.error();
  }

  test::TestExecutor executor_;
  test::TemporaryDirectory home_;
  const fs::path directory_;
  std::unique_ptr<FilesystemStore> store_;
};

TEST_F(FilesystemDamage, every_torn_or_changed_file_is_reported) {
  const auto of = document("a");
  ASSERT_TRUE(save(of, snapshot(5, "hello")));
  const std::string good = content(file(of));
  for (std::size_t size = 0; size < good.size(); ++size) {
    write(file(of), good.substr(0, size));
    expect_corrupt(of);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write(file(of), bad);
    expect_corrupt(of);
  }
  write(file(of), good + "x");
  expect_corrupt(of);
  write(file(of), good);
  EXPECT_TRUE(load(of).value().has_value());
}

TEST_F(FilesystemDamage, a_damaged_file_is_kept_when_a_newer_one_replaces_it) {
  const auto of = document("a");
  ASSERT_TRUE(save(of, snapshot(5, "hello")));
  write(file(of), "no snapshot");
  expect_corrupt(of);
  ASSERT_TRUE(save(of, snapshot(1, "again")));
  EXPECT_EQ(base::as_text((*load(of))->update), "again");
  EXPECT_EQ(content(file(of, ".damaged")), "no snapshot");
}

TEST_F(FilesystemDamage, the_file_of_another_document_is_reported) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  fs::copy(file(document("a")), file(document("b")));
  expect_corrupt(document("b"));
  int intact = 0;
  int damaged = 0;
  ASSERT_TRUE(
      store_->audit(nullptr, [&](StoredValue&& value) { ++(value.snapshot ? intact : damaged); }));
  EXPECT_EQ(intact, 1);
  EXPECT_EQ(damaged, 1);
}

TEST_F(FilesystemDamage, what_is_no_plain_file_is_reported_and_never_waited_for) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  fs::create_directory(file(document("directory")));
  fs::create_symlink(file(document("a")), file(document("link")));
  fs::create_symlink("/nowhere", file(document("dangling")));
  ASSERT_EQ(::mkfifo(file(document("pipe")).c_str(), 0600), 0);
  for (const char* name : {"directory", "link", "dangling", "pipe"}) expect_corrupt(document(name));
  ASSERT_TRUE(save(document("pipe"), snapshot(1, "a file now")));
  EXPECT_EQ(base::as_text((*load(document("pipe")))->update), "a file now");
  const auto over_directory = save(document("directory"), snapshot(1, "x"));
  ASSERT_FALSE(over_directory);
  EXPECT_EQ(over_directory.error().code, errc::unavailable);
}

TEST_F(FilesystemDamage, a_foreign_file_is_named_by_the_audit_after_all_others_were_shown) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  write(directory_ / "snapshots" / "Notes.snapshot", "mine");
  write(directory_ / "snapshots" / "readme", "mine");
  int seen = 0;
  const auto read = store_->audit(nullptr, [&](StoredValue&&) { ++seen; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::corrupt);
  EXPECT_NE(read.error().message.find("2 such files"), std::string::npos) << read.error().message;
  EXPECT_EQ(seen, 1);
}

TEST_F(FilesystemDamage, a_long_named_document_is_known_by_what_its_file_says) {
  const base::DocumentId of{"room", std::string(3000, 'L'), "sub"};
  ASSERT_TRUE(save(of, snapshot(5, "hello")));
  std::string changed = content(file(of));
  changed.back() ^= 1;
  write(file(of), changed);
  int seen = 0;
  ASSERT_TRUE(store_->audit(nullptr, [&](StoredValue&& value) {
    ++seen;
    EXPECT_EQ(value.document, of);
    EXPECT_FALSE(value.snapshot);
  }));
  EXPECT_EQ(seen, 1);
  write(file(of), "torn");
  EXPECT_FALSE(store_->audit(nullptr, [](StoredValue&&) {}));
  EXPECT_TRUE(store_->audit(&of, [](StoredValue&& value) { EXPECT_FALSE(value.snapshot); }));
}

TEST_F(FilesystemDamage, what_a_crash_left_half_written_is_gone_after_the_next_open) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  store_.reset();
  write(directory_ / "tmp" / "0", "half a snap");
  write(directory_ / "tmp" / "17", "");
  open();
  EXPECT_TRUE(fs::is_empty(directory_ / "tmp"));
  EXPECT_EQ(base::as_text((*load(document("a")))->update), "hello");
  ASSERT_TRUE(save(document("a"), snapshot(6, "on")));
  EXPECT_TRUE(fs::is_empty(directory_ / "tmp"));
}

TEST_F(FilesystemDamage, a_store_that_was_being_made_when_a_crash_came_is_made) {
  store_.reset();
  fs::remove(directory_ / "format");
  write(directory_ / "tmp" / "format", "weft");
  open();
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
}

TEST_F(FilesystemDamage, a_second_opening_is_refused) {
  const auto second = FilesystemStore::open({.directory = directory_});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::unavailable);
  EXPECT_NE(second.error().message.find("in use by another process"), std::string::npos);
}

TEST_F(FilesystemDamage, a_directory_that_is_not_its_own_is_left_alone) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  store_.reset();
  write(directory_ / "format", "weft snapshot files 2\n");
  EXPECT_EQ(open_error().code, errc::corrupt);
  // Without its format, a directory that holds something is somebody else's.
  fs::remove(directory_ / "format");
  EXPECT_EQ(open_error().code, errc::unavailable);
  fs::remove_all(directory_ / "snapshots");
  write(directory_ / "CURRENT", "MANIFEST-1\n");
  EXPECT_EQ(open_error().code, errc::unavailable);
  EXPECT_FALSE(fs::exists(directory_ / "snapshots"));
}

TEST_F(FilesystemDamage, snapshots_that_were_moved_away_are_not_taken_for_none) {
  ASSERT_TRUE(save(document("a"), snapshot(5, "hello")));
  fs::rename(directory_ / "snapshots", directory_ / "elsewhere");
  const auto gone = load(document("b"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, errc::unavailable);
  fs::create_directory(directory_ / "snapshots");
  EXPECT_FALSE(load(document("b")));
  fs::remove(directory_ / "snapshots");
  EXPECT_EQ(open_error().code, errc::corrupt);
}

TEST_F(FilesystemDamage, below_the_disk_reserve_nothing_is_saved) {
  store_.reset();
  auto opened = FilesystemStore::open(
      {.directory = directory_, .disk_reserve_bytes = std::uint64_t{1} << 60});
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  const auto saved = save(document("a"), snapshot(1, "x"));
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, errc::unavailable);
  EXPECT_FALSE(load(document("a")).value().has_value());
}

}  // namespace
}  // namespace weft::store::filesystem
