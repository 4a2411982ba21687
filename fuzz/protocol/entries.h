#pragma once

#include "weft/base/bytes.h"

/// One function per decoder of what clients put into envelopes: takes anything, aborts when a
/// promise is broken.
namespace weft::fuzz {

/// The quick way of reading metadata reads nothing that the general one would read otherwise.
void metadata(base::byte_view input);

}  // namespace weft::fuzz
