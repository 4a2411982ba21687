#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/wire.h"

namespace weft::bench {

/// Appends the sync message "client inserted `chars` characters at `clock`, after its own previous
/// ones" as update v1 for a Y.Text named "content": valid, causally ordered, never the same twice.
/// Source: Yjs INTERNALS.md; y-protocols PROTOCOL.md.
void append_edit(byte_vector& out, std::uint64_t client, std::uint64_t clock, std::size_t chars);

/// Appends the awareness message by which an editor shows a name and a cursor: one client, some
/// 200 bytes, as y-codemirror and y-prosemirror send them.
void append_presence(byte_vector& out, std::uint64_t client, std::uint64_t clock);

/// Reads a message that is one edit as append_edit makes it after a client's first, which is what
/// nearly every delivery is. False when it is anything else: then read_messages decides.
/// Clients: 2^28 and above, so that an id has five bytes.
inline bool read_edit(byte_view message, std::uint64_t& client, std::uint64_t& clock,
                      std::uint64_t& end) {
  constexpr std::size_t least = 21;
  constexpr std::size_t id_bytes = 5;
  const std::uint8_t* at = message.data();
  if (message.size() < least || message.size() >= 128 + 3) return false;
  std::uint64_t head = 0;
  std::memcpy(&head, at, sizeof head);
  // sync, update, length of what follows, one client, one struct
  constexpr std::uint64_t head_mask = 0xff'ff'ff'ff'ff;
  if ((head & head_mask) != (0x01'01'00'02'00 | (message.size() - 3) << 16)) return false;
  at += 5;
  std::uint64_t id = 0;
  std::memcpy(&id, at, sizeof id);
  id &= 0xff'ff'ff'ff'ff;
  if ((id & 0x80'80'80'80'80) != 0x00'80'80'80'80) return false;
  client = (id & 0x7f) | (id >> 1 & 0x7f << 7) | (id >> 2 & 0x7f << 14) | (id >> 3 & 0x7f << 21) |
           (id >> 4 & std::uint64_t{0x7f} << 28);
  at += id_bytes;
  Reader in(message.subspan(5 + id_bytes));
  clock = in.var_uint();
  if (in.byte() != (0x80 | 4)) return false;  // a string with an origin on its left
  std::uint64_t origin = 0;
  if (in.end - in.at < 8) return false;
  std::memcpy(&origin, in.at, sizeof origin);
  if ((origin & 0xff'ff'ff'ff'ff) != id) return false;
  in.at += id_bytes;
  if (in.var_uint() + 1 != clock) return false;
  end = clock + in.var_bytes().size();  // ASCII: bytes are UTF-16 units
  return in.byte() == 0 && !in.failed && in.empty();
}

/// Calls on_range(client, clock, end) for each run of items in an update v1. Only content that
/// append_edit makes (or a server makes of it by merging) is understood; false for other content.
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
      const std::uint64_t end = clock + in.var_bytes().size();
      if (in.failed) return false;
      on_range(client, clock, end);
      clock = end;
    }
  }
  return !in.failed && in.var_uint() == 0 && in.empty();
}

/// Calls on_state(client, clock) for each state in an awareness update. False when it is malformed.
template <class OnState>
bool read_presence(byte_view update, OnState&& on_state) {
  Reader in(update);
  for (std::uint64_t left = in.var_uint(); left > 0 && !in.failed; --left) {
    const std::uint64_t client = in.var_uint();
    const std::uint64_t clock = in.var_uint();
    in.var_bytes();
    if (!in.failed) on_state(client, clock);
  }
  return !in.failed && in.empty();
}

}  // namespace weft::bench
