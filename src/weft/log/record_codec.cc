#include "weft/log/record_codec.h"

#include "weft/log/varint.h"

namespace weft::log {
namespace {

constexpr std::uint8_t record_version = 1;

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::unexpected<base::error> corrupt(const char* what) {
  return base::fail(errc::corrupt, std::string("log record: ") + what);
}

base::result<Record> read_head(Reader& reader) {
  const auto version = reader.little_endian<std::uint8_t>();
  if (!version) return corrupt("empty");
  if (*version != record_version) return corrupt("unknown version");
  const auto actor = reader.little_endian<std::uint64_t>();
  const auto seq = actor ? reader.varint() : std::nullopt;
  const auto received = seq ? reader.varint() : std::nullopt;
  const auto identity_size = received ? reader.varint() : std::nullopt;
  if (!identity_size) return corrupt("bad header");
  if (*identity_size > identity_bytes_max) return corrupt("identity too long");
  const auto identity = reader.take(*identity_size);
  if (!identity) return corrupt("identity cut off");
  Record out;
  out.operation = {*actor, *seq};
  out.received_at_ms = unzigzag(*received);
  out.identity = base::as_text(*identity);
  return out;
}

}  // namespace

void encode_record_head(const Record& record, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  put_little_endian(out, record.operation.actor);
  put_varint(out, record.operation.seq);
  put_varint(out, zigzag(record.received_at_ms));
  put_varint(out, record.identity.size());
  out.append(record.identity);
}

base::result<Record> decode_record_head(base::byte_view bytes) {
  Reader reader(bytes);
  auto out = read_head(reader);
  if (out && !reader.rest().empty()) return corrupt("more than a head");
  return out;
}

base::result<Record> decode_record(const base::shared_bytes& bytes) {
  Reader reader(bytes.view());
  auto out = read_head(reader);
  if (!out) return out;
  const std::size_t envelope_size = reader.rest().size();
  if (envelope_size < envelope_bytes_min) return corrupt("envelope cut off");
  out->envelope = bytes.slice(bytes.size() - envelope_size, envelope_size);
  return out;
}

}  // namespace weft::log
