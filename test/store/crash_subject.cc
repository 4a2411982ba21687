// The program that crash tests of the snapshot stores end in the middle: it saves snapshots of a
// few documents and says on its standard output which are promised to be there. Usage:
// store_crash_subject KIND DIRECTORY, KIND as rocksdb, rocksdb-os, filesystem, filesystem-os
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
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

/// Saves rising snapshots of every second document and reports each that is promised.
void save_without_end(store::DirectoryStore& subject, int parity) {
  test::TestExecutor executor;
  std::vector<std::uint64_t> covered(documents, 0);
  for (int turn = 0;; ++turn) {
    const int target = (2 * turn + parity) % documents;
    const auto of = store::crash::document(target);
    std::uint64_t& reached = covered[static_cast<std::size_t>(target)];
    if (reached == 0) {
      const auto present = test::await<base::result<std::optional<store::Snapshot>>>(
          [&](store::callback<std::optional<store::Snapshot>> done) {
            subject.load_snapshot(of, executor, std::move(done));
          });
      require(present.has_value(), present ? "" : present.error().message);
      if (*present) reached = (*present)->covered_end.value;
    }
    ++reached;
    const auto saved = test::await<base::result<void>>([&](store::callback<void> done) {
      subject.save_snapshot(of, store::crash::snapshot(reached), executor, std::move(done));
    });
    require(saved.has_value(), saved ? "" : saved.error().message);
    const std::string line = std::to_string(target) + " " + std::to_string(reached) + "\n";
    require(::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()),
            "the report is cut off");
  }
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 3, "usage: KIND DIRECTORY");
  const auto subject = open(argv[1], argv[2]);
  std::thread second([&] { save_without_end(*subject, 1); });
  save_without_end(*subject, 0);
}
