#pragma once

#include <span>

#include "weft/yjs/structs.h"

/// Format v2 by way of format v1. Merge and diff cut and order structs, which has nothing to do
/// with how their fields are laid out; so they are written once, over v1, and an update in format
/// v2 is unpacked before them and packed after them.
///
/// Unpacked is format v1 but for one thing: the value of an Embed or Format is an `any`, because
/// JSON cannot say all that v2 can. All else in it is as Yjs writes it.
namespace weft::yjs {

/// Whether sections stay as they were, or neighbours of one client become one with the clock of the
/// first, as in everything that Yjs writes.
enum class Sections : bool { kept, joined };

/// Writes an update in format v2 as v1 (`Values::json`) or unpacked (`Values::any`).
/// Errors: those of decoding; over_limit as soon as the result would exceed `bytes_max`;
/// no_v1_form with `Values::json`.
base::result<base::byte_vector> unpack(base::byte_view update_v2, Values values, Sections sections,
                                       std::size_t bytes_max);

/// Writes an update in format v1 (`Values::json`) or unpacked (`Values::any`) as v2.
/// Errors: those of decoding.
base::result<base::byte_vector> pack(base::byte_view update, Values values);

/// `merge` and `diff` of unpacked updates.
base::result<base::byte_vector> merge_unpacked(std::span<const base::byte_view> updates);
base::result<base::byte_vector> diff_unpacked(base::byte_view update, base::byte_view state_vector);

}  // namespace weft::yjs
