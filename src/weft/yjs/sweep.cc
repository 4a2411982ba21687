#include "weft/yjs/sweep.h"

#include <algorithm>

namespace weft::yjs {

errc Sweep::load(byte_view update) {
  StructReader reader(update);
  Struct s;
  while (reader.next_section()) {
    Section section{{reader.in().pos(), reader.in().end()},
                    reader.structs_left(),
                    reader.client(),
                    reader.clock(),
                    static_cast<std::uint32_t>(sections_.size()),
                    false};
    while (reader.structs_left() > 0 && reader.next(s)) {
      if (s.length == 0 || s.is_skip() || s.is_live()) continue;
      section.has_gc = section.has_gc || s.is_gc();
      const clock_range range{s.clock, s.clock_end()};
      if (!implied_.empty() && implied_.back().client == s.client &&
          implied_.back().range.end == range.start) {
        implied_.back().range.end = range.end;
      } else {
        implied_.push_back({s.client, range});
      }
    }
    if (!reader.in().ok()) return reader.in().code();
    if (section.structs > 0) sections_.push_back(section);
  }
  if (!reader.in().ok()) return reader.in().code();
  read_deletions(reader.in(), [&](client_id client, clock_range range) {
    if (range.start != range.end) deletions_.push_back({client, range});
  });
  return reader.in().code();
}

void Sweep::sort_sections() {
  const auto before = [](const Section& a, const Section& b) {
    if (a.client != b.client) return a.client > b.client;
    if (a.clock != b.clock) return a.clock < b.clock;
    return a.order < b.order;
  };
  if (!std::is_sorted(sections_.begin(), sections_.end(), before)) {
    std::sort(sections_.begin(), sections_.end(), before);
  }
  sorted_ = true;
}

bool Sweep::start_client() {
  if (!sorted_) sort_sections();
  if (next_section_ == sections_.size()) return false;
  const std::size_t begin = next_section_;
  client_ = sections_[begin].client;
  bool has_gc = false;
  while (next_section_ < sections_.size() && sections_[next_section_].client == client_) {
    has_gc = has_gc || sections_[next_section_].has_gc;
    ++next_section_;
  }
  items_.start(sections_, begin, next_section_, false);
  gcs_.start(sections_, begin, has_gc ? next_section_ : begin, true);
  item_taken_ = false;
  return true;
}

bool Sweep::next(Part& out) {
  for (;;) {
    if (open_ && item_taken_) {
      items_.next();
      item_taken_ = false;
    }
    if (!open_ || (!items_.has() && !gcs_.has())) {
      open_ = start_client();
      if (!open_) return false;
      continue;
    }
    out.client = client_;
    if (!gcs_.has() || (items_.has() && items_.range().start <= gcs_.range().start)) {
      out.item = &items_.current();
      out.range = items_.range();
      item_taken_ = true;
      while (gcs_.has() && gcs_.range().start < out.range.end) {
        if (gcs_.range().end > out.range.end) {
          gcs_.trim(out.range.end);
        } else {
          gcs_.next();
        }
      }
      return true;
    }
    out.item = nullptr;
    out.range = gcs_.range();
    if (items_.has() && items_.range().start < out.range.end) {
      out.range.end = items_.range().start;
      gcs_.trim(out.range.end);
    } else {
      gcs_.next();
    }
    return true;
  }
}

void Sweep::Layer::start(const std::deque<Section>& sections, std::size_t begin, std::size_t end,
                         bool gc) {
  sections_ = &sections;
  at_ = begin;
  end_ = end;
  gc_ = gc;
  covered_ = 0;
  range_ = {};
  has_ = false;
  heap_.clear();
  next();
}

bool Sweep::Layer::later(const Stream& a, const Stream& b) {
  if (a.current.clock != b.current.clock) return a.current.clock > b.current.clock;
  return a.order > b.order;
}

bool Sweep::Layer::advance(Stream& stream) const {
  while (stream.reader.structs_left() > 0 && stream.reader.next(stream.current)) {
    const Struct& s = stream.current;
    if (s.length != 0 && (gc_ ? s.is_gc() : s.is_item())) return true;
  }
  return false;
}

/// Opens every section that starts at or before `clock`.
void Sweep::Layer::open_until(clock_value clock) {
  while (at_ < end_ && (heap_.empty() || (*sections_)[at_].clock <= clock)) {
    const Section& section = (*sections_)[at_];
    Stream stream{
        StructReader(section.bytes, section.client, section.clock, section.structs), {}, at_};
    ++at_;
    if (gc_ && !section.has_gc) continue;
    if (!advance(stream)) continue;
    clock = heap_.empty() ? stream.current.clock : std::min(clock, stream.current.clock);
    heap_.push_back(stream);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
}

bool Sweep::Layer::next() {
  // The front stream was shown last time; everything up to `covered_` has been.
  covered_ = std::max(covered_, range_.end);
  for (;;) {
    if (!heap_.empty() && heap_.front().current.clock_end() <= covered_) {
      if (heap_.size() == 1) {
        if (!advance(heap_.front())) heap_.clear();
        continue;
      }
      std::pop_heap(heap_.begin(), heap_.end(), later);
      if (advance(heap_.back())) {
        std::push_heap(heap_.begin(), heap_.end(), later);
      } else {
        heap_.pop_back();
      }
      continue;
    }
    const std::size_t opened = at_;
    open_until(heap_.empty() ? 0 : heap_.front().current.clock);
    if (at_ != opened) continue;
    if (heap_.empty()) return has_ = false;
    const Struct& s = heap_.front().current;
    range_ = {std::max(covered_, s.clock), s.clock_end()};
    return has_ = true;
  }
}

}  // namespace weft::yjs
