#include "weft/store/blob_store.h"

namespace weft::store {

base::result<void> check_location(std::string_view location) {
  if (!location.empty() && location.size() <= blob_location_bytes_max) return {};
  return base::fail(errc::invalid, "blob store: a location has 1 to " +
                                       std::to_string(blob_location_bytes_max) +
                                       " bytes, this one " + std::to_string(location.size()));
}

}  // namespace weft::store
