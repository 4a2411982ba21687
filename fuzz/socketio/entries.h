#pragma once

#include "weft/base/bytes.h"

/// One function per decoder of what Engine.IO and Socket.IO clients send: takes anything, aborts
/// when a promise is broken.
namespace weft::fuzz {

/// The first byte is how many packets may be read, the rest the body of a POST. What is read is
/// written as frames, and comes back the same through the body of a poll.
void payload(base::byte_view input);

/// Messages of one client to the Socket.IO decoder, each behind a byte whose lowest bit says
/// whether it is binary and whose others say how long it is. Bounds are kept, and a packet is read
/// again from its own encoding.
void packets(base::byte_view input);

/// A query string, a line end, and the JSON of an `auth` object and of what an event says of a
/// document. What is taken names its document within the bounds, and is what it was taken for.
void handshake(base::byte_view input);

/// An envelope. What is taken is cut out of it unchanged.
void message(base::byte_view input);

}  // namespace weft::fuzz
