#include <cstddef>
#include <cstdint>

#include "weft/base/bytes.h"

namespace weft::fuzz {
void WEFT_FUZZ_ENTRY(base::byte_view input);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weft::fuzz::WEFT_FUZZ_ENTRY({data, size});
  return 0;
}
