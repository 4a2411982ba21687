#include "weft/yjs/update_v2_writer.h"

#include "weft/yjs/value.h"

namespace weft::yjs {

void UpdateV2Writer::flush() {
  if (structs_ == 0) return;
  sections_.uint(structs_);
  sections_.uint(clock_);
  sections_.raw(section_.view());
  section_.clear();
  structs_ = 0;
  ++section_count_;
}

void UpdateV2Writer::add(const Struct& s) {
  if (client_ != s.client) flush();
  if (structs_ == 0) {
    client_ = s.client;
    clock_ = s.clock;
    clients_.put(s.client);
  }
  ++structs_;
  if (s.is_skip()) {
    infos_.put(skip_ref);
    return section_.uint(s.length);
  }
  if (s.is_gc()) {
    infos_.put(gc_ref);
    return lengths_.put(s.length);
  }
  // Unpacked structs have the info byte that is to be written: a cut item keeps its parent-sub bit.
  infos_.put(values_ == Values::any ? *s.begin : s.info);
  put_origins(s);
  // JSON becomes an `any` from the very text: written again, it has lost the sign of zero.
  const bool has_value = s.ref() == embed_ref || s.ref() == format_ref;
  if (s.plain || has_value) return put_content(s, Reader({s.content, s.end}));
  scratch_.clear();
  ContentCursor(s).write(scratch_, 0, s.length);
  put_content(s, Reader(scratch_.view()));
}

void UpdateV2Writer::put_id(Id id, DiffColumnWriter& clocks) {
  clients_.put(id.client);
  clocks.put(id.clock);
}

void UpdateV2Writer::put_origins(const Struct& item) {
  if (item.has_origin()) put_id(item.origin, left_clocks_);
  if (item.has_right_origin()) put_id(item.right_origin, right_clocks_);
  if (item.has_origin() || item.has_right_origin()) return;
  Reader in({item.begin + 1, item.content});
  in.uint();
  parent_infos_.put(item.parent_is_id ? 0 : 1);
  if (item.parent_is_id) {
    in.uint();
    in.uint();
    put_id(item.parent, left_clocks_);
  } else {
    texts_.put(in.bytes());
  }
  if ((item.info & parent_sub_bit) != 0) texts_.put(in.bytes());
}

void UpdateV2Writer::put_key(base::byte_view key) {
  // Yjs has never put a key into the table it keeps for repeated ones: each is written.
  key_clocks_.put(keys_++);
  texts_.put(key);
}

void UpdateV2Writer::put_value(Reader& in) {
  if (values_ == Values::json) return json_to_any(in.bytes(), section_);
  section_.raw(in.pos(), in.end());
}

void UpdateV2Writer::put_content(const Struct& item, Reader in) {
  switch (item.ref()) {
    case deleted_ref:
      return lengths_.put(item.length);
    case json_ref:
      lengths_.put(in.uint());
      for (std::uint64_t i = 0; i < item.length; ++i) texts_.put(in.bytes());
      return;
    case binary_ref:
      return section_.bytes(in.bytes());
    case string_ref:
      return texts_.put(in.bytes(), item.length);
    case embed_ref:
      return put_value(in);
    case format_ref:
      put_key(in.bytes());
      return put_value(in);
    case type_ref:
      type_refs_.put(in.uint());
      if (in.left() != 0) put_key(in.bytes());
      return;
    case any_ref:
      lengths_.put(in.uint());
      return section_.raw(in.pos(), in.end());
    default:
      texts_.put(in.bytes());
      section_.raw(in.pos(), in.end());
  }
}

base::byte_vector UpdateV2Writer::finish(deletion_list& deletions) {
  flush();
  Writer out;
  out.uint(0);  // feature flags
  out.bytes(key_clocks_.finish());
  out.bytes(clients_.finish());
  out.bytes(left_clocks_.finish());
  out.bytes(right_clocks_.finish());
  out.bytes(infos_.view());
  scratch_.clear();
  texts_.finish(scratch_);
  out.bytes(scratch_.view());
  out.bytes(parent_infos_.view());
  out.bytes(type_refs_.finish());
  out.bytes(lengths_.finish());
  out.uint(section_count_);
  out.raw(sections_.view());
  write_deletions_v2(deletions, out);
  return out.take();
}

}  // namespace weft::yjs
