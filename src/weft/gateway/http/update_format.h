#pragma once

#include "weft/gateway/http/exchange.h"

namespace weft::gateway::http {

/// The encoding of the updates that a request brings or asks for: `?format=`. Hub and log know v1
/// only; what a request has in another format is converted where it comes in and goes out.
enum class UpdateFormat { v1 };

/// Errors: std::errc::invalid_argument for a format that is not spoken here.
base::result<UpdateFormat> update_format(const Exchange& exchange);

}  // namespace weft::gateway::http
