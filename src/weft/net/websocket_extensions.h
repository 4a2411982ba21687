#pragma once

#include "weft/net/http.h"

namespace weft::net {

/// Whether one of a handshake's offers of permessage-deflate can be accepted as
/// `deflate_response` says: without context takeover on either side, so that a compressed frame can
/// be shared by connections and an idle one needs no memory. Offers that want a smaller window of
/// the server are declined; offers that break the grammar or repeat a parameter too.
/// Source: RFC 7692, sections 5 and 7.1.
bool offers_deflate(const HttpRequest& request);

/// The Sec-WebSocket-Extensions of the response.
inline constexpr std::string_view deflate_response =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

}  // namespace weft::net
