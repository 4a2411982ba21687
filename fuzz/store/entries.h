#pragma once

#include "weft/base/bytes.h"

/// One function per decoder of stored bytes: takes anything, aborts when a promise is broken.
namespace weft::fuzz {

/// A snapshot's value, with whatever checksum: what decodes encodes to the same bytes.
void snapshot(base::byte_view bytes);

/// A snapshot's file: the document it names itself and, with that name, what it holds; what decodes
/// encodes to the same bytes.
void snapshot_file(base::byte_view bytes);

/// A blob's file, likewise.
void blob_file(base::byte_view bytes);

}  // namespace weft::fuzz
