#pragma once

#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

namespace weft::gateway::http {

/// How the body of a publish carries its updates.
enum class UpdatesBody {
  single,  ///< application/octet-stream: it is one update
  framed,  ///< application/vnd.weft.updates: repeated varint length and bytes
  json,    ///< application/json: {"updates": ["<Base64>", …]}
};

/// Cuts a framed body; the parts share its bytes. Errors: std::errc::invalid_argument, with the
/// place.
base::result<std::vector<base::shared_bytes>> cut_framed(const base::shared_bytes& body,
                                                         std::size_t count_max);

/// Reads a JSON body. Other keys beside "updates" are passed over. Memory: the decoded updates and
/// one of them as text, whatever else the body holds. Errors: std::errc::invalid_argument.
base::result<std::vector<base::shared_bytes>> read_json(base::byte_view body,
                                                        std::size_t count_max);

/// Appends one update in the framed form.
void append_framed(base::byte_view update, base::byte_vector& out);

}  // namespace weft::gateway::http
