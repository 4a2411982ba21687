#pragma once

#include <unordered_map>

#include "weft/yjs/lib0.h"
#include "weft/yjs/update.h"

namespace weft::yjs {

/// A state vector, decoded. Private to this module.
using state_map = std::unordered_map<client_id, clock_value>;

/// A client named twice has its last clock, as in Yjs. False with `code` set when it does not
/// decode.
inline bool read_state_vector(byte_view bytes, state_map& out, errc& code) {
  Reader in(bytes);
  const std::uint64_t count = in.uint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const client_id client = in.uint();
    const clock_value clock = in.uint();
    if (in.ok()) out[client] = clock;
  }
  code = in.code();
  return in.ok();
}

}  // namespace weft::yjs
