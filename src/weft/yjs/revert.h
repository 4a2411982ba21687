#pragma once

#include "weft/yjs/update.h"

namespace weft::yjs {

/// An edit that makes the content of `present` what it was in `past`: what has come since is
/// deleted, and what has been deleted since is inserted again, at its place, as new items of
/// `client`. Nothing is taken back: both states stay in the history, and what others write
/// meanwhile merges as with any edit.
///
/// `past` must be an earlier state of the same document; `client` must not occur in it. Both are
/// updates of format v1; so is the result, which is empty when the content is the same already.
/// It is applied to `present` in memory and compared with `past` before it is returned.
/// Errors: truncated, corrupt (also: `past` is no earlier state, or something of it cannot be made
/// again), too_large (nested too deep).
/// Memory: about 200 bytes for each struct of either. Thread: any.
result<byte_vector> revert(byte_view past, byte_view present, client_id client);

/// Whether two states show the same: same roots, texts with formats, maps, arrays and XML, whatever
/// ids, deletions and order of keys. Errors: as `revert`.
result<bool> same_appearance(byte_view a, byte_view b);

}  // namespace weft::yjs
