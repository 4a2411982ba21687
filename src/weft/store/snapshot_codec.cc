#include "weft/store/snapshot_codec.h"

#include "weft/base/crc32c.h"
#include "weft/base/document_key.h"
#include "weft/store/little_endian.h"

namespace weft::store {
namespace {

constexpr char snapshot_version = 1;
constexpr std::size_t sum_at = 1;
constexpr std::size_t body_at = 5;
constexpr std::size_t head_bytes = body_at + 16;

}  // namespace

std::string snapshot_key(const base::DocumentId& document) {
  return 's' + base::document_key(document);
}

std::string encode_snapshot_head(std::string_view key, const Snapshot& snapshot) {
  std::string body;
  put_little_endian(body, snapshot.log.value);
  put_little_endian(body, snapshot.covered_end.value);
  const std::uint32_t sum = base::crc32c()
                                .add(base::as_bytes(key))
                                .add(base::as_bytes(body))
                                .add(snapshot.update.view())
                                .value();
  std::string out(1, snapshot_version);
  put_little_endian(out, sum);
  return out + body;
}

base::result<Snapshot> decode_snapshot(std::string_view key, const base::shared_bytes& value) {
  const base::byte_view bytes = value.view();
  if (bytes.size() < head_bytes) return base::fail(errc::corrupt, "snapshot: cut off");
  if (bytes[0] != snapshot_version) return base::fail(errc::corrupt, "snapshot: unknown version");
  const std::uint32_t sum =
      base::crc32c().add(base::as_bytes(key)).add(bytes.subspan(body_at)).value();
  if (sum != little_endian(bytes.subspan(sum_at, 4))) {
    return base::fail(errc::corrupt, "snapshot: checksum mismatch");
  }
  Snapshot out;
  out.log.value = little_endian(bytes.subspan(body_at, 8));
  out.covered_end.value = little_endian(bytes.subspan(body_at + 8, 8));
  out.update = value.slice(head_bytes, bytes.size() - head_bytes);
  return out;
}

}  // namespace weft::store
