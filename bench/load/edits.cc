#include "load/edits.h"

#include <string_view>

namespace weft::bench {

void append_edit(byte_vector& out, std::uint64_t client, std::uint64_t clock) {
  out.insert(out.end(), {0, 2, 0});  // sync, update, length set below
  const std::size_t start = out.size();
  out.insert(out.end(), {1, 1});  // one client, one struct
  append_var_uint(out, client);
  append_var_uint(out, clock);
  if (clock == 0) {
    constexpr std::string_view parent = "content";
    out.insert(out.end(), {4, 1, static_cast<std::uint8_t>(parent.size())});
    out.insert(out.end(), parent.begin(), parent.end());
  } else {
    out.push_back(0x80 | 4);
    append_var_uint(out, client);
    append_var_uint(out, clock - 1);
  }
  out.insert(out.end(), {1, static_cast<std::uint8_t>('a' + clock % 26), 0});
  out[start - 1] = static_cast<std::uint8_t>(out.size() - start);  // always below 128
}

void append_step1(byte_vector& out) { out.insert(out.end(), {0, 0, 1, 0}); }

void append_step2(byte_vector& out) { out.insert(out.end(), {0, 1, 2, 0, 0}); }

}  // namespace weft::bench
