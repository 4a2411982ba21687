#pragma once

#include <vector>

#include "weft/crdt/reader.h"

/// What yrs is given in place of foreign bytes.
///
/// yrs is fast on what editors write and can be brought down by what they never write: it reads
/// clocks as 32-bit numbers, recurses over nested types, keeps every format of every run, and lets
/// through what Yjs would hold back. So an update is first brought into a form in which none of
/// that can happen, by the same rules by which Yjs decides what becomes visible.
namespace weft::crdt {

/// Updates that, applied in order, show what Yjs shows after `update`, and nothing is pending:
/// compacted; only what Yjs would integrate; items whose parent is gone as GC; subdocuments as
/// their mark and old JSON content as plain values. In pieces, so that time can be looked at.
/// Errors: corrupt, too_large, failed (JSON text that yrs cannot hold).
result<std::vector<base::byte_vector>> prepare(byte_view update, const Limits& limits);

/// Only the last of these: contents that yrs cannot show rewritten, everything else as it is.
/// Errors: corrupt, failed.
result<base::byte_vector> rewrite_contents(byte_view update);

}  // namespace weft::crdt
