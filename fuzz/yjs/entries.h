#pragma once

#include "weft/base/bytes.h"

/// One function for each entry of the codec; each aborts when a property does not hold.
///
/// Entries that take several updates read them as chunks, each behind a byte with its length; 255
/// means all that is left.
namespace weft::fuzz {

void validate(base::byte_view input);
void merge(base::byte_view input);
void diff(base::byte_view input);  ///< an update, then a state vector
void compact(base::byte_view input);
void indexed(base::byte_view input);    ///< two updates or state vectors, then what is held
void split(base::byte_view input);      ///< a byte for the size of parts, then an update
void knowledge(base::byte_view input);  ///< an update, then what is held
void revert(base::byte_view input);     ///< what is past, then what has come since
void convert(base::byte_view input);    ///< an update in format v1
void validate_v2(base::byte_view input);
void merge_v2(base::byte_view input);
void diff_v2(base::byte_view input);  ///< an update, then a state vector
void sync_message(base::byte_view input);
void awareness(base::byte_view input);

}  // namespace weft::fuzz
