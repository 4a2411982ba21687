#pragma once

#include "weft/yjs/update.h"

/// Pure functions over Yjs updates in format v2. No I/O, no state, any thread.
///
/// Byte format: docs/formats/yjs_update_v2.md. Everything inside Weft is format v1; v2 is read and
/// written where a client speaks it. A state vector is the same in both formats.
///
/// A few bytes of v2 can claim millions of structs. So every function that reads v2 is told how
/// large the update (all updates together) may be in format v1, and refuses with over_limit what is
/// larger. Give it the limit that updates in format v1 meet. Memory is at most 16 times the input
/// and its size in format v1, plus a constant; time is linear in them but for sorting.
namespace weft::yjs {

inline constexpr std::size_t v1_bytes_max_default = std::size_t{64} << 20;

/// Refuses exactly what Yjs' own decoder refuses; see the page above for the differences.
/// Errors: truncated, corrupt, too_large, over_limit.
result<void> validate_v2(byte_view update, std::size_t v1_bytes_max = v1_bytes_max_default);

/// Byte-equal to Yjs' `convertUpdateFormatV1ToV2`.
/// Errors: those of `validate`; too_large for clocks that are 2^52 or more apart.
result<byte_vector> v1_to_v2(byte_view update);

/// Byte-equal to Yjs' `convertUpdateFormatV2ToV1`.
/// Errors: those of `validate_v2`; no_v1_form, where Yjs throws as well.
result<byte_vector> v2_to_v1(byte_view update, std::size_t v1_bytes_max = v1_bytes_max_default);

/// Byte-equal to Yjs' `encodeStateVectorFromUpdateV2`. Errors: those of `validate_v2`.
result<byte_vector> state_vector_of_v2(byte_view update,
                                       std::size_t v1_bytes_max = v1_bytes_max_default);

/// Byte-equal to Yjs' `mergeUpdatesV2` on the same list in the same order.
/// Errors: those of `validate_v2`; too_large as `v1_to_v2`.
result<byte_vector> merge_v2(std::span<const byte_view> updates,
                             std::size_t v1_bytes_max = v1_bytes_max_default);

/// Byte-equal to Yjs' `diffUpdateV2(update, state_vector)`.
/// Errors: those of `validate_v2`; too_large as `v1_to_v2`.
result<byte_vector> diff_v2(byte_view update, byte_view state_vector,
                            std::size_t v1_bytes_max = v1_bytes_max_default);

}  // namespace weft::yjs
