#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/errc_category.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"

/// The byte form of a message: `[metadataLength: uint16 little-endian][metadata JSON][payload]`.
/// The payload is a y-protocols message. Source: docs/protocols.md, "Envelope".
namespace weft::protocol {

enum class errc {
  truncated = 1,  ///< shorter than its own length field says
  corrupt,        ///< the metadata is not the JSON it must be
  too_large,      ///< more metadata than an envelope can hold
};
const char* describe(errc code);
std::error_code make_error_code(errc code);

enum class Channel : std::uint8_t { doc, awareness, control };
std::string_view channel_name(Channel channel);

/// What the metadata of an envelope says.
struct Metadata {
  base::DocumentId document;
  Channel channel = Channel::doc;
  std::optional<std::uint64_t> version;  ///< that the sender had
  std::optional<std::string> sender_id;
  std::optional<std::int64_t> timestamp_ms;  ///< the sender's clock; for people only

  bool operator==(const Metadata&) const = default;
};

inline constexpr std::size_t metadata_bytes_max = 65'535;

/// An envelope cut into its parts; both views point into the input.
struct EnvelopeView {
  base::byte_view metadata;  ///< JSON text, at most 65,535 bytes
  base::byte_view payload;
};

/// Cuts an envelope without reading its metadata. Errors: truncated.
base::result<EnvelopeView> split_envelope(base::byte_view envelope);

/// Reads the metadata strictly: every field must have its type, required fields must be there,
/// unknown keys are allowed. Errors: corrupt.
base::result<Metadata> decode_metadata(base::byte_view json);

/// `"roomId":…,"docId":…` and, where there is one, `"subdocId":…`: members of a JSON object.
std::string document_members(const base::DocumentId& document);

/// Writes an envelope around the metadata of another one, as EnvelopeWriter::write does.
template <typename Fill>
base::shared_bytes write_envelope(base::byte_view metadata, std::size_t payload_bytes,
                                  Fill&& fill) {
  WEFT_CHECK(metadata.size() <= metadata_bytes_max);
  return base::shared_bytes::build(2 + metadata.size() + payload_bytes, [&](std::uint8_t* out) {
    out[0] = static_cast<std::uint8_t>(metadata.size() & 0xff);
    out[1] = static_cast<std::uint8_t>(metadata.size() >> 8);
    std::memcpy(out + 2, metadata.data(), metadata.size());
    fill(out + 2 + metadata.size());
  });
}

/// Writes envelopes for one sender in one document: all that does not change from message to
/// message is encoded once.
class EnvelopeWriter {
 public:
  /// The fields must fit 65,535 bytes as JSON; document and sender names are far smaller.
  EnvelopeWriter(const base::DocumentId& document, Channel channel, std::string_view sender_id);

  /// Allocates one buffer for the envelope of a payload of `payload_bytes` and lets
  /// `fill(std::uint8_t*)` write the payload in place.
  template <typename Fill>
  base::shared_bytes write(std::int64_t timestamp_ms, std::size_t payload_bytes,
                           Fill&& fill) const {
    const std::string tail = std::to_string(timestamp_ms) + "}";
    const std::size_t metadata_bytes = prefix_.size() + tail.size();
    return base::shared_bytes::build(2 + metadata_bytes + payload_bytes, [&](std::uint8_t* out) {
      out[0] = static_cast<std::uint8_t>(metadata_bytes & 0xff);
      out[1] = static_cast<std::uint8_t>(metadata_bytes >> 8);
      std::memcpy(out + 2, prefix_.data(), prefix_.size());
      std::memcpy(out + 2 + prefix_.size(), tail.data(), tail.size());
      fill(out + 2 + metadata_bytes);
    });
  }

 private:
  std::string prefix_;  ///< `{"roomId":…,"timestamp":`
};

}  // namespace weft::protocol

template <>
struct std::is_error_code_enum<weft::protocol::errc> : std::true_type {};
