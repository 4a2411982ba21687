#include "weft/yjs/structs.h"
#include "weft/yjs/utf.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

/// A string that must be UTF-8: Yjs decodes with a fatal TextDecoder.
std::uint64_t read_text(Reader& in) {
  const std::uint64_t units = utf16_length(in.bytes());
  if (units == invalid_text) in.fail(errc::corrupt);
  return units;
}

void read_json(Reader& in, bool& plain) {
  const base::byte_view text = in.bytes();
  if (!in.ok()) return;
  if (utf16_length(text) == invalid_text || !check_json(text, plain)) in.fail(errc::corrupt);
}

std::uint64_t read_json_list(Reader& in, bool& plain) {
  const std::uint64_t count = in.uint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Reader ahead = in;
    if (base::as_text(ahead.bytes()) == "undefined") {
      in = ahead;
    } else {
      read_json(in, plain);
    }
  }
  return count;
}

std::uint64_t read_any_list(Reader& in, bool& plain) {
  const std::uint64_t count = in.uint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) skip_any(in, plain);
  return count;
}

void read_type(Reader& in) {
  const std::uint64_t type = in.uint();
  if (type > xml_text_type) return in.fail(errc::corrupt);
  if (type_has_name(type)) read_text(in);
}

void read_doc(Reader& in, bool& plain) {
  read_text(in);
  skip_doc_options(in, plain);
}

/// The value of an Embed or Format. Unpacked values are as lib0 writes them already.
void read_value(Values values, Reader& in, bool& plain) {
  if (values == Values::json) return read_json(in, plain);
  bool canonical = true;
  skip_any(in, canonical);
}

/// Reads the content and returns its length in clocks.
std::uint64_t read_content(std::uint8_t ref, Values values, Reader& in, bool& plain) {
  switch (ref) {
    case deleted_ref:
      return in.uint();
    case json_ref:
      return read_json_list(in, plain);
    case binary_ref:
      in.bytes();
      return 1;
    case string_ref:
      return read_text(in);
    case embed_ref:
      read_value(values, in, plain);
      return 1;
    case format_ref:
      read_text(in);
      read_value(values, in, plain);
      return 1;
    case type_ref:
      read_type(in);
      return 1;
    case any_ref:
      return read_any_list(in, plain);
    case doc_ref:
      read_doc(in, plain);
      return 1;
    default:
      in.fail(errc::corrupt);
      return 0;
  }
}

Id read_id(Reader& in) {
  const client_id client = in.uint();
  return {client, in.uint()};
}

}  // namespace

bool StructReader::next_section() {
  if (sections_left_ == 0 || !in_.ok()) return false;
  --sections_left_;
  structs_left_ = in_.uint();
  const client_id before = client_;
  client_ = in_.uint();
  falling_clients_ = falling_clients_ && client_ < before;
  clock_ = in_.uint();
  return in_.ok();
}

bool StructReader::next(Struct& out) {
  while (structs_left_ == 0) {
    if (!next_section()) return false;
  }
  --structs_left_;
  in_.clear_padded();
  out.begin = in_.pos();
  out.client = client_;
  out.clock = clock_;
  out.plain = true;
  const std::uint8_t info = in_.byte();
  if (info == skip_ref || (info & ref_bits) == gc_ref) {
    out.info = info & ref_bits;
    out.content = in_.pos();
    out.length = in_.uint();
  } else {
    read_item(info, out);
  }
  out.end = in_.pos();
  if (in_.padded()) out.plain = false;
  if (out.length > max_safe_integer - clock_) in_.fail(errc::too_large);
  clock_ += out.length;
  return in_.ok();
}

void StructReader::read_item(std::uint8_t info, Struct& out) {
  out.info = info;
  out.parent_is_id = false;
  if (out.has_origin()) out.origin = read_id(in_);
  if (out.has_right_origin()) out.right_origin = read_id(in_);
  if (out.has_origin() || out.has_right_origin()) {
    out.info = static_cast<std::uint8_t>(info & ~parent_sub_bit);
  } else {
    const std::uint64_t named = in_.uint();
    if (named > 1) out.plain = false;
    if (named == 1) {
      read_text(in_);
    } else {
      out.parent_is_id = true;
      out.parent = read_id(in_);
    }
    if ((info & parent_sub_bit) != 0) read_text(in_);
  }
  out.content = in_.pos();
  out.length = read_content(info & ref_bits, values_, in_, out.plain);
}

}  // namespace weft::yjs
