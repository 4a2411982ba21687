#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/log/op_log.h"

/// What the headers of a Kafka record say. Source: docs/formats/kafka_record.md.
namespace weft::log::kafka {

inline constexpr std::string_view record_header = "weft-record";
inline constexpr std::string_view document_header = "weft-document";
inline constexpr std::string_view source_header = "weft-source";
inline constexpr std::string_view marker_header = "weft-log";

/// One header as a client library gives it: views into what it holds.
struct Header {
  std::string_view name;
  base::byte_view value;
};

/// Where a record was written: names it once and for all, however often it was sent.
struct Source {
  base::log_identity log;    ///< the topic as its writer knew it
  std::uint64_t writer = 0;  ///< one run of a node
  std::uint64_t serial = 0;  ///< of that writer's records
  bool operator==(const Source&) const = default;
};

/// The record that gives a topic its identity.
struct Marker {
  base::log_identity log;       ///< never 0
  std::int32_t partitions = 0;  ///< over how many keys are spread, 1 or more; never changes
  bool copy = false;            ///< repeats an earlier one that is about to be trimmed
  bool operator==(const Marker&) const = default;
};

/// A record of a document; its envelope is the Kafka record's value.
struct DocumentRecord {
  base::DocumentId document;
  Record record;
  Source source;
};

/// Not written by Weft, or by a later version of it for another purpose: passed over.
struct Foreign {};

/// Weft's, but not what Weft writes. `document` is set when that much can be told.
struct Damaged {
  std::optional<base::DocumentId> document;
  std::string why;
};

using Decoded = std::variant<Foreign, Marker, DocumentRecord, Damaged>;

std::string encode_record(const Record& record);
std::string encode_source(const Source& source);
std::string encode_marker(const Marker& marker);

/// Reads headers that may be anything. Of each name that it knows there must be one at most;
/// others do not matter. Accepts exactly what the functions above and base::document_key produce.
Decoded decode_headers(std::span<const Header> headers);

/// The raw value of the header of that name, when there is exactly one: for telling a document's
/// records from others without decoding them. Where decode_headers names a document it is this one.
std::optional<base::byte_view> find_header(std::span<const Header> headers, std::string_view name);

}  // namespace weft::log::kafka
