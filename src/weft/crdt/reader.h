#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// Typed reading of documents: what their users see, from the bytes of an update (format v1).
///
/// Everything else in Weft treats an update as ranges of structs; this is the one place where it
/// becomes text, maps, arrays and XML. Reads only: nothing that comes out of here is ever stored.
/// The update of a whole document (a snapshot, a state) is what one reads. What Yjs would hold back
/// because something before it is missing does not show.
///
/// Root types: an update names them but does not say what they are. The kind is told from what can
/// be seen in a root (README.md, "Roots"); one with nothing to see is null in `read_json` and
/// empty in the others.
///
/// Thread: any; no state is kept. Cost: the document is rebuilt on every call, about a microsecond
/// and 300 bytes for each struct of the compacted update, so callers run this off the I/O loops.
/// Hostile bytes: bounded by `Limits`, and a breakdown of the reader is an error like any other.
namespace weft::crdt {

using base::byte_view;
using base::result;

enum class errc {
  unsupported = 1,  ///< this build has no reader; the message says how to get one
  corrupt,          ///< the bytes are not a Yjs update
  not_found,        ///< the document has no root of that name
  too_large,        ///< beyond one of the Limits, which the message names
  failed,  ///< the reader broke down on these bytes (a caught panic); nothing else is hurt,
           ///< but the memory it used may be lost: do not ask again for the same bytes
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

/// What a document may take to be read.
struct Limits {
  std::uint64_t structs_max = 2'000'000;   ///< of the compacted update; about 300 bytes each
  std::uint64_t nesting_max = 500;         ///< types inside types
  std::uint64_t formats_max = 16'000'000;  ///< formats × runs of one text; about 64 bytes each
  std::uint64_t time_ms_max = 10'000;      ///< looked at between pieces of the update
};

/// Whether this build has the reader; without it every function answers `unsupported`.
bool available();

/// A JSON object with every root by its name, as Yjs' `doc.toJSON()` gives it once the program has
/// named the types. Mapping of what JSON lacks: README.md.
result<std::string> read_json(byte_view update, const Limits& limits = {});

/// The text of a root without formats and embeds; of a root with XML children the XML string.
result<std::string> read_text(byte_view update, std::string_view root, const Limits& limits = {});

/// The Quill delta of a text root as JSON, as `toDelta()`: `[{"insert":…,"attributes":{…}},…]`.
result<std::string> read_delta(byte_view update, std::string_view root, const Limits& limits = {});

/// The XML string of an XML fragment, element or text root, as `toString()`.
result<std::string> read_xml(byte_view update, std::string_view root, const Limits& limits = {});

/// Everything typed, and canonical: two updates show the same document exactly when this gives the
/// same bytes. `{"stateVector":{client:clock,…},"roots":{name:{"type":…,…},…}}`; README.md.
result<std::string> read_content(byte_view update, const Limits& limits = {});

/// Does `compacted` show what `inputs` show together? Both are rebuilt by yrs, which shares no code
/// with `yjs::compact`, the inputs one by one and as they are. True, or the first difference is in
/// `difference` (when given). Inputs must come from a place that validated them, such as the log.
result<bool> same_document(byte_view compacted, std::span<const byte_view> inputs,
                           std::string* difference = nullptr, const Limits& limits = {});

}  // namespace weft::crdt

template <>
struct std::is_error_code_enum<weft::crdt::errc> : std::true_type {};
