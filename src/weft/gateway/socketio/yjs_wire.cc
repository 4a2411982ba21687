#include "weft/gateway/socketio/yjs_wire.h"

#include <nlohmann/json.hpp>

#include "weft/gateway/document_name.h"
#include "weft/gateway/json.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio {

namespace {

constexpr std::string_view prefix = "/yjs|";
/// The one argument, of an event or an acknowledgement.
constexpr std::string_view attachment = R"({"_placeholder":true,"num":0}])";
/// An update without structs and deletions.
constexpr std::uint8_t nothing[] = {0, 0};

/// A packet with one attachment, up to its JSON. Types: Engine.IO's message, then Socket.IO's.
std::string binary_packet(std::string_view type, const std::string& name_space) {
  std::string out(type);
  out.append("1-").append(name_space).append(",");
  return out;
}

std::string binary_event(const std::string& name_space, std::string_view event,
                         std::optional<std::uint64_t> id = std::nullopt) {
  std::string out = binary_packet("45", name_space);
  if (id) out += std::to_string(*id);
  return out.append("[\"").append(event).append("\",").append(attachment);
}

class YjsDocumentFraming final : public hub::Framing {
 public:
  explicit YjsDocumentFraming(const std::string& name_space)
      : update_(binary_event(name_space, "sync-update")),
        presence_(binary_event(name_space, "awareness-update")) {}

  std::size_t header_bytes_max() const override {
    return 2 * net::frame_header_bytes_max + update_.size();
  }

  std::size_t write_header(const hub::FrameInfo& info, std::uint8_t* out) const override {
    return write_packet_header(update_, info.update_bytes, out);
  }

  base::shared_bytes frame_awareness(base::byte_view awareness_update) const override {
    return packet_with_attachment(presence_, awareness_update);
  }

 private:
  const std::string update_, presence_;  ///< packets up to their attachment
};

}  // namespace

std::string YjsName::name_space() const {
  std::string out(prefix);
  if (!roomless) out.append(document.room_id).append("/");
  return out += document.doc_id;
}

bool is_yjs_namespace(std::string_view name_space) { return name_space.starts_with(prefix); }

base::result<YjsName> read_yjs_namespace(std::string_view name_space) {
  WEFT_CHECK(is_yjs_namespace(name_space));
  const std::string_view name = name_space.substr(prefix.size());
  auto document = document_of_name(name);
  if (!document) return base::fail(std::move(document.error()));
  return YjsName{std::move(*document), !name.contains('/')};
}

std::shared_ptr<const hub::Framing> YjsFraming::framing_of(const base::DocumentId& document,
                                                           const log::OpLog&) const {
  return std::make_shared<YjsDocumentFraming>(YjsName{document, roomless_}.name_space());
}

base::shared_bytes yjs_question_frame(const YjsName& name, base::byte_view state_vector) {
  return packet_with_attachment(binary_event(name.name_space(), "sync-step-1", yjs_question_id),
                                state_vector);
}

base::shared_bytes yjs_answered_frame(const YjsName& name, std::uint64_t id) {
  std::string packet = binary_packet("46", name.name_space());
  packet.append(std::to_string(id)).append("[").append(attachment);
  return packet_with_attachment(packet, nothing);
}

base::shared_bytes yjs_error_frame(const YjsName& name, const Refusal& refusal) {
  const auto said = nlohmann::json::array({"protocol-error", refusal_object(refusal)});
  const std::string packet = "42" + name.name_space() + "," + json_text(said);
  return net::make_frame(net::opcode::text, base::as_bytes(packet));
}

}  // namespace weft::gateway::socketio
