#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/base/result.h"
#include "weft/hub/version_name.h"

/// Versions as clients write and read them, in every protocol.
namespace weft::gateway {

/// A log's identity as it is shown: 16 hexadecimal digits.
std::string log_name(base::log_identity log);

/// A version as it is shown where it must mean something later: "42@00f3a5…", or "none@00f3a5…"
/// for a document without a record.
std::string version_name(std::optional<base::log_offset> version, base::log_identity log);

/// What a client says that it has of a document.
struct Standing {
  base::log_offset end;                   ///< behind the version; 0: it knows that there was none
  std::optional<base::log_identity> log;  ///< always there when `end` is 0
};

/// A version as version_name shows it, or as parse_version takes it.
/// Errors: std::errc::invalid_argument.
base::result<Standing> parse_standing(std::string_view text);

/// A version as clients name it: "42" or "42@00f3a5…". Errors: std::errc::invalid_argument.
base::result<hub::VersionName> parse_version(std::string_view text);

}  // namespace weft::gateway
