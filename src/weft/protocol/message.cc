#include "weft/protocol/message.h"

#include <algorithm>
#include <array>

namespace weft::protocol {

namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 7> known_keys = {
    "roomId", "docId", "subdocId", "channel", "version", "senderId", "timestamp"};

bool is_known(std::string_view key) {
  return std::ranges::find(known_keys, key) != known_keys.end();
}

}  // namespace

base::result<Message> decode_message(base::byte_view envelope) {
  const auto parts = split_envelope(envelope);
  if (!parts) return base::fail(base::error(parts.error()));
  auto metadata = decode_metadata(parts->metadata);
  if (!metadata) return base::fail(std::move(metadata.error()));
  Message out;
  out.metadata = std::move(*metadata);
  out.payload = parts->payload;
  // It was read once already: it is an object.
  const auto all = ordered_json::parse(parts->metadata.begin(), parts->metadata.end());
  for (const auto& [key, value] : all.items()) {
    if (!is_known(key)) out.more[key] = value;
  }
  return out;
}

base::result<base::byte_vector> encode_message(const Message& message) {
  const Metadata& said = message.metadata;
  const base::DocumentId& document = said.document;
  if (document.room_id.empty() || document.doc_id.empty() ||
      (document.subdoc_id && document.subdoc_id->empty())) {
    return base::fail(errc::corrupt, "envelope metadata: roomId, docId and subdocId are not empty");
  }
  if (!message.more.is_object()) {
    return base::fail(errc::corrupt, "envelope metadata: what is added must be an object");
  }
  ordered_json all = {{"roomId", document.room_id}, {"docId", document.doc_id}};
  if (document.subdoc_id) all["subdocId"] = *document.subdoc_id;
  all["channel"] = channel_name(said.channel);
  if (said.version) all["version"] = *said.version;
  if (said.sender_id) all["senderId"] = *said.sender_id;
  if (said.timestamp_ms) all["timestamp"] = *said.timestamp_ms;
  for (const auto& [key, value] : message.more.items()) {
    if (is_known(key)) {
      return base::fail(errc::corrupt,
                        "envelope metadata: \"" + key + "\" is a field, not an extra");
    }
    all[key] = value;
  }
  std::string text;
  try {
    text = all.dump();
  } catch (const nlohmann::json::type_error& why) {
    return base::fail(errc::corrupt, std::string("envelope metadata: ") + why.what());
  }
  if (text.size() > metadata_bytes_max) {
    return base::fail(errc::too_large, "envelope metadata of " + std::to_string(text.size()) +
                                           " bytes; at most " + std::to_string(metadata_bytes_max) +
                                           " fit");
  }
  base::byte_vector out;
  out.reserve(2 + text.size() + message.payload.size());
  out.push_back(static_cast<std::uint8_t>(text.size() & 0xff));
  out.push_back(static_cast<std::uint8_t>(text.size() >> 8));
  out.insert(out.end(), text.begin(), text.end());
  out.insert(out.end(), message.payload.begin(), message.payload.end());
  return out;
}

}  // namespace weft::protocol
