#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/yjs/errc.h"
#include "weft/yjs/id_set.h"

/// The messages of y-protocols as y-websocket carries them.
/// Source: https://github.com/yjs/y-protocols/blob/master/PROTOCOL.md
namespace weft::yjs {

enum class message_type : std::uint8_t { sync = 0, awareness = 1, auth = 2, query_awareness = 3 };
enum class sync_type : std::uint8_t { step1 = 0, step2 = 1, update = 2 };

/// One decoded message; views point into the input.
struct ProtocolMessage {
  message_type type = message_type::sync;
  sync_type sync = sync_type::step1;  ///< when type is sync
  base::byte_view body;               ///< state vector, update, or awareness update (unwrapped)
};

/// Decodes the first message of `bytes` and says how many bytes it took: y-websocket clients may
/// put several into one frame. Errors: truncated, corrupt (unknown type).
base::result<ProtocolMessage> decode_message(base::byte_view bytes, std::size_t& consumed);

base::byte_vector encode_sync_step1(base::byte_view state_vector);
base::byte_vector encode_sync_step2(base::byte_view update);
base::byte_vector encode_sync_update(base::byte_view update);
base::byte_vector encode_awareness(base::byte_view awareness_update);
base::byte_vector encode_auth_denied(std::string_view reason);

inline constexpr std::size_t sync_header_bytes_max = 12;

/// The bytes that precede the update in a sync update message: message type, sync type and
/// length. At most sync_header_bytes_max bytes; lets a frame be written without an intermediate
/// copy.
std::size_t write_sync_header(sync_type type, std::size_t update_bytes, std::uint8_t* out);

/// One client's entry in an awareness update; `state` is JSON text and points into the input.
struct AwarenessEntry {
  client_id client = 0;
  std::uint64_t clock = 0;
  std::string_view state;  ///< "null" withdraws the client
};

/// Decodes an awareness update (varint count, then client, clock, state). Every state must be
/// valid UTF-8 and valid JSON. Errors: truncated, corrupt.
base::result<std::vector<AwarenessEntry>> decode_awareness(base::byte_view bytes);

base::byte_vector encode_awareness_update(std::span<const AwarenessEntry> entries);

}  // namespace weft::yjs
