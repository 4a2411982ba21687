#include "load/edits.h"

#include <bit>
#include <cstdio>

namespace weft::bench {

namespace {

std::size_t var_uint_bytes(std::uint64_t value) {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

void append(byte_vector& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

void append_edit(byte_vector& out, std::uint64_t client, std::uint64_t clock, std::size_t chars) {
  constexpr std::string_view first =
      "\x04\x01\x07"
      "content";  // a string, its parent by name
  const std::size_t where_bytes =
      clock == 0 ? first.size() : 1 + var_uint_bytes(client) + var_uint_bytes(clock - 1);
  out.insert(out.end(), {0, 2});  // sync, update
  append_var_uint(out, 2 + var_uint_bytes(client) + var_uint_bytes(clock) + where_bytes +
                           var_uint_bytes(chars) + chars + 1);
  out.insert(out.end(), {1, 1});  // one client, one struct
  append_var_uint(out, client);
  append_var_uint(out, clock);
  if (clock == 0) {
    append(out, first);
  } else {
    out.push_back(0x80 | 4);  // a string, its origin on the left
    append_var_uint(out, client);
    append_var_uint(out, clock - 1);
  }
  append_var_uint(out, chars);
  out.insert(out.end(), chars, static_cast<std::uint8_t>('a' + clock % 26));
  out.push_back(0);  // no deletions
}

void append_presence(byte_vector& out, std::uint64_t client, std::uint64_t clock) {
  char state[256];
  const int length = std::snprintf(
      state, sizeof state,
      "{\"user\":{\"name\":\"Reader %05u\",\"color\":\"#30bced\",\"colorLight\":\"#30bced33\"},"
      "\"cursor\":{\"anchor\":{\"type\":null,\"tname\":\"content\",\"item\":{\"client\":%u,"
      "\"clock\":%u},\"assoc\":0},\"head\":null}}",
      static_cast<unsigned>(client % 100'000), static_cast<unsigned>(client),
      static_cast<unsigned>(clock));
  const std::string_view text(state, static_cast<std::size_t>(length));
  out.push_back(1);  // awareness
  append_var_uint(out, 1 + var_uint_bytes(client) + var_uint_bytes(clock) +
                           var_uint_bytes(text.size()) + text.size());
  out.push_back(1);  // one client
  append_var_uint(out, client);
  append_var_uint(out, clock);
  append_var_uint(out, text.size());
  append(out, text);
}

}  // namespace weft::bench
