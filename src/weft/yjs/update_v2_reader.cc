#include "weft/yjs/update_v2_reader.h"

#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

Reader behind_feature_flags(base::byte_view update) {
  Reader in(update);
  in.uint();  // Yjs gives them no meaning yet
  return in;
}

}  // namespace

UpdateV2Reader::UpdateV2Reader(base::byte_view update, Values values)
    : UpdateV2Reader(behind_feature_flags(update), values) {}

UpdateV2Reader::UpdateV2Reader(Reader in, Values values)
    : values_(values),
      key_clocks_(in.bytes(), failure_),
      clients_(in.bytes(), failure_),
      left_clocks_(in.bytes(), failure_),
      right_clocks_(in.bytes(), failure_),
      infos_(in.bytes(), failure_),
      texts_(in.bytes(), failure_),
      parent_infos_(in.bytes(), failure_),
      type_refs_(in.bytes(), failure_),
      lengths_(in.bytes(), failure_),
      rest_(in) {
  sections_left_ = rest_.uint();
}

bool UpdateV2Reader::advance() {
  section_begins_ = false;
  while (structs_left_ == 0) {
    if (sections_left_ == 0 || !ok()) return false;
    --sections_left_;
    structs_left_ = rest_.uint();
    client_ = clients_.next();
    clock_ = rest_.uint();
    section_begins_ = true;
  }
  if (!ok()) return false;
  --structs_left_;
  return true;
}

void UpdateV2Reader::read(Writer& out) {
  const std::uint8_t info = infos_.next();
  is_skip_ = info == skip_ref;
  if (is_skip_ || (info & ref_bits) == gc_ref) {
    length_ = is_skip_ ? rest_.uint() : lengths_.next();
    out.byte(is_skip_ ? skip_ref : gc_ref);
    out.uint(length_);
  } else {
    read_item(info, out);
  }
  if (length_ > max_safe_integer - clock_) return rest_.fail(errc::too_large);
  clock_ += length_;
}

void UpdateV2Reader::read_item(std::uint8_t info, Writer& out) {
  const bool has_origins = (info & (origin_bit | right_origin_bit)) != 0;
  out.byte(has_origins ? static_cast<std::uint8_t>(info & ~parent_sub_bit) : info);
  if ((info & origin_bit) != 0) read_id(left_clocks_, out);
  if ((info & right_origin_bit) != 0) read_id(right_clocks_, out);
  if (!has_origins) {
    const bool named = parent_infos_.next() == 1;
    out.byte(named ? 1 : 0);
    if (named) {
      read_text(out);
    } else {
      read_id(left_clocks_, out);
    }
    if ((info & parent_sub_bit) != 0) read_text(out);
  }
  length_ = 1;
  read_content(info & ref_bits, out);
}

void UpdateV2Reader::read_id(DiffColumn& clocks, Writer& out) {
  out.uint(clients_.next());
  out.uint(clocks.next());
}

/// Returns the length in clocks.
std::uint64_t UpdateV2Reader::read_text(Writer& out) {
  std::uint64_t units = 0;
  const TextPart text = texts_.next(units);
  out.uint(text.bytes());
  write_text(text, out);
  return units;
}

void UpdateV2Reader::read_key(Writer& out) {
  const std::uint64_t clock = key_clocks_.next();
  std::uint64_t units = 0;
  if (clock >= keys_.size()) keys_.push_back(texts_.next(units));
  const TextPart& key = clock < keys_.size() ? keys_[clock] : keys_.back();
  out.uint(key.bytes());
  write_text(key, out);
}

void UpdateV2Reader::read_content(std::uint8_t ref, Writer& out) {
  switch (ref) {
    case deleted_ref:
      length_ = lengths_.next();
      return out.uint(length_);
    case json_ref:
      return read_json_list(out);
    case binary_ref:
      return out.bytes(rest_.bytes());
    case string_ref:
      length_ = read_text(out);
      return;
    case embed_ref:
      return read_value(out);
    case format_ref:
      read_key(out);
      return read_value(out);
    case type_ref:
      return read_type(out);
    case any_ref:
      length_ = lengths_.next();
      out.uint(length_);
      for (std::uint64_t i = 0; i < length_ && ok(); ++i) read_any(out);
      return;
    case doc_ref:
      read_text(out);
      return read_doc_options(out);
    default:
      rest_.fail(errc::corrupt);
  }
}

void UpdateV2Reader::read_json_list(Writer& out) {
  length_ = lengths_.next();
  out.uint(length_);
  for (std::uint64_t i = 0; i < length_ && ok(); ++i) {
    std::uint64_t units = 0;
    scratch_.clear();
    write_text(texts_.next(units), scratch_);
    bool plain = true;
    if (base::as_text(scratch_.view()) == "undefined") {
      out.bytes(scratch_.view());
    } else if (!check_json(scratch_.view(), plain)) {
      rest_.fail(errc::corrupt);
    } else if (plain) {
      out.bytes(scratch_.view());
    } else {
      Writer rewritten;
      write_json(scratch_.view(), rewritten);
      out.bytes(rewritten.view());
    }
  }
}

void UpdateV2Reader::read_type(Writer& out) {
  const std::uint64_t type = type_refs_.next();
  if (type > xml_text_type) return rest_.fail(errc::corrupt);
  out.uint(type);
  if (type_has_name(type)) read_key(out);
}

void UpdateV2Reader::read_any(Writer& out) {
  bool plain = true;
  const std::uint8_t* const begin = rest_.pos();
  rest_.clear_padded();
  skip_any(rest_, plain);
  if (!rest_.ok()) return;
  if (plain && !rest_.padded()) return out.raw(begin, rest_.pos());
  Reader again({begin, rest_.pos()});
  rewrite_any(again, out);
}

/// The value of an Embed or Format.
void UpdateV2Reader::read_value(Writer& out) {
  if (values_ == Values::any) return read_any(out);
  bool plain = true;
  const std::uint8_t* const begin = rest_.pos();
  skip_any(rest_, plain);
  if (!rest_.ok()) return;
  Reader again({begin, rest_.pos()});
  scratch_.clear();
  if (!any_to_json(again, scratch_)) return rest_.fail(errc::no_v1_form);
  out.bytes(scratch_.view());
}

void UpdateV2Reader::read_doc_options(Writer& out) {
  bool plain = true;
  const std::uint8_t* const begin = rest_.pos();
  skip_doc_options(rest_, plain);
  if (!rest_.ok()) return;
  Reader again({begin, rest_.pos()});
  rewrite_doc_options(again, out);
}

}  // namespace weft::yjs
