#include "weft/gateway/http/position.h"

#include <nlohmann/json.hpp>

#include "weft/gateway/version.h"

namespace weft::gateway::http {

nlohmann::json position_json(const log::OpLog& log, const base::DocumentId& document,
                             std::optional<base::log_offset> version) {
  const auto position = log.position(document, version.value_or(base::log_offset{}));
  nlohmann::json offset = nullptr;
  if (version) offset = version->value;
  return {{"topic", position.topic},
          {"partition", position.partition},
          {"offset", offset},
          {"version", offset},
          {"log", log_name(position.log)}};
}

}  // namespace weft::gateway::http
