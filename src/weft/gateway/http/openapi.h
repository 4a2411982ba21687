#pragma once

#include <string_view>

namespace weft::gateway::http {

/// docs/openapi.yaml as it was when the program was built.
std::string_view openapi_yaml();

}  // namespace weft::gateway::http
