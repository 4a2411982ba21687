#include "weft/gateway/http/update_format.h"

#include "weft/hub/errc.h"
#include "weft/yjs/update_v2.h"

namespace weft::gateway::http {

base::result<UpdateFormat> update_format(const Exchange& exchange) {
  const auto name = exchange.text("format", 32);
  if (!name) return base::fail(base::error(name.error()));
  if (!*name || **name == "v1") return UpdateFormat::v1;
  if (**name == "v2") return UpdateFormat::v2;
  return std::unexpected(base::error{std::make_error_code(std::errc::invalid_argument),
                                     "parameter format must be v1 or v2"});
}

base::result<base::shared_bytes> to_format(UpdateFormat format, base::shared_bytes update) {
  if (format == UpdateFormat::v1) return update;
  auto converted = yjs::v1_to_v2(update);
  if (!converted) {
    return base::fail(hub::errc::too_large,
                      "not to be expressed in format v2: " + converted.error().message);
  }
  return base::shared_bytes::adopt(std::move(*converted));
}

base::result<base::shared_bytes> from_format(UpdateFormat format, base::shared_bytes update,
                                             std::size_t v1_bytes_max) {
  if (format == UpdateFormat::v1) return update;
  auto converted = yjs::v2_to_v1(update, v1_bytes_max);
  if (!converted && converted.error().code == yjs::errc::over_limit) {
    return base::fail(hub::errc::too_large, converted.error().message);
  }
  if (!converted) return base::fail(hub::errc::invalid_update, converted.error().message);
  return base::shared_bytes::adopt(std::move(*converted));
}

}  // namespace weft::gateway::http
