#pragma once

#include <cstddef>

#include "weft/base/bytes.h"

namespace weft::fuzz {

/// Decodes `input` whole and in pieces and aborts when the two differ or a bound is broken.
void websocket_frames(base::byte_view input);
void http_requests(base::byte_view input);
/// Inflates `input` as a message and deflates it, and checks that both keep to their bounds and
/// that no message leaves anything behind for the next.
void deflated_messages(base::byte_view input);

}  // namespace weft::fuzz
