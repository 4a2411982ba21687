#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/hub/version_name.h"
#include "weft/protocol/envelope.h"

/// What clients ask of documents, as it is read before any document has part in it.
/// Source: docs/protocols.md, "Socket.IO". Pure, any thread.
namespace weft::gateway::socketio {

/// Why a client's message was refused, as clients are told; docs/protocols.md lists the codes.
struct Refusal {
  std::string_view code;  ///< static text
  std::string message;
  bool retry = false;  ///< the same may be sent again later
};

/// What a client wants of one document, cut out of one of its events.
struct PortRequest {
  enum class kind : std::uint8_t { sync, message };

  kind what = kind::message;
  std::optional<std::uint64_t> ack;  ///< the id of its acknowledgement, if it wants one
  base::shared_bytes bytes;          ///< message: the envelope; sync: the state vector
  bool state_vector = false;         ///< sync: there is one
  std::optional<hub::VersionName> version = std::nullopt;  ///< sync: up to where the client is
  weft::protocol::Channel channel = weft::protocol::Channel::doc;  ///< message: of its metadata
};

/// A message and the document that it is for.
struct AddressedRequest {
  base::DocumentId document;
  PortRequest request;
};

/// Reads the metadata of a client's envelope. Refused: bad-envelope.
std::expected<AddressedRequest, Refusal> read_message(std::optional<std::uint64_t> ack,
                                                      base::shared_bytes envelope);

}  // namespace weft::gateway::socketio
