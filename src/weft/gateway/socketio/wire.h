#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/gateway/socketio/port_request.h"
#include "weft/hub/framing.h"
#include "weft/log/op_log.h"

/// What this gateway puts on its wire: Socket.IO packets of the namespace "/" in Engine.IO messages
/// in WebSocket frames, which the polling transport rewrites.
/// Source: docs/protocols.md, "Socket.IO". Pure, any thread.
namespace weft::gateway::socketio {

/// How a client is told of an error of the hub.
Refusal refusal_of(const base::error& why);

/// `{"code":…,"message":…,"retry":…}`, and the ids of `document` if one is given.
nlohmann::json refusal_object(const Refusal& refusal, const base::DocumentId* document = nullptr);

/// The acknowledgement `id` with one argument, JSON.
base::shared_bytes ack_frame(std::uint64_t id, std::string_view argument);
/// The acknowledgement `{error: …}`.
base::shared_bytes ack_error_frame(std::uint64_t id, const Refusal& refusal);
/// The event `protocol-error` about `document`.
base::shared_bytes error_frame(const Refusal& refusal, const base::DocumentId& document);

/// Writes a text frame that holds `packet`, and the header of the binary frame with its one
/// attachment behind it; returns their length, at most 2 * net::frame_header_bytes_max and the
/// packet's own.
std::size_t write_packet_header(std::string_view packet, std::size_t attachment_bytes,
                                std::uint8_t* out);
/// The same with the attachment.
base::shared_bytes packet_with_attachment(std::string_view packet, base::byte_view attachment);

/// Where the records of a document that is live lie, as members of a JSON object.
class PositionWriter {
 public:
  PositionWriter(const base::DocumentId& document, const log::OpLog& log);

  /// `"topic":…,"partition":…,"log":…,"offset":…`, and `"version":…` if there is one.
  void write_record(base::log_offset offset, std::optional<base::log_offset> version,
                    std::string& out) const;
  /// `"log":…,"version":…`, the version null when there is none.
  void write_version(std::optional<base::log_offset> version, std::string& out) const;

  std::size_t bytes_max() const { return record_prefix_.size() + 80; }

 private:
  std::string record_prefix_;
  std::string version_prefix_;
};

/// The event `protocol-message`: a text frame with the place of the payload and its info, then a
/// binary frame with the payload.
class SocketFraming final : public hub::FramingSource {
 public:
  std::shared_ptr<const hub::Framing> framing_of(const base::DocumentId& document,
                                                 const log::OpLog& log) const override;
};

/// A `protocol-message` of `channel` ("doc", "awareness" or "control") that is no record.
base::shared_bytes message_frame(const base::DocumentId& document, std::string_view channel,
                                 base::byte_view payload);

}  // namespace weft::gateway::socketio
