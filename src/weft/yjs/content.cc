#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "weft/yjs/indexed_reader.h"
#include "weft/yjs/structs.h"
#include "weft/yjs/update.h"
#include "weft/yjs/utf.h"
#include "weft/yjs/value.h"

namespace weft::yjs {
namespace {

/// A live item of the update under test; decoded again when something overlaps it.
struct LiveItem {
  client_id client = 0;
  clock_range range;
  byte_view bytes;
  clock_value reach = 0;  ///< the largest end of this and the client's items before it
};

/// Reads one UTF-16 code unit at a time.
class Utf16Reader {
 public:
  explicit Utf16Reader(byte_view text) : text_(text) {}

  bool done() const { return at_ == text_.size() && low_ == 0; }

  unsigned next() {
    if (low_ != 0) return std::exchange(low_, 0u);
    const unsigned lead = text_[at_];
    const unsigned length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned code = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; ++i) code = (code << 6) | (text_[at_ + i] & 0x3fu);
    at_ += length;
    if (code < 0x10000) return code;
    low_ = 0xdc00 + ((code - 0x10000) & 0x3ff);
    return 0xd800 + ((code - 0x10000) >> 10);
  }

 private:
  byte_view text_;
  std::size_t at_ = 0;
  unsigned low_ = 0;
};

/// Equal but for surrogate halves that a cut has replaced by U+FFFD on one side.
bool same_text(byte_view a, byte_view b) {
  constexpr unsigned replacement = 0xfffd;
  const auto is_half = [](unsigned unit) { return unit >= 0xd800 && unit <= 0xdfff; };
  Utf16Reader left(a);
  Utf16Reader right(b);
  while (!left.done() && !right.done()) {
    const unsigned x = left.next();
    const unsigned y = right.next();
    if (x == y || (x == replacement && is_half(y)) || (y == replacement && is_half(x))) continue;
    return false;
  }
  return left.done() && right.done();
}

/// Appends a JSON text as the value that it stands for.
void sort_json(byte_view text, Writer& out) {
  Writer any;
  json_to_any(text, any);
  Reader in(any.view());
  sort_any(in, out);
}

/// Appends what ContentCursor::write has written with the properties of its objects in one order;
/// false for content that has none.
bool sort_values(std::uint8_t ref, byte_view content, Writer& out) {
  Reader in(content);
  switch (ref) {
    case any_ref:
      for (std::uint64_t left = in.uint(); left > 0; --left) sort_any(in, out);
      return true;
    case embed_ref:
      sort_json(in.bytes(), out);
      return true;
    case format_ref:
      out.bytes(in.bytes());
      sort_json(in.bytes(), out);
      return true;
    case doc_ref:
      out.bytes(in.bytes());
      sort_any(in, out);
      return true;
    default:
      return false;
  }
}

std::optional<Id> origin_at(const Struct& item, std::uint64_t from) {
  if (from > 0) return Id{item.client, item.clock + from - 1};
  return item.has_origin() ? std::optional(item.origin) : std::nullopt;
}

class Comparer {
 public:
  /// Do two live items of one client say the same of the clocks they share?
  bool same(const Struct& a, ContentCursor& cursor_a, const Struct& b, ContentCursor& cursor_b) {
    const clock_value start = std::max(a.clock, b.clock);
    const clock_value end = std::min(a.clock_end(), b.clock_end());
    if (a.ref() != b.ref()) return false;
    if (origin_at(a, start - a.clock) != origin_at(b, start - b.clock)) return false;
    if (a.has_right_origin() != b.has_right_origin()) return false;
    if (a.has_right_origin() && a.right_origin != b.right_origin) return false;
    if (start == a.clock && start == b.clock && !same_header(a, b)) return false;
    left_.clear();
    right_.clear();
    if (a.ref() == string_ref) {
      cursor_a.append(left_, start - a.clock, end - a.clock);
      cursor_b.append(right_, start - b.clock, end - b.clock);
      return base::equal(left_.view(), right_.view()) || same_text(left_.view(), right_.view());
    }
    cursor_a.write(left_, start - a.clock, end - a.clock);
    cursor_b.write(right_, start - b.clock, end - b.clock);
    return base::equal(left_.view(), right_.view()) || same_values(a.ref());
  }

 private:
  /// yrs keeps objects in hash tables: it writes their properties in another order each time.
  bool same_values(std::uint8_t ref) {
    left_sorted_.clear();
    right_sorted_.clear();
    return sort_values(ref, left_.view(), left_sorted_) &&
           sort_values(ref, right_.view(), right_sorted_) &&
           base::equal(left_sorted_.view(), right_sorted_.view());
  }

