#include "weft/yjs/sweep.h"

#include <algorithm>
#include <limits>

namespace weft::yjs {

errc Sweep::load(byte_view update) {
  StructReader reader(update);
  Struct s;
  while (reader.next_section()) {
    if (reader.structs_left() > std::numeric_limits<std::uint32_t>::max()) {
      return errc::too_large;  // no message is
    }
    Section section{{reader.in().pos(), reader.in().end()},
                    reader.structs_left(),
                    reader.client(),
                    reader.clock(),
                    static_cast<std::uint32_t>(sections_.size()),
                    false};
    while (reader.structs_left() > 0 && reader.next(s)) {
      if (s.length == 0 || s.is_skip() || s.is_live()) continue;
      section.has_gc = section.has_gc || s.is_gc();
      imply(s.client, {s.clock, s.clock_end()});
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

/// Sections that say the same again and again must not cost again and again.
void Sweep::imply(client_id client, clock_range range) {
  if (!implied_.empty()) {
    auto& [last_client, last] = implied_.back();
    if (last_client == client && last.start <= range.start && range.start <= last.end) {
      last.end = std::max(last.end, range.end);
      return;
    }
  }
  if (implied_.size() >= implied_max_) {
    sort_and_join(implied_);
    implied_max_ = std::max(implied_max_, 2 * implied_.size());
  }
  implied_.push_back({client, range});
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
      if (open_) continue;
      // Room for what is written next.
      sections_.clear();
      next_section_ = 0;
      return false;
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
  open_ = false;
  waiting_.clear();
  next();
}

bool Sweep::Layer::advance(StructReader& reader, Struct& current) const {
  while (reader.structs_left() > 0 && reader.next(current)) {
    if (current.length != 0 && (gc_ ? current.is_gc() : current.is_item())) return true;
  }
  return false;
}

Sweep::Layer::Waiting Sweep::Layer::bookmark(const StructReader& reader, const Struct& current,
                                             std::size_t section) const {
  return {current.begin, current.clock, static_cast<std::uint32_t>(section),
          static_cast<std::uint32_t>(reader.structs_left() + 1)};
}

/// Opens every section that starts at or before `clock`, and one if none is open.
void Sweep::Layer::open_until(clock_value clock) {
  while (at_ < end_) {
    const bool first = !open_ && waiting_.empty();
    const Section& section = (*sections_)[at_];
    if (!first && section.clock > clock) return;
    const std::size_t opened = at_++;
    if (gc_ && !section.has_gc) continue;
    StructReader reader(section.bytes, section.client, section.clock, section.structs);
    Struct current;
    if (!advance(reader, current)) continue;
    clock = first ? current.clock : std::min(clock, current.clock);
    if (first) {
      open_ = true;
      reader_ = reader;
      current_ = current;
      section_ = opened;
    } else {
      waiting_.push_back(bookmark(reader, current, opened));
      std::push_heap(waiting_.begin(), waiting_.end(), later);
    }
  }
}

/// Brings the earliest struct to the front; false when it is there already.
bool Sweep::Layer::choose_front() {
  if (waiting_.empty()) return false;
  if (open_) {
    const Waiting here = bookmark(reader_, current_, section_);
    if (!later(here, waiting_.front())) return false;
    waiting_.push_back(here);
    std::push_heap(waiting_.begin(), waiting_.end(), later);
  }
  std::pop_heap(waiting_.begin(), waiting_.end(), later);
  const Waiting& next = waiting_.back();
  const Section& section = (*sections_)[next.section];
  const std::uint8_t* const end = section.bytes.data() + section.bytes.size();
  reader_ = StructReader({next.at, end}, section.client, next.clock, next.structs);
  open_ = reader_.next(current_);
  section_ = next.section;
  waiting_.pop_back();
  return true;
}

bool Sweep::Layer::next() {
  // The front was shown last time; everything up to `covered_` has been.
  covered_ = std::max(covered_, range_.end);
  for (;;) {
    if (open_ && current_.clock_end() <= covered_) open_ = advance(reader_, current_);
    if (choose_front() || (open_ && current_.clock_end() <= covered_)) continue;
    const std::size_t opened = at_;
    open_until(open_ ? current_.clock : 0);
    if (at_ != opened) continue;
    if (!open_) return has_ = false;
    range_ = {std::max(covered_, current_.clock), current_.clock_end()};
    return has_ = true;
  }
}

}  // namespace weft::yjs
