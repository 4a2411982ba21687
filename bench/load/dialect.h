#pragma once

#include <string_view>

#include "common/wire.h"

namespace weft::bench {

/// How a server wants to be spoken to.
enum class dialect {
  none,        ///< a raw broadcast server: no handshake, the messages of y
  y,           ///< y-websocket: SyncStep1 opens, SyncStep2 answers
  hocuspocus,  ///< the same messages behind the name of the document, after an Auth message
  socketio,    ///< the same messages as payloads of Weft's Socket.IO events (socketio.h)
};

/// Takes the name of one of these. False when the name is another.
bool parse_dialect(std::string_view name, dialect& out);

/// Begins a message: what stands before the y-protocols message.
void append_head(byte_vector& out, dialect spoken, std::string_view document);

/// Appends the message that must be sent before all others; false when there is none.
bool append_greeting(byte_vector& out, dialect spoken, std::string_view document);

/// Appends the body of a SyncStep1 with an empty state vector, of a SyncStep2 with an empty update.
void append_step1(byte_vector& out);
void append_step2(byte_vector& out);

/// What a y-protocols message turned out to be.
enum class message_kind { step1, step2, update, awareness, other, malformed };

/// Reads the messages in one WebSocket message. For each it calls on_body(kind, bytes): the
/// update, the awareness update, nothing for the others. Source: y-protocols PROTOCOL.md; the
/// sources of @hocuspocus/server 4.7, MessageReceiver and OutgoingMessage.
template <class OnBody>
void read_messages(byte_view bytes, dialect spoken, OnBody&& on_body) {
  constexpr std::uint64_t sync = 0;
  constexpr std::uint64_t awareness = 1;
  constexpr std::uint64_t query_awareness = 3;
  constexpr std::uint64_t sync_reply = 4;
  Reader in(bytes);
  const bool named = spoken == dialect::hocuspocus;
  if (named) in.var_bytes();
  while (!in.empty() && !in.failed) {
    const std::uint64_t type = in.var_uint();
    message_kind kind = message_kind::other;
    byte_view body;
    if (type == sync || (named && type == sync_reply)) {
      const std::uint64_t step = in.var_uint();
      body = in.var_bytes();
      kind = step == 0   ? message_kind::step1
             : step == 1 ? message_kind::step2
             : step == 2 ? message_kind::update
                         : message_kind::malformed;
    } else if (type == awareness) {
      body = in.var_bytes();
      kind = message_kind::awareness;
    } else if (named) {
      return;  // Auth, SyncStatus, Close…: one to a message, of no weight here
    } else if (type != query_awareness) {
      kind = message_kind::malformed;
    }
    if (in.failed) kind = message_kind::malformed;
    on_body(kind, body);
    if (kind == message_kind::malformed) return;
  }
  if (in.failed) on_body(message_kind::malformed, byte_view());
}

}  // namespace weft::bench
