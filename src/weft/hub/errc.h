#pragma once

#include <system_error>

namespace weft::hub {

enum class errc {
  invalid_update = 1,  ///< not something that Yjs would decode; nothing was applied
  conflicting_ids,     ///< same ids as stored, other content: the client id is used twice
  too_large,           ///< beyond a configured limit
  unavailable,         ///< the log or the store cannot serve now; retry later
  broken,              ///< this document's stored state cannot be read; others are unaffected
  draining,            ///< the server is going down; another one will answer
  timed_out,           ///< what was waited for did not come
  changed,             ///< not at the version that was asked for; nothing was applied
  unauthenticated,     ///< who asks has not shown who they are
  forbidden,           ///< they have, and may not do this
  expired,             ///< they might until now; a new token may help
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

}  // namespace weft::hub

template <>
struct std::is_error_code_enum<weft::hub::errc> : std::true_type {};
