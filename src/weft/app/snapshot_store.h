#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/base/result.h"
#include "weft/store/directory_store.h"

/// The kinds of snapshot store that a data directory can have.
namespace weft::app {

enum class store_kind {
  rocksdb,     ///< a RocksDB: many documents, few files
  filesystem,  ///< one plain file for each document
};

/// As `store.kind` has it.
const char* name_of(store_kind kind);
std::optional<store_kind> store_kind_of(std::string_view name);

/// The kind of the store that lies in a directory; nullopt when there is none.
std::optional<store_kind> kind_of_store(const std::filesystem::path& directory);

struct SnapshotStoreOptions {
  std::filesystem::path directory;
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  bool sync = true;
};

/// Opens or makes a store of this kind. Errors: unavailable (the directory holds another kind, and
/// as the kinds say), corrupt.
base::result<std::unique_ptr<store::DirectoryStore>> open_snapshot_store(
    store_kind kind, const SnapshotStoreOptions& options);

/// Opens the store that lies in a directory, of whichever kind. Errors: unavailable (there is none,
/// and as the kinds say), corrupt.
base::result<std::unique_ptr<store::DirectoryStore>> open_snapshot_store(
    const SnapshotStoreOptions& options);

/// Reads the snapshots in a directory that no process has open, of whichever kind; writes nothing.
/// `document` as in DirectoryStore::audit. Errors: unavailable, corrupt.
base::result<void> audit_snapshot_store(const std::filesystem::path& directory,
                                        const base::DocumentId* document,
                                        const store::snapshot_visitor& each);

}  // namespace weft::app
