#include "weft/protocol/envelope.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "weft/protocol/plain_metadata.h"

namespace weft::protocol {

namespace {

using nlohmann::json;

std::string json_text(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

base::result<std::string> required_text(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string() || it->get_ref<const std::string&>().empty()) {
    return base::fail(errc::corrupt,
                      std::string("envelope metadata: \"") + key + "\" must be a non-empty string");
  }
  return it->get<std::string>();
}

}  // namespace

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::doc:
      return "doc";
    case Channel::awareness:
      return "awareness";
    case Channel::control:
      return "control";
  }
  return "doc";
}

const char* describe(errc code) {
  switch (code) {
    case errc::truncated:
      return "envelope truncated";
    case errc::corrupt:
      return "envelope metadata invalid";
    case errc::too_large:
      return "envelope metadata too long";
  }
  return "unknown";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category("protocol");
  return {static_cast<int>(code), category};
}

base::result<EnvelopeView> split_envelope(base::byte_view envelope) {
  if (envelope.size() < 2) {
    return base::fail(errc::truncated, "envelope: shorter than its 2-byte metadata length");
  }
  const std::size_t metadata_bytes = envelope[0] | (std::size_t{envelope[1]} << 8);
  if (envelope.size() - 2 < metadata_bytes) {
    return base::fail(errc::truncated, "envelope: metadata length " +
                                           std::to_string(metadata_bytes) + " exceeds the " +
                                           std::to_string(envelope.size() - 2) + " bytes given");
  }
  return EnvelopeView{envelope.subspan(2, metadata_bytes), envelope.subspan(2 + metadata_bytes)};
}

base::result<Metadata> decode_metadata(base::byte_view text) {
  if (auto plain = read_plain_metadata(text)) return std::move(*plain);
  return parse_metadata(text);
}

base::result<Metadata> parse_metadata(base::byte_view text) {
  // The parser takes NUL for the end of the text, and passes over a byte order mark.
  if (std::ranges::find(text, 0) != text.end() || base::as_text(text).starts_with("\xef\xbb\xbf")) {
    return base::fail(errc::corrupt, "envelope metadata: a NUL or a byte order mark is no JSON");
  }
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object()) {
    return base::fail(errc::corrupt, "envelope metadata: not a JSON object");
  }
  auto room = required_text(object, "roomId");
  if (!room) return base::fail(std::move(room.error()));
  auto doc = required_text(object, "docId");
  if (!doc) return base::fail(std::move(doc.error()));
  auto channel = required_text(object, "channel");
  if (!channel) return base::fail(std::move(channel.error()));
  Metadata out;
  out.document.room_id = std::move(*room);
  out.document.doc_id = std::move(*doc);
  if (*channel == "doc") {
    out.channel = Channel::doc;
  } else if (*channel == "awareness") {
    out.channel = Channel::awareness;
  } else if (*channel == "control") {
    out.channel = Channel::control;
  } else {
    return base::fail(errc::corrupt,
                      "envelope metadata: \"channel\" must be doc, awareness or control");
  }
  if (const auto it = object.find("subdocId"); it != object.end() && !it->is_null()) {
    auto part = required_text(object, "subdocId");
    if (!part) return base::fail(std::move(part.error()));
    out.document.subdoc_id = std::move(*part);
  }
  if (const auto it = object.find("version"); it != object.end() && !it->is_null()) {
    if (!it->is_number_unsigned()) {
      return base::fail(errc::corrupt,
                        "envelope metadata: \"version\" must be an integer not below 0");
    }
    out.version = it->get<std::uint64_t>();
  }
  if (const auto it = object.find("senderId"); it != object.end() && !it->is_null()) {
    if (!it->is_string()) {
      return base::fail(errc::corrupt, "envelope metadata: \"senderId\" must be a string");
    }
    out.sender_id = it->get<std::string>();
  }
  if (const auto it = object.find("timestamp"); it != object.end() && !it->is_null()) {
    if (!it->is_number_integer()) {
      return base::fail(errc::corrupt, "envelope metadata: \"timestamp\" must be an integer");
    }
    out.timestamp_ms = it->get<std::int64_t>();
  }
  return out;
}

std::string document_members(const base::DocumentId& document) {
  std::string out =
      R"("roomId":)" + json_text(document.room_id) + R"(,"docId":)" + json_text(document.doc_id);
  if (document.subdoc_id) out += R"(,"subdocId":)" + json_text(*document.subdoc_id);
  return out;
}

EnvelopeWriter::EnvelopeWriter(const base::DocumentId& document, Channel channel,
                               std::string_view sender_id)
    : prefix_("{" + document_members(document)) {
  prefix_.append(R"(,"channel":")").append(channel_name(channel));
  prefix_ += R"(","senderId":)" + json_text(sender_id) + R"(,"timestamp":)";
}

}  // namespace weft::protocol
