#include "entries.h"

#include <algorithm>
#include <string>
#include <vector>

#include "weft/base/result.h"
#include "weft/gateway/json.h"
#include "weft/gateway/socketio/engine/payload.h"
#include "weft/gateway/socketio/protocol/decoder.h"
#include "weft/net/websocket_frame.h"

namespace weft::fuzz {
namespace {

using namespace gateway::socketio;

struct Seen {
  engine::packet_type type;
  bool binary;
  std::string data;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read_all(base::byte_view body, std::size_t packets_max) {
  engine::PayloadReader reader({body.begin(), body.end()}, packets_max);
  std::vector<Seen> out;
  for (;;) {
    const auto packet = reader.next();
    if (!packet || !*packet) return out;
    const auto& found = **packet;
    WEFT_CHECK(!found.binary || found.type == engine::packet_type::message);
    WEFT_CHECK(found.binary || net::is_utf8(found.data));
    WEFT_CHECK(found.data.size() <= body.size());
    out.push_back({found.type, found.binary, std::string(base::as_text(found.data))});
    WEFT_CHECK(out.size() <= packets_max);
  }
}

constexpr protocol::DecoderLimits limits{.attachments_max = 3,
                                         .attachment_bytes_max = 64,
                                         .namespace_bytes_max = 16,
                                         .json_depth_max = 5};

void mark(const nlohmann::json& value, std::vector<int>& named) {
  if (const auto number = protocol::attachment_number(value)) {
    WEFT_CHECK(*number < named.size());
    ++named[*number];
    return;
  }
  if (value.is_structured()) std::ranges::for_each(value, [&](auto& part) { mark(part, named); });
}

/// Decodes the packet from its own encoding: the same comes out.
void check_again(const protocol::Packet& packet) {
  using protocol::packet_type;
  WEFT_CHECK(packet.type != packet_type::binary_event && packet.type != packet_type::binary_ack);
  const auto data = packet.data.is_null() ? std::string() : gateway::json_text(packet.data);
  auto type = packet.type;
  if (!packet.attachments.empty()) {
    std::vector<int> named(packet.attachments.size());
    mark(packet.data, named);
    WEFT_CHECK(std::ranges::all_of(named, [](int times) { return times == 1; }));
    type = type == packet_type::event ? packet_type::binary_event : packet_type::binary_ack;
  }
  const auto frame =
      protocol::packet_frame({type, packet.attachments.size(), packet.name_space, packet.id, data});
  base::byte_vector bytes(frame.view().begin(), frame.view().end());
  net::FrameDecoder frames(net::FrameDecoder::peer::server, bytes.size());
  const auto event = frames.next(bytes);
  WEFT_CHECK(event.what == net::frame_event::kind::message && event.consumed == bytes.size());
  protocol::Decoder decoder(limits);
  auto again = decoder.text(event.payload.subspan(1));
  WEFT_CHECK(again.has_value());
  for (const auto& attachment : packet.attachments) {
    WEFT_CHECK(!*again);
    again = decoder.binary(attachment);
    WEFT_CHECK(again.has_value());
  }
  WEFT_CHECK(again->has_value());
  const auto& read = **again;
  WEFT_CHECK(read.type == packet.type && read.name_space == packet.name_space);
  WEFT_CHECK(read.id == packet.id &&
             gateway::json_text(read.data) == gateway::json_text(packet.data));
  WEFT_CHECK(std::ranges::equal(read.attachments, packet.attachments, base::equal));
}

}  // namespace

void payload(base::byte_view input) {
  if (input.empty()) return;
  const auto seen = read_all(input.subspan(1), input[0]);
  if (seen.empty()) return;
  engine::PayloadWriter writer(1 << 20);
  std::string stream;
  for (const auto& one : seen) {
    stream +=
        base::as_text(one.binary ? net::make_frame(net::opcode::binary, base::as_bytes(one.data))
                                 : engine::packet_frame(one.type, one.data));
  }
  const std::size_t piece = 1 + input[0];
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    writer.add(base::shared_bytes::copy_of(base::as_bytes(stream.substr(at, piece))));
  }
  const auto body = writer.take();
  WEFT_CHECK(read_all(base::as_bytes(body), seen.size()) == seen);
}

void packets(base::byte_view input) {
  protocol::Decoder decoder(limits);
  while (!input.empty()) {
    const bool binary = (input[0] & 1) != 0;
    const auto message = input.subspan(1, std::min<std::size_t>(input[0] >> 1, input.size() - 1));
    // Transports hand on no other text.
    if (!binary && !net::is_utf8(message)) return;
    const auto packet = binary ? decoder.binary(message) : decoder.text(message);
    if (!packet) return;
    WEFT_CHECK(decoder.kept_bytes() <= limits.attachment_bytes_max);
    if (*packet) {
      WEFT_CHECK((*packet)->attachments.size() <= limits.attachments_max);
      WEFT_CHECK((*packet)->name_space.size() <= limits.namespace_bytes_max);
      check_again(**packet);
      decoder.release_delivered();
    }
    input = input.subspan(1 + message.size());
  }
}

}  // namespace weft::fuzz
