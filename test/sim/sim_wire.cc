#include "sim/sim_wire.h"

#include <cstring>
#include <optional>
#include <string>

#include "weft/net/deflate.h"

namespace weft::sim {

namespace {

void put_varint(base::byte_vector& out, std::uint64_t value) {
  while (value > 0x7f) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_text(base::byte_vector& out, std::string_view text) {
  put_varint(out, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

const SimFraming framing;

}  // namespace

base::byte_vector insert_update(std::uint64_t client, std::uint64_t clock, std::size_t length) {
  constexpr std::uint8_t content_string = 4;
  constexpr std::uint8_t has_origin = 0x80;
  base::byte_vector out;
  put_varint(out, 1);  // one client
  put_varint(out, 1);  // one struct
  put_varint(out, client);
  put_varint(out, clock);
  if (clock == 0) {
    out.push_back(content_string);
    put_varint(out, 1);  // the parent is a root type
    put_text(out, "content");
  } else {
    out.push_back(content_string | has_origin);
    put_varint(out, client);
    put_varint(out, clock - 1);
  }
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + (clock + i) % 26);
  put_text(out, text);
  put_varint(out, 0);  // no deletions
  return out;
}

base::byte_vector delete_update(std::uint64_t client, std::uint64_t clock) {
  base::byte_vector out;
  put_varint(out, 0);
  put_varint(out, 1);
  put_varint(out, client);
  put_varint(out, 1);
  put_varint(out, clock);
  put_varint(out, 1);
  return out;
}

std::size_t SimFraming::write_header(const hub::FrameInfo& info, std::uint8_t* out) const {
  out[0] = static_cast<std::uint8_t>(info.type);
  const auto size = static_cast<std::uint32_t>(info.update_bytes);
  std::memcpy(out + 1, &size, sizeof size);
  return header_bytes;
}

base::shared_bytes SimFraming::frame_awareness(base::byte_view awareness_update) const {
  return base::shared_bytes::build(header_bytes + awareness_update.size(), [&](std::uint8_t* out) {
    write_header({yjs::sync_type::update, awareness_update.size()}, out);
    out[0] = awareness_type;
    std::memcpy(out + header_bytes, awareness_update.data(), awareness_update.size());
  });
}

std::size_t VersionedSimFraming::write_header(const hub::FrameInfo& info, std::uint8_t* out) const {
  framing.write_header(info, out);
  out[0] |= versioned;
  const std::uint64_t version = info.version ? info.version->value + 1 : 0;
  std::memcpy(out + SimFraming::header_bytes, &version, sizeof version);
  return header_bytes_max();
}

base::shared_bytes VersionedSimFraming::frame_awareness(base::byte_view awareness_update) const {
  return framing.frame_awareness(awareness_update);
}

base::shared_bytes VersionedSimFraming::frame_acknowledgement(
    std::uint64_t token, std::optional<base::log_offset> record,
    std::optional<base::log_offset> version) {
  const std::uint64_t body[] = {token, record ? record->value + 1 : 0,
                                version ? version->value + 1 : 0};
  return base::shared_bytes::build(SimFraming::header_bytes + sizeof body, [&](std::uint8_t* out) {
    framing.write_header({yjs::sync_type::update, sizeof body}, out);
    out[0] = acknowledgement;
    std::memcpy(out + SimFraming::header_bytes, body, sizeof body);
  });
}

std::size_t DeflatedSimFraming::write_header(const hub::FrameInfo& info, std::uint8_t* out) const {
  return framing.write_header(info, out);
}

std::optional<std::size_t> DeflatedSimFraming::rewrite(yjs::sync_type type, base::byte_view update,
                                                       std::uint8_t* out) const {
  const std::span<std::uint8_t> body{out + SimFraming::header_bytes,
                                     update.size() - SimFraming::header_bytes};
  const auto size = net::deflate_message({update}, body);
  if (!size) return std::nullopt;
  framing.write_header({type, *size}, out);
  out[0] |= deflated;
  return SimFraming::header_bytes + *size;
}

base::shared_bytes DeflatedSimFraming::frame_awareness(base::byte_view awareness_update) const {
  return framing.frame_awareness(awareness_update);
}

}  // namespace weft::sim
