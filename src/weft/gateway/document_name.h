#pragma once

#include <string>
#include <string_view>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/net/http.h"

namespace weft::gateway {

/// The room of documents whose y-websocket name has no slash.
inline constexpr std::string_view default_room = "default";

/// Checks one name: UTF-8 without NUL, 1 to base::document_name_bytes_max bytes. `what` names it in
/// the error. Errors: std::errc::invalid_argument, with a sentence for the client.
base::result<void> check_name(std::string_view name, const char* what);

/// How long a sender's name for itself may be.
inline constexpr std::size_t sender_bytes_max = 256;

/// Undoes the percent-encoding of one name and checks it as check_name does.
base::result<std::string> decode_name(std::string_view encoded, const char* what);

/// Which document a name means that y-websocket and y-socket.io clients call a room, as it is:
/// `room/doc` is that pair, and a name without a slash a document of the default room. Everything
/// behind the first slash belongs to the document's name.
/// Errors: std::errc::invalid_argument, with a sentence for the client.
base::result<base::DocumentId> document_of_name(std::string_view name);

/// Puts in the subdocument that a query names (not decoded): `subdocument=<guid>`, if it does.
/// Errors: std::errc::invalid_argument, with a sentence for the client.
base::result<void> take_subdocument(const net::HttpRequest& request, base::DocumentId& document);

/// Which document the target of a WebSocket request names: `/ws/<room>/<doc>` or y-websocket's own
/// `/<name>`, where a name `room/doc` is that pair and a name without a slash is a document of the
/// default room. Everything behind the first slash belongs to the document's name.
/// Percent-encoding is undone. The query may name a subdocument.
/// Errors: std::errc::invalid_argument, with a sentence for the client.
base::result<base::DocumentId> document_of_request(const net::HttpRequest& request);

/// The same of a name as people write it: `room/doc` or `room/doc?subdocument=<guid>`.
base::result<base::DocumentId> document_of_address(std::string_view address);

/// `room/doc`, with `?subdocument=<guid>` for a subdocument, percent-encoded: document_of_address
/// finds it again, and below /v1/documents/ it is the path of the document.
struct DocumentAddress {
  std::string path;   ///< "room/doc"
  std::string query;  ///< "subdocument=guid", or empty
  std::string text() const { return query.empty() ? path : path + "?" + query; }
};
DocumentAddress address_of(const base::DocumentId& document);

}  // namespace weft::gateway
