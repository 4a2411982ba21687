#pragma once

#include "weft/base/bytes.h"

/// One function per decoder of stored bytes: takes anything, aborts when a promise is broken.
namespace weft::fuzz {

/// A record that decodes encodes to the same bytes.
void log_record(base::byte_view bytes);

/// The body of a chunk behind a checksum that is right: never read beyond it, and every record
/// lies inside it.
void log_chunk(base::byte_view bytes);

/// The body of a commit behind a checksum that is right: what decodes encodes to the same bytes.
void log_commit(base::byte_view bytes);

/// The headers of a Kafka record, in any number and order: what decodes encodes to the same bytes.
/// Each is a byte for its name, one for its length, and its value.
void kafka_headers(base::byte_view bytes);

}  // namespace weft::fuzz
