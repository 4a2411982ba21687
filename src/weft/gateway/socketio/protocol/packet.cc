#include "weft/gateway/socketio/protocol/packet.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "weft/gateway/socketio/engine/packet.h"
#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {

namespace {

constexpr std::string_view main_namespace = "/";
/// The largest integer that a client's numbers hold exactly.
constexpr std::uint64_t id_last = (std::uint64_t{1} << 53) - 1;

bool is_binary(packet_type type) {
  return type == packet_type::binary_event || type == packet_type::binary_ack;
}

/// Takes the decimal number at the start of `text` away; none when there is none, or one above
/// id_last.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || out > id_last) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return out;
}

bool begins_with_digit(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

}  // namespace

base::result<PacketText> read_packet(std::string_view text) {
  PacketText packet;
  if (text.empty() || text[0] < '0' || text[0] > '6') {
    return base::fail(errc::malformed, "a packet begins with a digit from 0 to 6");
  }
  packet.type = static_cast<packet_type>(text[0] - '0');
  text.remove_prefix(1);
  if (is_binary(packet.type)) {
    const auto count = take_number(text);
    if (!count || !text.starts_with('-')) {
      return base::fail(errc::malformed, "a binary packet says how many attachments it has");
    }
    packet.attachments = *count;
    text.remove_prefix(1);
  }
  if (text.starts_with('/')) {
    const auto end = std::min(text.find(','), text.size());
    packet.name_space = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (begins_with_digit(text)) {
    packet.id = take_number(text);
    if (!packet.id) return base::fail(errc::malformed, "an id is at most 2^53 - 1");
  }
  packet.data = text;
  return packet;
}

base::shared_bytes packet_frame(const PacketText& packet) {
  std::string text;
  text.reserve(packet.name_space.size() + packet.data.size() + 48);
  text += static_cast<char>('0' + static_cast<int>(packet.type));
  if (is_binary(packet.type)) text += std::to_string(packet.attachments) + '-';
  if (packet.name_space != main_namespace) (text += packet.name_space) += ',';
  if (packet.id) text += std::to_string(*packet.id);
  text += packet.data;
  return engine::packet_frame(engine::packet_type::message, text);
}

}  // namespace weft::gateway::socketio::protocol
