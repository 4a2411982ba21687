#include "weft/store/rocksdb/snapshot_codec.h"

#include "weft/base/crc32c.h"

namespace weft::store::rocks {
namespace {

constexpr char snapshot_version = 1;
constexpr std::size_t sum_at = 1;
constexpr std::size_t body_at = 5;
constexpr std::size_t head_bytes = body_at + 16;

template <typename Unsigned>
void put(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

std::uint64_t get(base::byte_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

}  // namespace

std::string encode_snapshot_head(std::string_view key, const Snapshot& snapshot) {
  std::string body;
  put(body, snapshot.log.value);
  put(body, snapshot.covered_end.value);
  const std::uint32_t sum = base::crc32c()
                                .add(base::as_bytes(key))
                                .add(base::as_bytes(body))
                                .add(snapshot.update.view())
                                .value();
  std::string out(1, snapshot_version);
  put(out, sum);
  return out + body;
}

base::result<Snapshot> decode_snapshot(std::string_view key, const base::shared_bytes& value) {
  const base::byte_view bytes = value.view();
  if (bytes.size() < head_bytes) return base::fail(errc::corrupt, "snapshot: cut off");
  if (bytes[0] != snapshot_version) return base::fail(errc::corrupt, "snapshot: unknown version");
  const std::uint32_t sum =
      base::crc32c().add(base::as_bytes(key)).add(bytes.subspan(body_at)).value();
  if (sum != get(bytes, sum_at, 4)) return base::fail(errc::corrupt, "snapshot: checksum mismatch");
  Snapshot out;
  out.log.value = get(bytes, body_at, 8);
  out.covered_end.value = get(bytes, body_at + 8, 8);
  out.update = value.slice(head_bytes, bytes.size() - head_bytes);
  return out;
}

}  // namespace weft::store::rocks
