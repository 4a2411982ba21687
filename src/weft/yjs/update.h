#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/yjs/errc.h"
#include "weft/yjs/id_set.h"

/// Pure functions over Yjs updates in format v1. No I/O, no state, any thread.
///
/// Byte format: https://github.com/yjs/yjs/blob/main/INTERNALS.md and
/// docs/formats/yjs_update_v1.md. Foreign bytes never crash, hang, or take more memory than 16
/// times the input plus a constant.
namespace weft::yjs {

using base::byte_vector;
using base::byte_view;
using base::result;

/// Refuses exactly what Yjs' own decoder refuses (readable to the end, known content types).
/// Errors: truncated, corrupt.
result<void> validate(byte_view update);

/// Byte-equal to Yjs' `mergeUpdates` on the same list in the same order, but for one documented
/// bound on ties (docs/formats/yjs_update_v1.md, section 6).
result<byte_vector> merge(std::span<const byte_view> updates);

/// Byte-equal to Yjs' `diffUpdate(update, state_vector)`.
result<byte_vector> diff(byte_view update, byte_view state_vector);

/// Byte-equal to Yjs' `encodeStateVectorFromUpdate`.
result<byte_vector> state_vector_of(byte_view update);

/// True when the update carries neither structs (Skips do not count) nor deletions.
result<bool> is_empty(byte_view update);

/// An update with the same state as all the inputs together, in any order: runs joined, deleted
/// items turned into deleted content, origins kept. Gaps are kept as Skips. A document that
/// applies it instead of the inputs is equal in typed content and state vector.
result<byte_vector> compact(std::span<const byte_view> updates);

/// Splits an update into parts of at most about `part_bytes_max` bytes whose concatenation in
/// order is causally closed: applying parts 1..k never leaves a pending struct (unless the input
/// itself lacks the dependency). Each part carries the deletions of the structs it brings (and
/// the last those of structs that no part brings). Never cuts inside a surrogate pair.
/// An item that cannot be cut (one embed, one binary) may make a part larger.
result<std::vector<byte_vector>> split(byte_view update, std::size_t part_bytes_max);

/// What an update (or many) holds, as sets of clock ranges by client.
struct Knowledge {
  IdSet structs;    ///< clocks carried by Items and GCs, never by Skips
  IdSet deletions;  ///< the delete set
};

/// Decodes and adds to `into` what the update carries. On error `into` is unchanged.
result<void> learn(byte_view update, Knowledge& into);

/// How an update relates to what is held. Answers come from ranges alone; see `same_content`.
enum class Novelty {
  empty,      ///< carries nothing at all
  fresh,      ///< no struct clock range is held yet (deletions may be)
  contained,  ///< every struct range and every delete range is held
  partly,     ///< something is new, but the update must be reduced before it is passed on: some
              ///< struct range is held, or its client sections are not in Yjs' order
};

/// Validates and classifies in one pass; the hot path of an incoming edit.
result<Novelty> classify(byte_view update, const Knowledge& held);

/// The part of `update` that `held` lacks: struct ranges and delete ranges cut to what is new.
/// Returns an empty update when nothing is new.
result<byte_vector> reduce(byte_view update, const Knowledge& held);

/// For the clocks that both carry: does `update` say the same as the held updates? A range that
/// either side holds as deleted content or GC counts as the same, and so do objects that name
/// their properties in another order. False means a reused client id.
/// Time: near linear when what is held comes in the order of its clocks and neither side names a
/// clock twice, as in merged, compacted or reduced updates. Where both repeat clocks it is up to
/// the square: merge what strangers sent before it is held.
result<bool> same_content(byte_view update, std::span<const byte_view> held);

/// `contains` as docs/architecture.md defines it: everything `update` carries is in `held`, with
/// the same content.
result<bool> contains(std::span<const byte_view> held, byte_view update);

/// The update that carries nothing: two zero bytes.
byte_view empty_update();

/// The encoding of an empty state vector: one zero byte.
byte_view empty_state_vector();

/// Encodes the contiguous-from-zero part of `known` as a Yjs state vector (clients in descending
/// order, as Yjs writes them).
byte_vector encode_state_vector(const IdSet& known);

}  // namespace weft::yjs
