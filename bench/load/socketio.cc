#include "load/socketio.h"

#include <charconv>

namespace weft::bench {

namespace {

constexpr std::string_view event_head = R"(["protocol-message",{"_placeholder":true,"num":0})";

void append(byte_vector& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

void append_number(byte_vector& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  append(out, {digits, static_cast<std::size_t>(end - digits)});
}

/// The number in `…,"version":42}]`, at the end of what a server says.
std::optional<std::uint64_t> last_version(std::string_view text) {
  constexpr std::string_view tail = "}]";
  constexpr std::string_view key = R"(,"version":)";
  if (!text.ends_with(tail)) return std::nullopt;
  text.remove_suffix(tail.size());
  std::size_t digits = text.size();
  while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9') --digits;
  if (!text.substr(0, digits).ends_with(key)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + digits, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `43<id>[{…}]`; one with an error is malformed.
SocketIoPacket read_acknowledgement(std::string_view text) {
  SocketIoPacket packet;
  text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), packet.id);
  if (error != std::errc()) return packet;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with("[{") || text.starts_with(R"([{"error")")) return packet;
  packet.what = SocketIoPacket::kind::acknowledged;
  packet.version = last_version(text);
  return packet;
}

}  // namespace

SocketIoDocument::SocketIoDocument(std::string_view document) {
  std::string ids = R"({"roomId":")";
  ids.append(socketio_room).append(R"(","docId":")").append(document);
  ids += R"(","channel":")";
  delivery_head_ = "451-";
  delivery_head_.append(event_head).append(",").append(ids);
  metadata_head_ = ids + R"(doc")";
}

SocketIoPacket SocketIoDocument::read(std::string_view text) const {
  using kind = SocketIoPacket::kind;
  if (text.starts_with(delivery_head_)) {
    const std::string_view rest = text.substr(delivery_head_.size());
    if (rest.starts_with(R"(doc")")) return {kind::delivery, 0, last_version(rest)};
    if (rest.starts_with(R"(awareness")")) return {kind::presence};
    return {};
  }
  if (text.starts_with("43")) return read_acknowledgement(text);
  if (text == "2") return {kind::ping};
  if (text.starts_with("0{")) return {kind::open};
  if (text.starts_with("40{")) return {kind::connected};
  return {};
}

void SocketIoDocument::append_envelope_head(byte_vector& out, std::uint64_t sender,
                                            std::optional<std::uint64_t> version,
                                            std::int64_t time_ms) const {
  const std::size_t start = out.size();
  out.insert(out.end(), {0, 0});
  append(out, metadata_head_);
  if (version) {
    append(out, R"(,"version":)");
    append_number(out, *version);
  }
  append(out, R"(,"senderId":")");
  append_number(out, sender);
  append(out, R"(","timestamp":)");
  append_number(out, static_cast<std::uint64_t>(time_ms));
  append(out, "}");
  const std::size_t metadata_bytes = out.size() - start - 2;
  out[start] = static_cast<std::uint8_t>(metadata_bytes & 0xff);
  out[start + 1] = static_cast<std::uint8_t>(metadata_bytes >> 8);
}

void append_socketio_event(byte_vector& out, std::optional<std::uint64_t> id) {
  append(out, "451-");
  if (id) append_number(out, *id);
  append(out, event_head);
  out.push_back(']');
}

}  // namespace weft::bench
