#include <optional>

#include "weft/yjs/sweep.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

/// Writes structs in order and joins those that Yjs itself would join once they are integrated
/// next to each other.
class RunWriter {
 public:
  void gc(client_id client, clock_range range) {
    if (!(kind_ == gc_ref && client_ == client && range_.end == range.start)) {
      start(client, range.start, gc_ref).byte(gc_ref);
    }
    range_.end = range.end;
  }

  /// The clocks [from, to) of an item, as deleted content when `deleted`.
  void item(const Struct& s, std::uint64_t from, std::uint64_t to, bool deleted,
            ContentCursor& cursor) {
    const std::uint8_t ref = deleted ? std::uint8_t{deleted_ref} : s.ref();
    if (!continues(s, from, ref)) begin_item(s, from, ref);
    range_.end = s.clock + to;
    if (ref == deleted_ref) return;
    if (joins(ref)) {
      elements_ += to - from;
      cursor.append(scratch_, from, to);
    } else {
      cursor.write(*out_, from, to);
    }
  }

  void finish(Writer& out) {
    flush();
    sections_.finish(out);
  }

 private:
  static bool joins(std::uint8_t ref) {
    return ref == string_ref || ref == any_ref || ref == json_ref || ref == deleted_ref;
  }

  bool continues(const Struct& s, std::uint64_t from, std::uint8_t ref) const {
    if (kind_ != ref || !joins(ref) || client_ != s.client || range_.end != s.clock + from) {
      return false;
    }
    if (from == 0 && !(s.has_origin() && s.origin == Id{s.client, s.clock - 1})) return false;
    return s.has_right_origin() == right_origin_.has_value() &&
           (!s.has_right_origin() || s.right_origin == *right_origin_);
  }

  void begin_item(const Struct& s, std::uint64_t from, std::uint8_t ref) {
    write_item_header(s, from, ref, false, start(s.client, s.clock + from, ref));
    right_origin_.reset();
    if (s.has_right_origin()) right_origin_ = s.right_origin;
  }

  Writer& start(client_id client, clock_value clock, std::uint8_t kind) {
    flush();
    out_ = &sections_.next_after_gap(client, clock);
    kind_ = kind;
    client_ = client;
    range_ = {clock, clock};
    return *out_;
  }

  void flush() {
    if (out_ == nullptr) return;
    if (kind_ == gc_ref || kind_ == deleted_ref) out_->uint(range_.end - range_.start);
    if (kind_ == string_ref) out_->uint(scratch_.size());
    if (kind_ == any_ref || kind_ == json_ref) out_->uint(elements_);
    out_->raw(scratch_.view());
    scratch_.clear();
    elements_ = 0;
    sections_.ends_at(range_.end);
  }

  SectionWriter sections_;
  Writer* out_ = nullptr;
  Writer scratch_;
  std::uint64_t elements_ = 0;
  std::uint8_t kind_ = skip_ref;
  client_id client_ = 0;
  clock_range range_;
  std::optional<Id> right_origin_;
};

/// Walks a sorted delete set beside structs that come in the same order.
class DeletionCursor {
 public:
  explicit DeletionCursor(const deletion_list& list) : list_(list) {}

  /// How far from `clock` on, at most to `end`, clocks share one fate, and which.
  clock_value reach(client_id client, clock_value clock, clock_value end, bool& deleted) {
    while (at_ < list_.size() && (list_[at_].client > client ||
                                  (list_[at_].client == client && list_[at_].range.end <= clock))) {
      ++at_;
    }
    deleted = false;
    if (at_ == list_.size() || list_[at_].client != client) return end;
    const clock_range range = list_[at_].range;
    if (clock < range.start) return std::min(end, range.start);
    deleted = true;
    return std::min(end, range.end);
  }

 private:
  const deletion_list& list_;
  std::size_t at_ = 0;
};

}  // namespace

result<byte_vector> compact(std::span<const byte_view> updates) {
  Sweep sweep;
  for (const byte_view update : updates) {
    const errc code = sweep.load(update);
    if (code != errc{}) return decode_failure(code);
  }
  deletion_list& deletions = sweep.deletions();
  for (deletion_list& implied = sweep.implied_deletions(); !implied.empty(); implied.pop_front()) {
    deletions.push_back(implied.front());
  }
  sort_and_join(deletions);

  DeletionCursor fates(deletions);
  RunWriter runs;
  Sweep::Part part;
  while (sweep.next(part)) {
    if (part.item == nullptr) {
      runs.gc(part.client, part.range);
      continue;
    }
    const Struct& s = *part.item;
    ContentCursor cursor(s);
    for (clock_value at = part.range.start; at < part.range.end;) {
      bool deleted = false;
      const clock_value end = fates.reach(part.client, at, part.range.end, deleted);
      runs.item(s, at - s.clock, end - s.clock, deleted, cursor);
      at = end;
    }
  }
  Writer out;
  runs.finish(out);
  write_deletions(deletions, out);
  return out.take();
}

}  // namespace weft::yjs
