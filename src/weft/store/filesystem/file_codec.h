#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/store/document_store.h"

/// The bytes of the files in a store of plain files. Decoders take anything.
/// Source: docs/formats/snapshot.md and docs/formats/blob.md.
namespace weft::store::filesystem {

/// What precedes the update in a snapshot's file.
std::string encode_snapshot_file_head(const base::DocumentId& document, const Snapshot& snapshot);

/// The document that a snapshot's file names itself, intact or not; nullopt when it names none.
std::optional<base::DocumentId> document_in_file(base::byte_view bytes);

/// Reads the file of `document`'s snapshot, whose update shares `bytes`. Errors: corrupt (also for
/// the file of another document).
base::result<Snapshot> decode_snapshot_file(const base::DocumentId& document,
                                            const base::shared_bytes& bytes);

/// How many bytes of a blob's file are no content.
std::size_t blob_overhead(std::string_view location);

/// What precedes the content in a blob's file.
std::string encode_blob_file_head(std::string_view location, base::byte_view content);

/// The location that a blob's file, of which `bytes` is the beginning, names itself, intact or not;
/// nullopt when it names none.
std::optional<std::string_view> location_in_file(base::byte_view bytes);

/// The content of the file of the blob at `location`, sharing `bytes`. Errors: corrupt (also for
/// the file of another blob).
base::result<base::shared_bytes> decode_blob_file(std::string_view location,
                                                  const base::shared_bytes& bytes);

}  // namespace weft::store::filesystem
