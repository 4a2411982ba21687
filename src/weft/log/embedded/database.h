#pragma once

#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/result.h"
#include "weft/log/embedded/embedded_log.h"

namespace weft::log::embedded {

/// A RocksDB status in the log's terms: corrupt, disk_full, closed or failed.
base::error to_error(const rocksdb::Status& status, std::string_view doing);

/// Opens or creates the log's database, cutting off a torn tail of its write-ahead log.
/// Errors: failed (in use by another process, not permitted …), corrupt, disk_full.
base::result<std::unique_ptr<rocksdb::DB>> open_database(const EmbeddedLogOptions& options);

/// Opens a log for reading: nothing in its directory changes. Errors: failed, corrupt.
base::result<std::unique_ptr<rocksdb::DB>> open_read_only(const std::filesystem::path& directory);

/// For reading everything once and in order: no use in keeping it cached.
std::unique_ptr<rocksdb::Iterator> read_through(rocksdb::DB& database);

/// Whether it stands on an entry of this kind.
bool at_commit(const rocksdb::Iterator& at);
bool at_chunk(const rocksdb::Iterator& at);
bool at_name(const rocksdb::Iterator& at);

/// The value of a key that encode_number wrote, or nullopt when there is none.
base::result<std::optional<std::uint64_t>> get_number(rocksdb::DB& database,
                                                      const std::string& key);

}  // namespace weft::log::embedded
