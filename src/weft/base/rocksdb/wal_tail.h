#pragma once

#include <filesystem>

#include "weft/base/result.h"

namespace weft::base::rocks {

/// Cuts a torn tail off the newest write-ahead log file of a RocksDB directory, when damage in it
/// is followed by nothing valid; the file as it was is kept as `<name>.torn`.
///
/// A sector that a crash left unwritten in the middle of the last commit makes RocksDB refuse the
/// whole database, although nothing acknowledged is behind it: a synced write is on the disk before
/// the next one is written, so an unsynced one is always the last. True when something was cut,
/// false when the damage is not of this kind and must be reported.
/// Errors: std::errc::io_error (the file cannot be read or cut).
result<bool> cut_torn_tail(const std::filesystem::path& directory);

}  // namespace weft::base::rocks
