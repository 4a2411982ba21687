#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/hub/version_name.h"
#include "weft/net/http.h"

namespace weft::gateway::socketio {

/// What a connection says of itself once, and is held to. `sender_id` has at most sender_bytes_max,
/// `token` at most hub::token_bytes_max bytes.
/// Source: docs/protocols.md, "Socket.IO". Pure.
struct Handshake {
  std::optional<std::string> room_id, doc_id, subdoc_id;
  std::string sender_id;  ///< as the client says; for the envelopes that are written for it
  std::string token;
  std::optional<hub::VersionName> version;

  /// The document that it names; none when it leaves that open.
  std::optional<base::DocumentId> document() const;

  /// Whether it leaves this document open.
  bool admits(const base::DocumentId& document) const;
};

/// Reads the query of the first request. Errors: std::errc::invalid_argument.
base::result<Handshake> read_query(const net::HttpRequest& request);

/// Lays what the `auth` object of a client says over `from_query`. Errors: as read_query.
base::result<Handshake> read_auth(Handshake from_query, const nlohmann::json& auth);

/// What a document is asked by: `roomId`, `docId`, `subdocId` and `version` of a JSON object, each
/// as the handshake says where it is missing. Errors: as read_query.
struct DocumentRequest {
  base::DocumentId document;
  std::optional<hub::VersionName> version;
};
base::result<DocumentRequest> read_request(const Handshake& handshake, const nlohmann::json& said);

}  // namespace weft::gateway::socketio
