#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/result.h"

/// `weft inspect`: what is in an update, for people and (as JSON) for machines.
namespace weft::app {

enum class inspect_errc {
  unreadable = 1,  ///< the bytes are nothing that is understood; the message says why
};
const char* describe(inspect_errc code);
std::error_code make_error_code(inspect_errc code);

struct InspectOptions {
  std::string source{};  ///< a file, or "-" for standard input
  bool json = false;     ///< one JSON object instead of lines for people
  bool content = false;  ///< also what the document shows (needs the reader of weft::crdt)
  bool base64 = false;   ///< the input is Base64 text; white space in it does not count
};

/// Describes an update (format v1), or the y-protocols message in an envelope. Which of the two the
/// bytes are is found out by reading them. Values are shortened for people, whole in JSON.
/// Errors: unreadable, and those of weft::crdt when content is asked for.
base::result<std::string> inspect(base::byte_view bytes, const InspectOptions& options);

/// The command: reads the source, writes the description or one line that says what is wrong.
/// Returns the exit code: 0 done, 1 the source or its bytes cannot be read.
int run_inspect(const InspectOptions& options, std::istream& standard_input, std::ostream& out,
                std::ostream& problems);

}  // namespace weft::app

template <>
struct std::is_error_code_enum<weft::app::inspect_errc> : std::true_type {};
