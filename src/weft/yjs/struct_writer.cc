#include <algorithm>

#include "weft/yjs/structs.h"
#include "weft/yjs/utf.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

void write_id(Id id, Writer& out) {
  out.uint(id.client);
  out.uint(id.clock);
}

void write_json_text(base::byte_view text, Writer& out) {
  Writer scratch;
  if (base::as_text(text) == "undefined") {
    scratch.raw(text);
  } else {
    write_json(text, scratch);
  }
  out.bytes(scratch.view());
}

/// The parent information between the origins and the content, for structs that are not plain.
void rewrite_parent(const Struct& item, Writer& out) {
  Reader in({item.begin + 1, item.content});
  const bool named = in.uint() == 1;
  out.byte(named ? 1 : 0);
  if (named) {
    out.bytes(in.bytes());
  } else {
    in.uint();
    in.uint();
    write_id(item.parent, out);
  }
  if ((item.info & parent_sub_bit) != 0) out.bytes(in.bytes());
}

}  // namespace

void ContentCursor::restart() {
  unit_ = 0;
  inside_pair_ = false;
  Reader in({item_->content, item_->end});
  const std::uint8_t ref = item_->ref();
  if (ref == string_ref) {
    const base::byte_view text = in.bytes();
    at_ = text.data();
    text_end_ = text.data() + text.size();
  } else if (ref == json_ref || ref == any_ref) {
    in.uint();
    at_ = in.pos();
  }
}

void ContentCursor::move_to(std::uint64_t unit) {
  if (unit < unit_) restart();
  std::uint64_t count = unit - unit_;
  unit_ = unit;
  if (item_->ref() == string_ref) {
    if (count == 0) return;
    if (inside_pair_) {
      at_ += 4;
      --count;
    }
    const TextPosition found = find_utf16({at_, text_end_}, count);
    at_ += found.byte;
    inside_pair_ = found.inside_pair;
    return;
  }
  Reader in({at_, item_->end});
  bool plain = true;
  for (; count > 0; --count) {
    if (item_->ref() == json_ref) {
      in.bytes();
    } else {
      skip_any(in, plain);
    }
  }
  at_ = in.pos();
}

TextPart ContentCursor::text_part(std::uint64_t from, std::uint64_t to) {
  TextPart part;
  move_to(from);
  part.lead = inside_pair_;
  part.begin = inside_pair_ ? at_ + 4 : at_;
  move_to(to);
  part.tail = inside_pair_;
  part.end = at_;
  return part;
}

void ContentCursor::append(Writer& out, std::uint64_t from, std::uint64_t to) {
  if (item_->ref() == string_ref) return write_text(text_part(from, to), out);
  move_to(from);
  const std::uint8_t* const begin = at_;
  if (item_->plain) {
    move_to(to);
    return out.raw(begin, at_);
  }
  Reader in({at_, item_->end});
  for (std::uint64_t i = from; i < to; ++i) {
    if (item_->ref() == json_ref) {
      write_json_text(in.bytes(), out);
    } else {
      rewrite_any(in, out);
    }
  }
  at_ = in.pos();
  unit_ = to;
}

void ContentCursor::write(Writer& out, std::uint64_t from, std::uint64_t to) {
  switch (item_->ref()) {
    case deleted_ref:
      return out.uint(to - from);
    case string_ref: {
      const TextPart part = text_part(from, to);
      out.uint(part.bytes());
      return write_text(part, out);
    }
    case json_ref:
    case any_ref:
      out.uint(to - from);
      return append(out, from, to);
    default:
      if (item_->plain) return out.raw(item_->content, item_->end);
      rewrite_whole(out);
  }
}

void ContentCursor::rewrite_whole(Writer& out) const {
  Reader in({item_->content, item_->end});
  switch (item_->ref()) {
    case binary_ref:
      return out.bytes(in.bytes());
    case embed_ref:
      return write_json_text(in.bytes(), out);
    case format_ref:
      out.bytes(in.bytes());
      return write_json_text(in.bytes(), out);
    case type_ref:
      out.uint(in.uint());
      if (in.left() != 0) out.bytes(in.bytes());
      return;
    default:
      out.bytes(in.bytes());
      rewrite_doc_options(in, out);
  }
}

std::uint64_t ContentCursor::fit(std::uint64_t from, std::size_t bytes_max) {
  move_to(from);
  if (item_->ref() == string_ref) {
    const auto left = static_cast<std::size_t>(text_end_ - at_);
    std::size_t bytes = std::min(std::max<std::size_t>(bytes_max, 4), left);
    while (bytes < left && (at_[bytes] & 0xc0) == 0x80) --bytes;
    // A cut inside a pair has left `at_` on the whole character.
    return utf16_length({at_, bytes}) - (inside_pair_ ? 1 : 0);
  }
  Reader in({at_, item_->end});
  bool plain = true;
  std::uint64_t count = 0;
  do {
    if (item_->ref() == json_ref) {
      in.bytes();
    } else {
      skip_any(in, plain);
    }
    ++count;
  } while (from + count < item_->length && static_cast<std::size_t>(in.pos() - at_) < bytes_max);
  return count;
}

void write_item_header(const Struct& item, std::uint64_t from, std::uint8_t ref, bool keep_sub,
                       Writer& out) {
  const auto flags = static_cast<std::uint8_t>(item.info & ~ref_bits);
  if (from == 0) {
    out.byte(flags | ref);
    if (item.plain) return out.raw(item.begin + 1, item.content);
    if (item.has_origin()) write_id(item.origin, out);
    if (item.has_right_origin()) write_id(item.right_origin, out);
    if (!item.has_origin() && !item.has_right_origin()) rewrite_parent(item, out);
    return;
  }
  const auto kept = static_cast<std::uint8_t>(
      flags & (keep_sub ? right_origin_bit | parent_sub_bit : +right_origin_bit));
  out.byte(kept | origin_bit | ref);
  write_id({item.client, item.clock + from - 1}, out);
  if (item.has_right_origin()) write_id(item.right_origin, out);
}

void write_struct(const Struct& s, std::uint64_t from, Writer& out) {
  if (!s.is_item()) {
    out.byte(s.ref());
    return out.uint(s.length - from);
  }
  if (from == 0 && s.plain) {
    out.byte(s.info);
    return out.raw(s.begin + 1, s.end);
  }
  write_item_header(s, from, s.ref(), true, out);
  ContentCursor(s).write(out, from, s.length);
}

void write_part(const Struct& s, std::uint64_t from, std::uint64_t to, ContentCursor& cursor,
                Writer& out) {
  if (!s.is_item()) {
    out.byte(s.ref());
    return out.uint(to - from);
  }
  if (from == 0 && to == s.length && s.plain) {
    out.byte(s.info);
    return out.raw(s.begin + 1, s.end);
  }
  write_item_header(s, from, s.ref(), false, out);
  cursor.write(out, from, to);
}

Writer& SectionWriter::next_after_gap(client_id client, clock_value clock) {
  if (written_ != 0 && client_ == client && end_ < clock) {
    Writer& out = next(client, end_);
    out.byte(skip_ref);
    out.uint(clock - end_);
  }
  return next(client, clock);
}

void SectionWriter::flush() {
  if (written_ == 0) return;
  body_.uint(written_);
  body_.uint(client_);
  body_.uint(clock_);
  body_.raw(section_.view());
  section_.clear();
  written_ = 0;
  ++sections_;
}

void SectionWriter::finish(Writer& out) {
  flush();
  out.reserve(body_.size() + 64);
  out.uint(sections_);
  out.raw(body_.view());
}

}  // namespace weft::yjs
