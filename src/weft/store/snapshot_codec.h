#pragma once

#include <string>
#include <string_view>

#include "weft/base/result.h"
#include "weft/store/document_store.h"

/// The stored form of a snapshot, whatever it is stored in. Source: docs/formats/snapshot.md.
namespace weft::store {

/// The key that a document's snapshot is stored under, and that its checksum covers.
std::string snapshot_key(const base::DocumentId& document);

/// What precedes the update in the value stored under `key`; the update follows verbatim.
std::string encode_snapshot_head(std::string_view key, const Snapshot& snapshot);

/// Reads a value; the snapshot's update shares the bytes of `value`. Errors: corrupt.
base::result<Snapshot> decode_snapshot(std::string_view key, const base::shared_bytes& value);

}  // namespace weft::store
