#include "weft/gateway/socketio/protocol/decoder.h"

#include <algorithm>
#include <array>

#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {

namespace {

using nlohmann::json;

constexpr const char* placeholder_key = "_placeholder";
constexpr const char* number_key = "num";

/// Names that clients' libraries raise themselves.
constexpr std::array<std::string_view, 6> reserved_events = {
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};

/// How deep arrays and objects lie inside one another. Counted before anything is parsed, because
/// whoever walks the value later may do so recursively.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

bool fits(packet_type type, const json& data) {
  switch (type) {
    case packet_type::connect:
      return data.is_null() || data.is_object();
    case packet_type::disconnect:
      return data.is_null();
    case packet_type::event:
    case packet_type::binary_event:
      if (!data.is_array() || data.empty()) return false;
      if (data[0].is_number()) return true;
      return data[0].is_string() &&
             std::ranges::find(reserved_events, data[0].get_ref<const std::string&>()) ==
                 reserved_events.end();
    case packet_type::ack:
    case packet_type::binary_ack:
      return data.is_array();
    case packet_type::connect_error:
      return data.is_object() || data.is_string();
  }
  return false;
}

/// The data of what clients make of an event with one binary argument, which is nearly all that a
/// busy client sends: `["name",{"_placeholder":true,"num":0}]`. Built without a parser; none for
/// all other text, right or wrong.
std::optional<json> read_binary_event(const PacketText& packet) {
  constexpr std::string_view head = R"([")";
  constexpr std::string_view tail = R"(",{"_placeholder":true,"num":0}])";
  std::string_view text = packet.data;
  const bool shaped = packet.type == packet_type::binary_event && packet.attachments == 1 &&
                      text.size() >= head.size() + tail.size() && text.starts_with(head) &&
                      text.ends_with(tail);
  if (!shaped) return std::nullopt;
  text = text.substr(head.size(), text.size() - head.size() - tail.size());
  const bool plain = std::ranges::all_of(text, [](char c) {
    return c >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
  });
  if (!plain) return std::nullopt;
  json data = json::array();
  data.push_back(std::string(text));
  data.push_back(placeholder(0));
  return data;
}

bool is_placeholder(const json& value) {
  if (!value.is_object()) return false;
  const auto mark = value.find(placeholder_key);
  return mark != value.end() && mark->is_boolean() && mark->get<bool>();
}

/// Marks which attachments placeholders name; false when one names none, or one that is taken.
bool mark_attachments(const json& value, std::vector<bool>& named) {
  if (is_placeholder(value)) {
    const auto number = attachment_number(value);
    if (!number || *number >= named.size() || named[*number]) return false;
    named[*number] = true;
    return true;
  }
  if (!value.is_structured()) return true;
  return std::ranges::all_of(value,
                             [&](const json& part) { return mark_attachments(part, named); });
}

}  // namespace

std::optional<std::size_t> attachment_number(const json& value) {
  if (!is_placeholder(value)) return std::nullopt;
  const auto number = value.find(number_key);
  if (number == value.end() || !number->is_number_unsigned()) return std::nullopt;
  return number->get<std::size_t>();
}

json placeholder(std::size_t number) {
  json out = json::object();
  out.emplace(placeholder_key, true);
  out.emplace(number_key, number);
  return out;
}

base::result<json> Decoder::read_data(const PacketText& packet) const {
  if (limits_.json_depth_max >= 2) {
    if (auto plain = read_binary_event(packet); plain && fits(packet.type, *plain)) {
      return std::move(*plain);
    }
  }
  json data;
  if (!packet.data.empty()) {
    if (depth_of(packet.data) > limits_.json_depth_max) {
      return base::fail(errc::too_large, "the JSON is nested too deeply");
    }
    data = json::parse(packet.data, nullptr, false);
    if (data.is_discarded()) return base::fail(errc::malformed, "the data is no JSON");
    if (data.is_null()) return base::fail(errc::malformed, "the data of a packet is never null");
  }
  if (!fits(packet.type, data)) {
    return base::fail(errc::malformed, "the data does not fit the packet's type");
  }
  std::vector<bool> named(packet.attachments);
  if (packet.attachments > 0 &&
      !(mark_attachments(data, named) &&
        std::ranges::count(named, true) == static_cast<std::ptrdiff_t>(named.size()))) {
    return base::fail(errc::malformed, "placeholders name each attachment once");
  }
  return data;
}

base::result<std::optional<Packet>> Decoder::text(base::byte_view message) {
  if (wanted_ > 0) return base::fail(errc::malformed, "text in the place of an attachment");
  const auto read = read_packet(base::as_text(message));
  if (!read) return base::fail(base::error(read.error()));
  if (read->attachments > limits_.attachments_max) {
    return base::fail(errc::too_large, "more attachments than are taken");
  }
  if (read->name_space.size() > limits_.namespace_bytes_max) {
    return base::fail(errc::too_large, "the name of the namespace is too long");
  }
  auto data = read_data(*read);
  if (!data) return base::fail(std::move(data.error()));
  Packet packet;
  packet.type = read->type;
  if (read->type == packet_type::binary_event) packet.type = packet_type::event;
  if (read->type == packet_type::binary_ack) packet.type = packet_type::ack;
  packet.id = read->id;
  packet.data = std::move(*data);
  packet.name_space = read->name_space;
  if (read->attachments == 0) return packet;
  name_space_ = read->name_space;
  packet_ = std::move(packet);
  packet_.name_space = name_space_;
  wanted_ = read->attachments;
  kept_.clear();
  kept_bytes_ = 0;
  return std::nullopt;
}

base::result<std::optional<Packet>> Decoder::binary(base::byte_view message) {
  if (wanted_ == 0) return base::fail(errc::malformed, "a binary message that nothing announced");
  if (kept_.size() + 1 < wanted_) {
    if (message.size() > limits_.attachment_bytes_max - kept_bytes_) {
      return base::fail(errc::too_large, "the attachments of one packet are too long");
    }
    kept_.emplace_back(message.begin(), message.end());
    kept_bytes_ += message.size();
    return std::nullopt;
  }
  views_.assign(kept_.begin(), kept_.end());
  views_.push_back(message);
  packet_.attachments = views_;
  wanted_ = 0;
  kept_bytes_ = 0;
  return std::exchange(packet_, {});
}

void Decoder::release_delivered() {
  if (wanted_ > 0) return;
  std::vector<base::byte_vector>().swap(kept_);
  views_.clear();
}

}  // namespace weft::gateway::socketio::protocol
