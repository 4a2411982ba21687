#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// Typed reading of documents: what their users see, from the bytes of an update (format v1).
///
/// Everything else in Weft treats an update as ranges of structs; this is the one place where it
/// becomes text, maps, arrays and XML. Reads only: nothing that comes out of here is ever stored.
/// Thread: any, no state is kept. Cost: the document is rebuilt on every call (some 100 ns for
/// each struct, a hundred bytes of memory), so callers run it off the I/O loops.
namespace weft::crdt {

using base::byte_view;
using base::result;

enum class errc {
  unsupported = 1,  ///< this build has no reader; the message says how to get one
  corrupt,          ///< the bytes are not a Yjs update
  not_found,        ///< the document has no root of that name
  failed,           ///< the reader broke down on these bytes (a caught panic); nothing else is hurt
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

/// Whether this build has the reader; without it every function answers `unsupported`.
bool available();

/// A JSON object with every root type by its name, as Yjs' `doc.toJSON()` would give it.
/// Structs whose dependencies are missing do not show. Mapping: src/weft/crdt/README.md.
result<std::string> read_json(byte_view update);

/// The plain text of a text root (formats and embeds left out), or the XML string of an XML root.
result<std::string> read_text(byte_view update, std::string_view root);

/// The Quill delta of a text root as JSON: `[{"insert":…,"attributes":{…}},…]`.
result<std::string> read_delta(byte_view update, std::string_view root);

/// The XML string of an XML fragment root, as Yjs' `toString()` would give it.
result<std::string> read_xml(byte_view update, std::string_view root);

}  // namespace weft::crdt

template <>
struct std::is_error_code_enum<weft::crdt::errc> : std::true_type {};
