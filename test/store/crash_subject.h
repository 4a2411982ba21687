#pragma once

#include <cstdint>
#include <string>

#include "weft/store/document_store.h"

/// What the crash subject and the test that looks at what it left agree on.
namespace weft::store::crash {

inline constexpr int documents = 8;

inline base::DocumentId document(int number) { return {"room", std::to_string(number), {}}; }

/// Some are large enough for RocksDB's blob files.
inline Snapshot snapshot(std::uint64_t covered_end) {
  const std::string bytes(covered_end % 5 == 0 ? 100'000 : 500,
                          static_cast<char>('a' + covered_end % 26));
  return {{7}, {covered_end}, base::shared_bytes::copy_of(base::as_bytes(bytes))};
}

}  // namespace weft::store::crash
