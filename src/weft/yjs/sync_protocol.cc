#include "weft/yjs/sync_protocol.h"

#include "weft/yjs/lib0.h"

namespace weft::yjs {
namespace {

base::byte_vector encode_sync(sync_type type, base::byte_view body) {
  std::uint8_t header[12];
  const std::size_t header_bytes = write_sync_header(type, body.size(), header);
  base::byte_vector out;
  out.reserve(header_bytes + body.size());
  out.insert(out.end(), header, header + header_bytes);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

}  // namespace

base::result<ProtocolMessage> decode_message(base::byte_view bytes, std::size_t& consumed) {
  Reader in(bytes);
  ProtocolMessage message;
  const std::uint64_t type = in.uint();
  if (in.ok() && type > static_cast<std::uint64_t>(message_type::query_awareness)) {
    return base::fail(errc::corrupt, "the message type is unknown");
  }
  message.type = static_cast<message_type>(type);
  switch (message.type) {
    case message_type::sync: {
      const std::uint64_t sync = in.uint();
      if (in.ok() && sync > static_cast<std::uint64_t>(sync_type::update)) {
        return base::fail(errc::corrupt, "the sync message type is unknown");
      }
      message.sync = static_cast<sync_type>(sync);
      message.body = in.bytes();
      break;
    }
    case message_type::awareness:
      message.body = in.bytes();
      break;
    case message_type::auth:
      // A permission-denied code and its reason.
      in.uint();
      message.body = in.bytes();
      break;
    case message_type::query_awareness:
      break;
  }
  if (!in.ok()) return base::fail(in.code(), "the protocol message is incomplete");
  consumed = bytes.size() - in.left();
  return message;
}

std::size_t write_sync_header(sync_type type, std::size_t update_bytes, std::uint8_t* out) {
  std::size_t at = 0;
  out[at++] = static_cast<std::uint8_t>(message_type::sync);
  out[at++] = static_cast<std::uint8_t>(type);
  for (; update_bytes > 0x7f; update_bytes >>= 7) {
    out[at++] = static_cast<std::uint8_t>(update_bytes | 0x80);
  }
  out[at++] = static_cast<std::uint8_t>(update_bytes);
  return at;
}

base::byte_vector encode_sync_step1(base::byte_view state_vector) {
  return encode_sync(sync_type::step1, state_vector);
}

base::byte_vector encode_sync_step2(base::byte_view update) {
  return encode_sync(sync_type::step2, update);
}

base::byte_vector encode_sync_update(base::byte_view update) {
  return encode_sync(sync_type::update, update);
}

base::byte_vector encode_awareness(base::byte_view awareness_update) {
  Writer out;
  out.byte(static_cast<std::uint8_t>(message_type::awareness));
  out.bytes(awareness_update);
  return out.take();
}

base::byte_vector encode_auth_denied(std::string_view reason) {
  constexpr std::uint8_t permission_denied = 0;
  Writer out;
  out.byte(static_cast<std::uint8_t>(message_type::auth));
  out.byte(permission_denied);
  out.bytes(base::as_bytes(reason));
  return out.take();
}

}  // namespace weft::yjs
