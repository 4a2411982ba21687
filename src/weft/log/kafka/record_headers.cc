#include "weft/log/kafka/record_headers.h"

#include <utility>

#include "weft/base/document_key.h"
#include "weft/log/record_codec.h"
#include "weft/log/varint.h"

namespace weft::log::kafka {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t flag_copy = 1;

std::optional<Source> decode_source(base::byte_view bytes) {
  Reader reader(bytes);
  const auto version = reader.little_endian<std::uint8_t>();
  if (!version || *version != format_version) return std::nullopt;
  const auto log = reader.little_endian<std::uint64_t>();
  const auto writer = log ? reader.little_endian<std::uint64_t>() : std::nullopt;
  const auto serial = writer ? reader.little_endian<std::uint64_t>() : std::nullopt;
  if (!serial || !reader.rest().empty()) return std::nullopt;
  return Source{{*log}, *writer, *serial};
}

std::optional<Marker> decode_marker(base::byte_view bytes) {
  Reader reader(bytes);
  const auto version = reader.little_endian<std::uint8_t>();
  if (!version || *version != format_version) return std::nullopt;
  const auto flags = reader.little_endian<std::uint8_t>();
  if (!flags || (*flags & ~flag_copy) != 0) return std::nullopt;
  const auto log = reader.little_endian<std::uint64_t>();
  const auto partitions = log ? reader.little_endian<std::uint32_t>() : std::nullopt;
  if (!partitions || !reader.rest().empty()) return std::nullopt;
  if (*log == 0 || *partitions == 0 || *partitions > 0x7fffffff) return std::nullopt;
  return Marker{{*log}, static_cast<std::int32_t>(*partitions), *flags == flag_copy};
}

}  // namespace

std::string encode_record(const Record& record) {
  std::string out;
  encode_record_head(record, out);
  return out;
}

std::string encode_source(const Source& source) {
  std::string out(1, static_cast<char>(format_version));
  put_little_endian(out, source.log.value);
  put_little_endian(out, source.writer);
  put_little_endian(out, source.serial);
  return out;
}

std::string encode_marker(const Marker& marker) {
  std::string out(1, static_cast<char>(format_version));
  out.push_back(static_cast<char>(marker.copy ? flag_copy : 0));
  put_little_endian(out, marker.log.value);
  put_little_endian(out, static_cast<std::uint32_t>(marker.partitions));
  return out;
}

std::optional<base::byte_view> find_header(std::span<const Header> headers, std::string_view name) {
  std::optional<base::byte_view> found;
  for (const Header& header : headers) {
    if (header.name != name) continue;
    if (found) return std::nullopt;
    found = header.value;
  }
  return found;
}

Decoded decode_headers(std::span<const Header> headers) {
  std::optional<base::byte_view> record, document, source, marker;
  bool twice = false;
  for (const Header& header : headers) {
    auto* const known = header.name == record_header     ? &record
                        : header.name == document_header ? &document
                        : header.name == source_header   ? &source
                        : header.name == marker_header   ? &marker
                                                         : nullptr;
    if (known == nullptr) continue;
    twice = twice || known->has_value();
    *known = header.value;
  }
  if (!record && !document && !source && !marker) return Foreign{};
  if (marker) {
    auto decoded = decode_marker(*marker);
    if (!decoded || twice || record || document || source) return Damaged{{}, "no valid marker"};
    return *decoded;
  }
  std::optional<base::DocumentId> of;
  if (find_header(headers, document_header)) {
    of = base::parse_document_key(base::as_text(*document));
  }
  if (twice) return Damaged{std::move(of), "a header comes twice"};
  if (!of) return Damaged{{}, "it names no document"};
  if (!record || !source) return Damaged{std::move(of), "a header is missing"};
  auto head = decode_record_head(*record);
  if (!head) return Damaged{std::move(of), std::move(head.error().message)};
  const auto where = decode_source(*source);
  if (!where) return Damaged{std::move(of), "no valid source"};
  return DocumentRecord{std::move(*of), std::move(*head), *where};
}

}  // namespace weft::log::kafka
