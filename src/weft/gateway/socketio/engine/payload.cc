#include "weft/gateway/socketio/engine/payload.h"

#include <algorithm>

#include "weft/gateway/base64.h"
#include "weft/gateway/socketio/engine/errc.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::engine {

namespace {
constexpr std::uint8_t separator = 0x1e;
}

base::result<std::optional<Packet>> PayloadReader::next() {
  if (ended_) return std::optional<Packet>();
  if (packets_left_ == 0) {
    return base::fail(errc::too_many, "more packets in one payload than are taken");
  }
  --packets_left_;
  const auto rest = base::byte_view(body_).subspan(at_);
  const auto end = std::ranges::find(rest, separator);
  const auto text = rest.first(static_cast<std::size_t>(end - rest.begin()));
  ended_ = end == rest.end();
  at_ += text.size() + (ended_ ? 0 : 1);
  if (!text.empty() && text[0] == 'b') {
    auto decoded = from_base64(base::as_text(text.subspan(1)));
    if (!decoded) return base::fail(errc::malformed, "a binary packet is no Base64");
    binary_ = std::move(*decoded);
    return Packet{packet_type::message, true, binary_};
  }
  if (!net::is_utf8(text)) return base::fail(errc::malformed, "a text packet is no UTF-8");
  auto packet = decode_packet(text);
  if (!packet) return base::fail(std::move(packet.error()));
  return *packet;
}

void PayloadWriter::add(base::shared_bytes framed) {
  auto bytes = framed.view();
  while (!bytes.empty()) {
    if (!in_body_) bytes = take_header(bytes);
    if (in_body_) bytes = take_body(bytes);
  }
}

base::byte_view PayloadWriter::take_header(base::byte_view bytes) {
  std::size_t taken = 0;
  const auto wanted = [this]() -> std::uint8_t {
    if (header_bytes_ < 2) return 2;
    return header_[1] == 126 ? 4 : header_[1] == 127 ? 10 : 2;
  };
  while (taken < bytes.size() && header_bytes_ < wanted())
    header_[header_bytes_++] = bytes[taken++];
  if (header_bytes_ == wanted()) open_packet();
  return bytes.subspan(taken);
}

void PayloadWriter::open_packet() {
  constexpr std::uint8_t whole_text = 0x80 | static_cast<std::uint8_t>(net::opcode::text);
  constexpr std::uint8_t whole_binary = 0x80 | static_cast<std::uint8_t>(net::opcode::binary);
  WEFT_CHECK(header_[0] == whole_text || header_[0] == whole_binary);
  WEFT_CHECK((header_[1] & 0x80) == 0);
  binary_ = header_[0] == whole_binary;
  body_left_ = 0;
  if (header_bytes_ == 2) {
    body_left_ = header_[1];
  } else {
    for (std::size_t i = 2; i < header_bytes_; ++i) body_left_ = body_left_ << 8 | header_[i];
  }
  WEFT_CHECK(binary_ || body_left_ > 0);
  if (!payload_.empty()) payload_ += static_cast<char>(separator);
  if (binary_) payload_ += 'b';
  in_body_ = body_left_ > 0;
  if (!in_body_) header_bytes_ = 0;
}

base::byte_view PayloadWriter::take_body(base::byte_view bytes) {
  const auto part = bytes.first(std::min<std::uint64_t>(bytes.size(), body_left_));
  body_left_ -= part.size();
  if (binary_) {
    add_binary(part);
  } else {
    payload_ += base::as_text(part);
  }
  if (body_left_ == 0) {
    append_base64(base::byte_view(group_).first(group_bytes_), payload_);
    group_bytes_ = 0;
    header_bytes_ = 0;
    in_body_ = false;
  }
  return bytes.subspan(part.size());
}

/// Base64 of whole groups of three bytes, so that no padding comes in between.
void PayloadWriter::add_binary(base::byte_view bytes) {
  while (group_bytes_ > 0 && group_bytes_ < group_.size() && !bytes.empty()) {
    group_[group_bytes_++] = bytes[0];
    bytes = bytes.subspan(1);
  }
  if (group_bytes_ == group_.size()) {
    append_base64(group_, payload_);
    group_bytes_ = 0;
  }
  const std::size_t whole = bytes.size() / 3 * 3;
  append_base64(bytes.first(whole), payload_);
  for (const auto byte : bytes.subspan(whole)) group_[group_bytes_++] = byte;
}

std::size_t PayloadWriter::room() const {
  const std::size_t left = payload_.size() < bytes_max_ ? bytes_max_ - payload_.size() : 0;
  // Base64 makes four bytes of three.
  return std::max<std::size_t>(left / 4 * 3, header_bytes_ > 0 ? 1 : 0);
}

std::string PayloadWriter::take() {
  WEFT_CHECK(header_bytes_ == 0 && !in_body_);
  return std::exchange(payload_, {});
}

}  // namespace weft::gateway::socketio::engine
