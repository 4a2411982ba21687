#include "weft/gateway/socketio/wire.h"

#include <array>
#include <nlohmann/json.hpp>

#include "weft/gateway/json.h"
#include "weft/gateway/version.h"
#include "weft/hub/errc.h"
#include "weft/net/websocket_frame.h"
#include "weft/protocol/envelope.h"

namespace weft::gateway::socketio {

namespace {

// Packet types: Engine.IO's message, then Socket.IO's.
constexpr std::string_view event_packet = "42";
constexpr std::string_view ack_packet = "43";
constexpr std::string_view binary_event_packet = "451-";

constexpr std::string_view message_head = R"(["protocol-message",{"_placeholder":true,"num":0},{)";
constexpr std::string_view message_tail = "}]";

base::shared_bytes text_frame(std::string_view packet) {
  return net::make_frame(net::opcode::text, base::as_bytes(packet));
}

class DocumentFraming final : public hub::Framing {
 public:
  DocumentFraming(const base::DocumentId& document, const log::OpLog& log)
      : document_(document), position_(document, log) {
    head_.append(binary_event_packet)
        .append(message_head)
        .append(weft::protocol::document_members(document));
    head_ += R"(,"channel":"doc")";
  }

  std::size_t header_bytes_max() const override {
    return 2 * net::frame_header_bytes_max + head_.size() + 1 + position_.bytes_max() +
           message_tail.size() + yjs::sync_header_bytes_max;
  }

  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override {
    std::string packet;
    packet.reserve(header_bytes_max());
    packet = head_;
    if (info.version) {
      packet += ',';
      if (info.record) {
        position_.write_record(*info.version, info.version, packet);
      } else {
        position_.write_version(info.version, packet);
      }
    }
    packet += message_tail;
    std::array<std::uint8_t, yjs::sync_header_bytes_max> sync;
    const std::size_t sync_bytes =
        yjs::write_sync_header(info.type, info.update_bytes, sync.data());
    const std::size_t at = write_packet_header(packet, sync_bytes + info.update_bytes, out);
    std::memcpy(out + at, sync.data(), sync_bytes);
    return at + sync_bytes;
  }

  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override {
    return message_frame(document_, "awareness", yjs::encode_awareness(awareness_update));
  }

  base::shared_bytes frame_control(base::byte_view message) const override {
    return message_frame(document_, "control", message);
  }

 private:
  const base::DocumentId document_;
  const PositionWriter position_;
  std::string head_;  ///< the packet up to the channel
};

}  // namespace

Refusal refusal_of(const base::error& why) {
  if (why.code == hub::errc::invalid_update) return {"invalid-update", why.message, false};
  if (why.code == hub::errc::conflicting_ids) return {"conflicting-ids", why.message, false};
  if (why.code == hub::errc::too_large) return {"too-large", why.message, false};
  if (why.code == hub::errc::unauthenticated) return {"unauthenticated", why.message, false};
  if (why.code == hub::errc::forbidden) return {"forbidden", why.message, false};
  if (why.code == hub::errc::expired) return {"expired", why.message, true};
  if (why.code == hub::errc::broken) return {"document-broken", why.message, false};
  if (why.code == hub::errc::draining) return {"draining", why.message, true};
  return {"unavailable", why.message, true};
}

nlohmann::json refusal_object(const Refusal& refusal, const base::DocumentId* document) {
  nlohmann::json out = {
      {"code", refusal.code}, {"message", refusal.message}, {"retry", refusal.retry}};
  if (document) {
    out["roomId"] = document->room_id;
    out["docId"] = document->doc_id;
    if (document->subdoc_id) out["subdocId"] = *document->subdoc_id;
  }
  return out;
}

base::shared_bytes ack_frame(std::uint64_t id, std::string_view argument) {
  std::string packet(ack_packet);
  packet.append(std::to_string(id)).append("[").append(argument).append("]");
  return text_frame(packet);
}

base::shared_bytes ack_error_frame(std::uint64_t id, const Refusal& refusal) {
  return ack_frame(id, json_text({{"error", refusal_object(refusal)}}));
}

base::shared_bytes error_frame(const Refusal& refusal, const base::DocumentId& document) {
  const auto said = nlohmann::json::array({"protocol-error", refusal_object(refusal, &document)});
  return text_frame(std::string(event_packet) + json_text(said));
}

std::size_t write_packet_header(std::string_view packet, std::size_t attachment_bytes,
                                std::uint8_t* out) {
  std::size_t at = net::frame_header(net::opcode::text, packet.size(), out);
  std::memcpy(out + at, packet.data(), packet.size());
  at += packet.size();
  return at + net::frame_header(net::opcode::binary, attachment_bytes, out + at);
}

base::shared_bytes packet_with_attachment(std::string_view packet, base::byte_view attachment) {
  std::size_t bytes = 0;
  const auto frame = base::shared_bytes::build(
      2 * net::frame_header_bytes_max + packet.size() + attachment.size(), [&](std::uint8_t* out) {
        bytes = write_packet_header(packet, attachment.size(), out);
        std::memcpy(out + bytes, attachment.data(), attachment.size());
        bytes += attachment.size();
      });
  return frame.slice(0, bytes);
}

PositionWriter::PositionWriter(const base::DocumentId& document, const log::OpLog& log) {
  const auto position = log.position(document, {});
  version_prefix_ = R"("log":")" + log_name(position.log) + R"(",)";
  record_prefix_ = R"("topic":)" + json_text(position.topic) + R"(,"partition":)" +
                   std::to_string(position.partition) + "," + version_prefix_;
}

void PositionWriter::write_record(base::log_offset offset, std::optional<base::log_offset> version,
                                  std::string& out) const {
  out.append(record_prefix_).append(R"("offset":)").append(std::to_string(offset.value));
  if (version) out.append(R"(,"version":)").append(std::to_string(version->value));
}

void PositionWriter::write_version(std::optional<base::log_offset> version,
                                   std::string& out) const {
  out.append(version_prefix_).append(R"("version":)");
  out.append(version ? std::to_string(version->value) : "null");
}

std::shared_ptr<const hub::Framing> SocketFraming::framing_of(const base::DocumentId& document,
                                                              const log::OpLog& log) const {
  return std::make_shared<DocumentFraming>(document, log);
}

base::shared_bytes message_frame(const base::DocumentId& document, std::string_view channel,
                                 base::byte_view payload) {
  std::string packet(binary_event_packet);
  packet.append(message_head).append(weft::protocol::document_members(document));
  packet.append(R"(,"channel":")").append(channel).append("\"").append(message_tail);
  return packet_with_attachment(packet, payload);
}

}  // namespace weft::gateway::socketio
