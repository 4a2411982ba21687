#pragma once

#include <cstdint>

#include "common/wire.h"

namespace weft::bench {

/// What a y-protocols message turned out to be.
enum class message_kind { step1, step2, update, other, malformed };

/// Appends the sync message "client inserted one character at `clock`, after its own previous one"
/// as update v1 for a Y.Text named "content": valid, causally ordered, never the same twice.
/// Source: Yjs INTERNALS.md; y-protocols PROTOCOL.md.
void append_edit(byte_vector& out, std::uint64_t client, std::uint64_t clock);

/// Appends SyncStep1 with an empty state vector, SyncStep2 with an empty update.
void append_step1(byte_vector& out);
void append_step2(byte_vector& out);

/// Reads the y-protocols messages in one WebSocket message. Calls on_range(client, clock, end) for
/// each run of items in updates and on_message(kind) after each message. Only content that
/// append_edit makes (or a server makes of it by merging) is understood; other content is
/// malformed here.
template <class OnRange, class OnMessage>
void read_messages(byte_view bytes, OnRange&& on_range, OnMessage&& on_message);

/// Reads the structs of one update v1. False when it is malformed.
template <class OnRange>
bool read_update(byte_view update, OnRange&& on_range) {
  Reader in(update);
  const std::uint64_t clients = in.var_uint();
  for (std::uint64_t i = 0; i < clients && !in.failed; ++i) {
    const std::uint64_t structs = in.var_uint();
    const std::uint64_t client = in.var_uint();
    std::uint64_t clock = in.var_uint();
    for (std::uint64_t j = 0; j < structs && !in.failed; ++j) {
      constexpr std::uint8_t content_string = 4;
      constexpr std::uint8_t content_skip = 10;
      const std::uint8_t info = in.byte();
      const std::uint8_t kind = info & 0x1f;
      if (kind == content_skip) {
        clock += in.var_uint();
        continue;
      }
      if (kind != content_string) return false;
      for (int origin = (info >> 7 & 1) + (info >> 6 & 1); origin > 0; --origin) {
        in.var_uint();
        in.var_uint();
      }
      if ((info & 0xc0) == 0) {
        if (in.var_uint() != 1) return false;
        in.var_bytes();
      }
      const std::uint64_t end = clock + in.var_bytes().size();  // ASCII: bytes are UTF-16 units
      if (in.failed) return false;
      on_range(client, clock, end);
      clock = end;
    }
  }
  return !in.failed && in.var_uint() == 0 && in.empty();
}

template <class OnRange, class OnMessage>
void read_messages(byte_view bytes, OnRange&& on_range, OnMessage&& on_message) {
  Reader in(bytes);
  while (!in.empty()) {
    message_kind kind = message_kind::other;
    const std::uint64_t type = in.var_uint();
    if (type == 0) {
      const std::uint64_t step = in.var_uint();
      const byte_view body = in.var_bytes();
      kind = step == 0   ? message_kind::step1
             : step == 1 ? message_kind::step2
                         : message_kind::update;
      if (in.failed || step > 2 || (step != 0 && !read_update(body, on_range))) {
        kind = message_kind::malformed;
      }
    } else if (type == 1) {
      in.var_bytes();
    } else if (type != 3) {
      kind = message_kind::malformed;
    }
    if (in.failed) kind = message_kind::malformed;
    on_message(kind);
    if (kind == message_kind::malformed) return;
  }
}

}  // namespace weft::bench
