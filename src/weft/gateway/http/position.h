#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "weft/log/op_log.h"

namespace weft::gateway::http {

/// Where an edit lies and which version it made: topic, partition, offset, version, log. Of a
/// document that was read or written here.
nlohmann::json position_json(const log::OpLog& log, const base::DocumentId& document,
                             std::optional<base::log_offset> version);

}  // namespace weft::gateway::http
