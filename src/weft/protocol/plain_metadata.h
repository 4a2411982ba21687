#pragma once

#include <optional>

#include "weft/protocol/envelope.h"

/// Internal to protocol: the two ways to read an envelope's metadata. Pure, any thread.
namespace weft::protocol {

/// Reads metadata of the form in which clients write them, without a parser of JSON in general: an
/// object of strings in ASCII without escapes and of integers from 0 to 10^18 - 1, no spaces
/// between them. None for all other text, right or wrong: parse_metadata then decides. What is read
/// equals what parse_metadata reads.
std::optional<Metadata> read_plain_metadata(base::byte_view json);

/// Reads metadata in general. As decode_metadata.
base::result<Metadata> parse_metadata(base::byte_view json);

}  // namespace weft::protocol
