#include "weft/store/filesystem/file_codec.h"

#include "weft/base/crc32c.h"
#include "weft/base/document_key.h"
#include "weft/store/little_endian.h"
#include "weft/store/snapshot_codec.h"

namespace weft::store::filesystem {
namespace {

constexpr std::string_view snapshot_magic = "weftsnap";
constexpr std::string_view blob_magic = "weftblob";
constexpr std::size_t name_at = 12;
constexpr std::size_t sum_bytes = 4;

std::string encode_head(std::string_view magic, std::string_view name) {
  std::string out(magic);
  put_little_endian(out, static_cast<std::uint32_t>(name.size()));
  out += name;
  return out;
}

/// The name in a file's head.
std::optional<std::string_view> name_in(std::string_view magic, base::byte_view bytes) {
  if (bytes.size() < name_at || !base::as_text(bytes).starts_with(magic)) return std::nullopt;
  const std::uint64_t size = little_endian(bytes.subspan(magic.size(), 4));
  if (bytes.size() - name_at < size) return std::nullopt;
  return base::as_text(bytes).substr(name_at, size);
}

/// What follows the head, if the file is that of `name`.
base::result<base::shared_bytes> behind_name(std::string_view magic, std::string_view name,
                                             const base::shared_bytes& bytes) {
  const auto found = name_in(magic, bytes);
  if (!found) return base::fail(errc::corrupt, std::string(magic) + " file: cut off, or another");
  if (*found != name) {
    return base::fail(errc::corrupt, std::string(magic) + " file: has another's name in it");
  }
  const std::size_t head_bytes = name_at + name.size();
  return bytes.slice(head_bytes, bytes.size() - head_bytes);
}

std::uint32_t blob_sum(std::string_view location, base::byte_view content) {
  return base::crc32c().add(base::as_bytes(location)).add(content).value();
}

}  // namespace

std::string encode_snapshot_file_head(const base::DocumentId& document, const Snapshot& snapshot) {
  return encode_head(snapshot_magic, base::document_key(document)) +
         encode_snapshot_head(snapshot_key(document), snapshot);
}

std::optional<base::DocumentId> document_in_file(base::byte_view bytes) {
  const auto key = name_in(snapshot_magic, bytes);
  return key ? base::parse_document_key(*key) : std::nullopt;
}

base::result<Snapshot> decode_snapshot_file(const base::DocumentId& document,
                                            const base::shared_bytes& bytes) {
  const auto value = behind_name(snapshot_magic, base::document_key(document), bytes);
  if (!value) return base::fail(base::error(value.error()));
  return decode_snapshot(snapshot_key(document), *value);
}

std::size_t blob_overhead(std::string_view location) {
  return name_at + location.size() + sum_bytes;
}

std::string encode_blob_file_head(std::string_view location, base::byte_view content) {
  std::string out = encode_head(blob_magic, location);
  put_little_endian(out, blob_sum(location, content));
  return out;
}

std::optional<std::string_view> location_in_file(base::byte_view bytes) {
  return name_in(blob_magic, bytes);
}

base::result<base::shared_bytes> decode_blob_file(std::string_view location,
                                                  const base::shared_bytes& bytes) {
  const auto rest = behind_name(blob_magic, location, bytes);
  if (!rest) return base::fail(base::error(rest.error()));
  if (rest->size() < sum_bytes) return base::fail(errc::corrupt, "blob: cut off");
  auto content = rest->slice(sum_bytes, rest->size() - sum_bytes);
  if (blob_sum(location, content) != little_endian(rest->view().first(sum_bytes))) {
    return base::fail(errc::corrupt, "blob: checksum mismatch");
  }
  return content;
}

}  // namespace weft::store::filesystem
