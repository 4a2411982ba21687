#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace weft::gateway {

/// JSON on one line, as it goes over a wire; what is no UTF-8 in it becomes U+FFFD.
inline std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weft::gateway
