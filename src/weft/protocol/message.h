#pragma once

#include <nlohmann/json.hpp>

#include "weft/protocol/envelope.h"

namespace weft::protocol {

/// One message of the collaboration contract, whichever way it travels: what its envelope says.
/// Source: docs/protocols.md, "Envelope".
struct Message {
  Metadata metadata;
  /// What else the metadata hold: an object without the keys of `metadata`. It survives a round
  /// trip.
  nlohmann::ordered_json more = nlohmann::ordered_json::object();
  base::byte_view payload;  ///< a view of the envelope that was read
};

/// Reads a whole envelope. Errors: truncated, corrupt.
base::result<Message> decode_message(base::byte_view envelope);

/// Writes an envelope: the fields that there are in the order of the table in docs/protocols.md,
/// then `more`. Errors: corrupt (a name is empty, `more` holds a key of the metadata or is no
/// object), too_large (beyond metadata_bytes_max).
base::result<base::byte_vector> encode_message(const Message& message);

}  // namespace weft::protocol
