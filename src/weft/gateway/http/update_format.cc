#include "weft/gateway/http/update_format.h"

namespace weft::gateway::http {

base::result<UpdateFormat> update_format(const Exchange& exchange) {
  const auto name = exchange.text("format", 32);
  if (!name) return base::fail(base::error(name.error()));
  if (!*name || **name == "v1") return UpdateFormat::v1;
  return std::unexpected(base::error{std::make_error_code(std::errc::invalid_argument),
                                     "parameter format must be v1"});
}

}  // namespace weft::gateway::http
