#pragma once

#include <string_view>

#include "weft/gateway/http/exchange.h"

namespace weft::gateway::http {

/// The encoding of the updates that a request brings or asks for: `?format=`. Hub and log know v1
/// only; what a request has in v2 is converted where it comes in and goes out. Converting takes
/// time: it belongs on the workers.
enum class UpdateFormat { v1, v2 };

/// Errors: std::errc::invalid_argument for a format that is not spoken here.
base::result<UpdateFormat> update_format(const Exchange& exchange);

/// What tells entity tags of the formats apart.
inline std::string_view representation_of(UpdateFormat format) {
  return format == UpdateFormat::v2 ? "v2" : "";
}

/// An update of ours for an answer. Errors: hub::errc::too_large (v2 cannot express its clocks).
base::result<base::shared_bytes> to_format(UpdateFormat format, base::shared_bytes update);

/// An update of a request; v1 is passed on as it is. Errors: hub::errc::invalid_update, or
/// too_large when it is larger than `v1_bytes_max` in v1.
base::result<base::shared_bytes> from_format(UpdateFormat format, base::shared_bytes update,
                                             std::size_t v1_bytes_max);

}  // namespace weft::gateway::http
