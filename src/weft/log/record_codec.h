#pragma once

#include <cstddef>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/log/op_log.h"

namespace weft::log {

inline constexpr std::size_t envelope_bytes_min = 2;
inline constexpr std::size_t identity_bytes_max = 4096;

/// Appends everything that precedes the envelope in the record's byte form. The envelope follows
/// it verbatim, so that a writer can hand both to the disk without joining them first.
/// Shape:  identity of at most identity_bytes_max bytes, envelope of at least envelope_bytes_min.
/// Source: docs/formats/log_record.md, section 2.
void encode_record_head(const Record& record, std::string& out);

/// Reads what encode_record_head wrote and nothing behind it; the record's envelope stays empty.
/// Errors: corrupt.
base::result<Record> decode_record_head(base::byte_view bytes);

/// Reads one record that fills `bytes` exactly; its envelope shares their allocation.
/// Accepts exactly what encode_record_head and an envelope produce.
/// Errors: corrupt.
base::result<Record> decode_record(const base::shared_bytes& bytes);

}  // namespace weft::log
