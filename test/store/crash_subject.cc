// The program that crash tests of the snapshot stores end in the middle: it saves snapshots of a
// few documents and says on its standard output which are promised to be there. Usage:
// store_crash_subject KIND DIRECTORY [until-failure | FULL_FILE] KIND is rocksdb, rocksdb-os,
// filesystem or filesystem-os. With until-failure it ends at the first save that fails; FULL_FILE
// fills the disk while it exists.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "store/crash_subject.h"
#include "support/test_executor.h"
#include "weft/store/filesystem/filesystem_store.h"
#include "weft/store/rocksdb/rocksdb_store.h"

namespace {

using namespace weft;
using store::crash::documents;

void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "crash subject: %s\n", what.c_str());
  std::_Exit(1);
}

std::unique_ptr<store::DirectoryStore> open(const std::string& kind, const std::string& directory) {
  const bool sync = !kind.ends_with("-os");
  if (kind.starts_with("rocksdb")) {
    auto opened = store::rocks::RocksDbStore::open(
        {.directory = directory, .disk_reserve_bytes = 0, .sync = sync});
    require(opened.has_value(), opened ? "" : opened.error().message);
    return std::move(*opened);
  }
  auto opened = store::filesystem::FilesystemStore::open(
      {.directory = directory, .disk_reserve_bytes = 0, .sync = sync});
  require(opened.has_value(), opened ? "" : opened.error().message);
  return std::move(*opened);
}

base::result<void> save(store::DirectoryStore& subject, test::TestExecutor& executor, int number,
                        std::uint64_t covered) {
  return test::await<base::result<void>>([&](store::callback<void> done) {
    subject.save_snapshot(store::crash::document(number), store::crash::snapshot(covered), executor,
                          std::move(done));
  });
}

std::uint64_t covered_by(store::DirectoryStore& subject, test::TestExecutor& executor, int number) {
  const auto present = test::await<base::result<std::optional<store::Snapshot>>>(
      [&](store::callback<std::optional<store::Snapshot>> done) {
        subject.load_snapshot(store::crash::document(number), executor, std::move(done));
      });
  require(present.has_value(), present ? "" : present.error().message);
  return *present ? (*present)->covered_end.value : 0;
}

/// A full disk fails one save and harms nothing; when there is room again, saving goes on.
int fill_disk(store::DirectoryStore& subject, const std::string& full_file) {
  test::TestExecutor executor;
  require(save(subject, executor, 0, 5).has_value(), "the first save failed");
  std::ofstream(full_file) << "full";
  const auto refused = save(subject, executor, 0, 10);
  require(!refused && refused.error().code == store::errc::unavailable, "the disk was not full");
  require(!save(subject, executor, 1, 1), "the disk was not full for a new document");
  require(covered_by(subject, executor, 0) == 5, "the old snapshot is not there");
  require(covered_by(subject, executor, 1) == 0, "a part of a snapshot is there");
  std::filesystem::remove(full_file);
  require(save(subject, executor, 0, 10).has_value(), "saving does not go on");
  require(covered_by(subject, executor, 0) == 10, "the new snapshot is not there");
  return 0;
}

/// Saves rising snapshots of every second document and reports each that is promised.
void save_on(store::DirectoryStore& subject, int parity, bool until_failure) {
  test::TestExecutor executor;
  std::vector<std::uint64_t> covered(documents, 0);
  for (int turn = 0;; ++turn) {
    const int target = (2 * turn + parity) % documents;
    std::uint64_t& reached = covered[static_cast<std::size_t>(target)];
    if (reached == 0) reached = covered_by(subject, executor, target);
    const auto saved = save(subject, executor, target, ++reached);
    if (!saved && until_failure) {
      require(saved.error().code == store::errc::unavailable, saved.error().message);
      return;
    }
    require(saved.has_value(), saved ? "" : saved.error().message);
    const std::string line = std::to_string(target) + " " + std::to_string(reached) + "\n";
    require(::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()),
            "the report is cut off");
  }
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 3 || argc == 4, "usage: KIND DIRECTORY [until-failure | FULL_FILE]");
  const auto subject = open(argv[1], argv[2]);
  const std::string more = argc == 4 ? argv[3] : "";
  const bool until_failure = more == "until-failure";
  if (!more.empty() && !until_failure) return fill_disk(*subject, more);
  std::thread second([&] { save_on(*subject, 1, until_failure); });
  save_on(*subject, 0, until_failure);
  second.join();
  return 0;
}
