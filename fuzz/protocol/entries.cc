#include "entries.h"

#include "weft/protocol/plain_metadata.h"

namespace weft::fuzz {

void metadata(base::byte_view input) {
  const auto parsed = protocol::parse_metadata(input);
  const auto plain = protocol::read_plain_metadata(input);
  if (plain) WEFT_CHECK(parsed && *parsed == *plain);
}

}  // namespace weft::fuzz
