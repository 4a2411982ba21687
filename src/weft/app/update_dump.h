#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// An update taken apart as a JSON tree, and that tree as lines for people.
namespace weft::app {

using ordered_json = nlohmann::ordered_json;

/// `{"format","bytes","structs","items","deleted","gcs","skips","clients":[{"client","structs":[…]}],
/// "deletions":[{"client","ranges":[[from,to]]}]}`; a struct is `{"clock","length","kind"}` with
/// `origin`, `rightOrigin` (`[client, clock]`), `parent` (a root's name, or `[client, clock]`),
/// `key` and `content` where it has them. Ranges are [from, to). Errors: those of weft::yjs.
base::result<ordered_json> dump_update(base::byte_view update);

/// The tree of dump_update, a line for each struct, long values shortened.
std::string lines_of(const ordered_json& update);

/// Text of at most `characters_max` characters: the beginning, and how much follows.
std::string shortened(const std::string& text, std::size_t characters_max);

/// Standard Base64, with padding.
std::string to_base64(base::byte_view bytes);

/// Reads Base64 with or without padding, over white space, in either alphabet. False when there
/// is anything else.
bool from_base64(std::string_view text, base::byte_vector& out);

}  // namespace weft::app
