#pragma once

#include <vector>

#include "weft/yjs/lib0.h"

/// The two ways an update carries application values: JSON text and lib0's `any`.
///
/// Yjs decodes values and encodes them again whenever it merges. Bytes that it would write in the
/// same way ("plain") are copied; others are rewritten as JSON.stringify and lib0 would.
namespace weft::yjs {

/// Deepest nesting of arrays and objects that is read. Yjs' limit is its stack, some thousands.
inline constexpr unsigned value_depth_max = 1000;

/// The first byte of an `any`.
enum any_tag : std::uint8_t {
  bytes_tag = 116,
  array_tag,
  object_tag,
  string_tag,
  true_tag,
  false_tag,
  bigint_tag,
  float64_tag,
  float32_tag,
  integer_tag,
  null_tag,
  undefined_tag,
};

/// Is `text` what JSON.parse accepts? `plain` is cleared when JSON.stringify might write the value
/// differently. `text` must be well-formed UTF-8.
bool check_json(base::byte_view text, bool& plain);

/// Appends JSON.stringify(JSON.parse(text)); `text` must have passed check_json.
void write_json(base::byte_view text, Writer& out);

/// Appends what lib0 writes for JSON.parse(text); `text` must have passed check_json.
void json_to_any(base::byte_view text, Writer& out);

/// Skips one `any`; failures stick to `in`. `plain` as above.
void skip_any(Reader& in, bool& plain);

/// Reads one `any` that skip_any accepts and appends it as lib0 writes it.
void rewrite_any(Reader& in, Writer& out);

/// The same, but with the properties of objects in the order of their keys' bytes.
void sort_any(Reader& in, Writer& out);

/// Reads one `any` that skip_any accepts and appends JSON.stringify of it. False where JavaScript
/// has no text for it: undefined, and what holds a bigint.
bool any_to_json(Reader& in, Writer& out);

/// Reads the number behind an integer, float32 or float64 tag; failures stick to `in`.
double read_any_number(Reader& in, std::uint8_t tag);

/// Appends a number, tag included, as lib0 writes it.
void write_any_number(double value, Writer& out);

/// Skips the options of a subdocument; failures stick to `in`, `plain` as above. Yjs reads
/// properties of the options and so refuses null and undefined.
void skip_doc_options(Reader& in, bool& plain);

/// Reads options that skip_doc_options accepts and appends those that Yjs derives from them: of
/// an object only gc, autoLoad and meta.
void rewrite_doc_options(Reader& in, Writer& out);

/// One property of an object while it is put into JavaScript's order.
struct Property {
  std::uint32_t key_begin, key_end;      ///< of the comparable key, in an arena
  std::uint32_t value_begin, value_end;  ///< of the encoded property, in the arena
};

/// True when JavaScript treats the key as an array index, which it orders before other keys.
bool is_array_index(std::string_view key, std::uint32_t& index);

/// Sorts properties as Object.keys lists them: array indexes ascending, then by first appearance;
/// of equal keys the last value, in the place of the first.
void order_properties(const Writer& arena, std::vector<Property>& properties);

}  // namespace weft::yjs
