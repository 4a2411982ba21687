#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"

/// Base64 (RFC 4648). Pure, any thread.
namespace weft::gateway {

/// Appends the standard encoding (section 4), padded.
void append_base64(base::byte_view bytes, std::string& out);

std::string to_base64(base::byte_view bytes);

/// The URL alphabet (section 5), without padding.
std::string to_base64url(base::byte_view bytes);

/// Undoes the standard or the URL alphabet (section 5), padded or not. None for anything else:
/// foreign characters, both alphabets in one text, wrong padding, bits that no byte owns.
std::optional<base::byte_vector> from_base64(std::string_view text);

}  // namespace weft::gateway
