#pragma once

#include <rocksdb/db.h>

#include <cstddef>
#include <filesystem>
#include <memory>

namespace weft::base::rocks {

/// The settings of every RocksDB that Weft keeps: damage is refused and never skipped, a failed
/// write ends writing until the next open, nothing wakes an idle process. `memory_bytes_max` is
/// what write buffers and cache may take, about; how far the write-ahead log may grow is the
/// driver's to say. The caller adds what its data asks for.
rocksdb::Options common_options(std::size_t memory_bytes_max);

/// Opens or creates a database that belongs to this process alone, with its directory; cuts off a
/// torn tail of its write-ahead log (wal_tail.h).
/// Errors: Busy (another process has it), Corruption, else IOError or as RocksDB says.
rocksdb::Status open_database(const rocksdb::Options& options,
                              const std::filesystem::path& directory,
                              std::unique_ptr<rocksdb::DB>& out);

/// Opens a database that exists for reading: nothing in its directory changes.
rocksdb::Status open_read_only(rocksdb::Options options, const std::filesystem::path& directory,
                               std::unique_ptr<rocksdb::DB>& out);

/// A consistent copy in a directory that must not exist yet; writing goes on meanwhile. Blocks.
rocksdb::Status checkpoint(rocksdb::DB& database, const std::filesystem::path& directory);

}  // namespace weft::base::rocks