  bool same_header(const Struct& a, const Struct& b) {
    left_.clear();
    right_.clear();
    write_item_header(a, 0, a.ref(), false, left_);
    write_item_header(b, 0, b.ref(), false, right_);
    return base::equal(left_.view(), right_.view());
  }

  Writer left_, right_;
  Writer left_sorted_, right_sorted_;
};

using live_items = std::deque<LiveItem>;

errc collect_live(byte_view update, live_items& out) {
  StructReader reader(update);
  Struct s;
  while (reader.next(s)) {
    if (s.is_live() && s.length != 0) {
      out.push_back({s.client, {s.clock, s.clock_end()}, {s.begin, s.end}, 0});
    }
  }
  if (reader.in().ok()) read_deletions(reader.in(), [](client_id, clock_range) {});
  std::sort(out.begin(), out.end(), [](const LiveItem& a, const LiveItem& b) {
    if (a.client != b.client) return a.client < b.client;
    if (a.range.start != b.range.start) return a.range.start < b.range.start;
    return a.bytes.data() < b.bytes.data();
  });
  // An update that names a client twice may have items that overlap.
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].reach = out[i].range.end;
    if (i > 0 && out[i - 1].client == out[i].client) {
      out[i].reach = std::max(out[i].reach, out[i - 1].reach);
    }
  }
  return reader.in().code();
}

/// The item of the update that was compared last: neighbours in what is held meet the same one.
struct OpenItem {
  const LiveItem* source = nullptr;
  Struct item;
  std::optional<ContentCursor> cursor;

  void open(const LiveItem& live) {
    if (source == &live) return;
    source = &live;
    StructReader(live.bytes, live.client, live.range.start, 1).next(item);
    cursor.emplace(item);
  }
};

/// Does a held struct say the same as the live items that share clocks with it?
bool agrees(const live_items& live, const Struct& held, Comparer& comparer, OpenItem& open) {
  if (!held.is_live() || held.length == 0) return true;
  auto at =
      std::lower_bound(live.begin(), live.end(), held, [](const LiveItem& l, const Struct& h) {
        return l.client != h.client ? l.client < h.client : l.reach <= h.clock;
      });
  std::optional<ContentCursor> cursor;
  for (; at != live.end() && at->client == held.client && at->range.start < held.clock_end();
       ++at) {
    if (at->range.end <= held.clock) continue;
    open.open(*at);
    if (!cursor) cursor.emplace(held);
    if (!comparer.same(open.item, *open.cursor, held, *cursor)) return false;
  }
  return true;
}

/// The same the other way round: each live item looks its clocks up.
bool agrees(const live_items& live, const IndexedUpdate& held, Comparer& comparer, OpenItem& open) {
  IndexedReader reader(held);
  for (const LiveItem& item : live) {
    reader.seek(item.client, item.range.start);
    while (reader.has() && reader.current().clock < item.range.end) {
      const Struct& s = reader.current();
      if (s.is_live()) {
        open.open(item);
        if (!comparer.same(open.item, *open.cursor, s, reader.cursor())) return false;
      }
      if (s.clock_end() >= item.range.end) break;
      reader.next();
    }
  }
  return true;
}

}  // namespace

result<bool> same_content(byte_view update, std::span<const byte_view> held) {
  return same_content(update, {}, held);
}

result<bool> same_content(byte_view update, std::span<const IndexedUpdate* const> indexed,
                          std::span<const byte_view> held) {
  live_items live;
  const errc code = collect_live(update, live);
  if (code != errc{}) return decode_failure(code);
  Comparer comparer;
  OpenItem open;
  for (const IndexedUpdate* const run : indexed) {
    if (!agrees(live, *run, comparer, open)) return false;
  }
  for (const byte_view bytes : held) {
    StructReader reader(bytes);
    Struct s;
    while (reader.next(s)) {
      if (!agrees(live, s, comparer, open)) return false;
    }
    if (!reader.in().ok()) return decode_failure(reader.in().code());
  }
  return true;
}

result<bool> contains(std::span<const byte_view> held, byte_view update) {
  Knowledge known;
  for (const byte_view bytes : held) {
    const auto learned = learn(bytes, known);
    if (!learned) return std::unexpected(learned.error());
  }
  const auto novelty = classify(update, known);
  if (!novelty) return std::unexpected(novelty.error());
  if (*novelty == Novelty::empty) return true;
  if (*novelty != Novelty::contained) return false;
  return same_content(update, held);
}

}  // namespace weft::yjs
