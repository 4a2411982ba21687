#pragma once

#include "weft/base/bytes.h"

/// One function per decoder of what HTTP clients send behind the transport: takes anything, aborts
/// when a promise is broken.
namespace weft::fuzz {

/// Text that decodes is the encoding of what it decodes to, and any bytes come back from theirs.
void base64(base::byte_view input);

/// The first byte says how: bodies of publishes, framed or JSON. What is read lies in the body, is
/// no more than asked for, and is read again from its encoding in either form.
void updates_body(base::byte_view input);

/// An address and, on lines of their own, headers: the path and its names, the parameters, the
/// versions and entity tags. What is understood is understood again when it is written out.
void request(base::byte_view input);

}  // namespace weft::fuzz
