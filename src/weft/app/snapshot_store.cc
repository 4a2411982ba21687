#include "weft/app/snapshot_store.h"

#include <utility>

#include "weft/store/filesystem/filesystem_store.h"
#include "weft/store/rocksdb/rocksdb_store.h"

namespace weft::app {

namespace {

std::unexpected<base::error> no_store(const std::filesystem::path& directory) {
  return base::fail(store::errc::unavailable,
                    "snapshot store: there is none in " + directory.string());
}

/// Both kinds have options of these names.
template <typename Store, typename Options>
base::result<std::unique_ptr<store::DirectoryStore>> open_as(const SnapshotStoreOptions& options) {
  Options wanted;
  wanted.directory = options.directory;
  wanted.disk_reserve_bytes = options.disk_reserve_bytes;
  wanted.sync = options.sync;
  auto opened = Store::open(std::move(wanted));
  if (!opened) return base::fail(std::move(opened.error()));
  return std::move(*opened);
}

}  // namespace

const char* name_of(store_kind kind) {
  return kind == store_kind::rocksdb ? "rocksdb" : "filesystem";
}

std::optional<store_kind> store_kind_of(std::string_view name) {
  for (const store_kind kind : {store_kind::rocksdb, store_kind::filesystem}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

std::optional<store_kind> kind_of_store(const std::filesystem::path& directory) {
  std::error_code unknown;
  if (std::filesystem::exists(directory / "CURRENT", unknown)) return store_kind::rocksdb;
  if (store::filesystem::is_filesystem_store(directory)) return store_kind::filesystem;
  return std::nullopt;
}

base::result<std::unique_ptr<store::DirectoryStore>> open_snapshot_store(
    store_kind kind, const SnapshotStoreOptions& options) {
  if (const auto present = kind_of_store(options.directory); present && *present != kind) {
    return base::fail(store::errc::unavailable,
                      "snapshot store: " + options.directory.string() + " is of the kind " +
                          name_of(*present) + ", but store.kind is " + name_of(kind) +
                          "; set it to what is there (docs/operations.md says how to change it)");
  }
  if (kind == store_kind::rocksdb) {
    return open_as<store::rocks::RocksDbStore, store::rocks::RocksDbStoreOptions>(options);
  }
  return open_as<store::filesystem::FilesystemStore, store::filesystem::FilesystemStoreOptions>(
      options);
}

base::result<std::unique_ptr<store::DirectoryStore>> open_snapshot_store(
    const SnapshotStoreOptions& options) {
  const auto kind = kind_of_store(options.directory);
  return kind ? open_snapshot_store(*kind, options) : no_store(options.directory);
}

base::result<void> audit_snapshot_store(const std::filesystem::path& directory,
                                        const base::DocumentId* document,
                                        const store::snapshot_visitor& each) {
  const auto kind = kind_of_store(directory);
  if (!kind) return no_store(directory);
  if (*kind == store_kind::rocksdb) {
    return store::rocks::audit_directory(directory, document, each);
  }
  return store::filesystem::audit_directory(directory, document, each);
}

}  // namespace weft::app
