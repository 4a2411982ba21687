#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"
#include "weft/store/errc.h"

namespace weft::store {

/// The longest location of a blob, in bytes: an object store takes three times as many, which is
/// what escaping may make of it, and a prefix of its own.
inline constexpr std::size_t blob_location_bytes_max = 300;

/// A blob as it is listed.
struct BlobEntry {
  std::string location;
  std::uint64_t bytes = 0;

  friend bool operator==(const BlobEntry&, const BlobEntry&) = default;
};

enum class existing_blob {
  replace,  ///< the new bytes take its place
  refuse,   ///< put says exists; of several puts at once exactly one succeeds
};

/// Bytes by location: where big snapshots lie whose row in a DocumentStore holds only the location.
///
/// A location is chosen by the caller: 1 to blob_location_bytes_max bytes of any value; `/` parts
/// it for people and for listing, and `..` means nothing special. Drivers escape what their medium
/// cannot have. A blob is visible whole or not at all, also after a crash and to readers while it
/// is replaced. Whoever stores a row that names a blob puts the blob first.
/// Threading: any thread; callbacks run on the executor passed in.
/// Errors of all: unavailable (try again later), closed, and invalid for what is no location.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Durable before `done` says so. Errors: exists, too_large (nothing was written).
  virtual void put(std::string location, base::shared_bytes bytes, existing_blob existing,
                   base::Executor& executor, callback<void> done) = 0;

  /// The bytes, or nullopt when the store was really read and has none there.
  /// Errors: corrupt: never to be taken for an empty or missing blob.
  virtual void get(std::string location, base::Executor& executor,
                   callback<std::optional<base::shared_bytes>> done) = 0;

  /// Removes a blob, readable or not; one that is not there is removed already.
  virtual void remove(std::string location, base::Executor& executor, callback<void> done) = 0;

  /// Up to `count_max` (at least 1) blobs whose location begins with `prefix` and is greater than
  /// `after`, in the order of their bytes; fewer only at the end. `after` empty: from the start.
  /// Errors: corrupt (something there is no blob, the message says what).
  virtual void list(std::string prefix, std::string after, std::size_t count_max,
                    base::Executor& executor, callback<std::vector<BlobEntry>> done) = 0;

  /// The largest blob that put takes.
  virtual std::uint64_t blob_bytes_max() const = 0;

  /// Finishes accepted work, then refuses. Blocks.
  virtual void close() = 0;
};

/// Whether a blob can have this location. Errors: invalid.
base::result<void> check_location(std::string_view location);

}  // namespace weft::store
