#include "weft/yjs/update_v2.h"

#include "weft/yjs/packing.h"
#include "weft/yjs/state_vector.h"
#include "weft/yjs/update_v2_reader.h"

namespace weft::yjs {
namespace {

/// Reads all structs and calls `each(clock)` behind each of them; nothing is kept.
template <typename Each>
errc visit(UpdateV2Reader& reader, std::size_t v1_bytes_max, Each&& each) {
  Writer bytes;
  std::size_t total = 0;
  while (reader.advance()) {
    const clock_value clock = reader.clock();
    bytes.clear();
    reader.read(bytes);
    total += bytes.size();
    if (total > v1_bytes_max) return errc::over_limit;
    if (reader.ok()) each(clock);
  }
  return reader.code();
}

}  // namespace

result<void> validate_v2(byte_view update, std::size_t v1_bytes_max) {
  UpdateV2Reader reader(update, Values::any);
  errc code = visit(reader, v1_bytes_max, [](clock_value) {});
  if (code == errc{}) {
    reader.read_deletions([](client_id, clock_range) {});
    code = reader.code();
  }
  if (code != errc{}) return decode_failure(code);
  return {};
}

result<byte_vector> v1_to_v2(byte_view update) { return pack(update, Values::json); }

result<byte_vector> v2_to_v1(byte_view update, std::size_t v1_bytes_max) {
  return unpack(update, Values::json, Sections::joined, v1_bytes_max);
}

result<byte_vector> state_vector_of_v2(byte_view update, std::size_t v1_bytes_max) {
  UpdateV2Reader reader(update, Values::any);
  StateVectorBuilder builder;
  const errc code = visit(reader, v1_bytes_max, [&](clock_value clock) {
    builder.add(reader.client(), clock, reader.length(), reader.is_skip());
  });
  if (code != errc{}) return decode_failure(code);
  return builder.finish();
}

result<byte_vector> merge_v2(std::span<const byte_view> updates, std::size_t v1_bytes_max) {
  if (updates.size() == 1) {
    const auto valid = validate_v2(updates[0], v1_bytes_max);
    if (!valid) return std::unexpected(valid.error());
    return byte_vector(updates[0].begin(), updates[0].end());
  }
  std::vector<byte_vector> unpacked;
  for (const byte_view update : updates) {
    auto one = unpack(update, Values::any, Sections::kept, v1_bytes_max);
    if (!one) return one;
    v1_bytes_max -= one->size();
    unpacked.push_back(std::move(*one));
  }
  const auto merged = merge_unpacked(std::vector<byte_view>(unpacked.begin(), unpacked.end()));
  if (!merged) return merged;
  return pack(*merged, Values::any);
}

result<byte_vector> diff_v2(byte_view update, byte_view state_vector, std::size_t v1_bytes_max) {
  const auto unpacked = unpack(update, Values::any, Sections::kept, v1_bytes_max);
  if (!unpacked) return unpacked;
  const auto rest = diff_unpacked(*unpacked, state_vector);
  if (!rest) return rest;
  return pack(*rest, Values::any);
}

}  // namespace weft::yjs
