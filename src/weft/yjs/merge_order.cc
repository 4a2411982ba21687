#include "weft/yjs/merge_order.h"

#include <algorithm>

#include "weft/base/result.h"

namespace weft::yjs {
namespace {

/// No update with a struct is shorter: counts, client, clock, a GC of one byte each, no deletes.
constexpr std::size_t update_with_struct_bytes_min = 7;

/// For looking one key up in the list.
constexpr std::uint64_t look_up_work = 64;

bool before(const Place& a, const Place& b) { return a.before(b); }
bool behind(const Place& a, const Place& b) { return b.before(a); }
bool before_as_yjs_says(const Place& a, const Place& b) { return a.before_as_yjs_says(b); }

}  // namespace

std::vector<Place> MergeReaders::open() {
  WEFT_CHECK(updates_.size() < none);
  std::vector<Place> out;
  out.reserve(static_cast<std::size_t>(std::ranges::count_if(
      updates_, [](byte_view u) { return u.size() >= update_with_struct_bytes_min; })));
  for (std::size_t i = 0; i < updates_.size(); ++i) {
    // Mostly the first struct's place can be told without reading it, which resuming does anyway.
    reader_ = StructReader(updates_[i], values_);
    if (reader_.next_section() && reader_.structs_left() > 0 && reader_.in().left() > 0) {
      const std::uint8_t info = *reader_.in().pos();
      if (info != skip_ref) {
        out.push_back({reader_.client(), reader_.clock(), static_cast<std::uint32_t>(i), false,
                       (info & ref_bits) == gc_ref});
        continue;
      }
    }
    reader_ = StructReader(updates_[i], values_);
    advance();
    if (code_ != errc{}) break;
    if (!has_current_) continue;
    out.push_back(
        {current_.client, current_.clock, static_cast<std::uint32_t>(i), false, current_.is_gc()});
  }
  has_current_ = false;
  return out;
}

void MergeReaders::advance() {
  do {
    has_current_ = reader_.next(current_);
  } while (has_current_ && current_.is_skip());
  if (has_current_) return;
  Reader& in = reader_.in();
  if (in.ok()) {
    read_deletions(
        in, [&](client_id client, clock_range range) { deletions_.push_back({client, range}); });
  }
  if (!in.ok()) code_ = in.code();
}

Place MergeReaders::place() const {
  return {current_.client, current_.clock, slot_, true, current_.is_gc()};
}

void MergeReaders::resume(Place& place) {
  open_ = true;
  if (place.moved) {
    slot_ = place.reader;
    const Bookmark& mark = bookmarks_[slot_];
    reader_ = StructReader({mark.at, mark.end}, place.client, place.clock, mark.structs,
                           mark.sections, values_);
    has_current_ = reader_.next(current_);
    return;
  }
  reader_ = StructReader(updates_[place.reader], values_);
  if (unused_ == none) {
    slot_ = static_cast<std::uint32_t>(bookmarks_.size());
    bookmarks_.emplace_back();
  } else {
    slot_ = unused_;
    unused_ = static_cast<std::uint32_t>(bookmarks_[slot_].structs);
  }
  place.moved = true;
  place.reader = slot_;
  advance();
}

void MergeReaders::leave() {
  if (!open_) return;
  open_ = false;
  Bookmark& mark = bookmarks_[slot_];
  if (has_current_) {
    mark = {current_.begin, reader_.in().end(), reader_.structs_left() + 1,
            reader_.sections_left()};
  } else {
    mark.structs = unused_;
    unused_ = slot_;
  }
  has_current_ = false;
}

HeapOrder::HeapOrder(MergeReaders& readers, on_contradiction policy)
    : readers_(readers), policy_(policy), waiting_(readers.open()) {
  furthest_.client = max_safe_integer + 1;  // before every other
  if (std::ranges::is_sorted(waiting_, before)) return;
  std::ranges::sort(waiting_, [](const Place& a, const Place& b) {
    return a.at_key_of(b) ? a.reader < b.reader : a.before(b);
  });
}

bool HeapOrder::next() {
  Place* best = next_waiting_ < waiting_.size() ? &waiting_[next_waiting_] : nullptr;
  const bool has_moved =
      !moved_.empty() && (best == nullptr || !best->before(moved_.front().place));
  if (has_moved) best = &moved_.front().place;
  if (readers_.has_current()) {
    const Place here = readers_.place();
    if (best == nullptr || !best->before(here)) return accept(here);
  } else if (best == nullptr) {
    return false;
  }
  Place chosen = *best;
  if (has_moved) {
    std::ranges::pop_heap(moved_, later);
    moved_.pop_back();
  } else {
    ++next_waiting_;
  }
  if (readers_.has_current()) {
    moved_.push_back({readers_.place(), --next_turn_});
    std::ranges::push_heap(moved_, later);
  }
  readers_.leave();
  readers_.resume(chosen);
  return readers_.has_current() && accept(chosen);
}

/// All who stand at one key become the front one after the other, for whoever leaves moves on, or
/// back and then runs alone until it is here again. So a mixed group shows when the front's key is
/// that of the furthest front so far and their kinds differ. (A reader whose own empty struct is
/// followed by another kind looks the same, which costs time, not truth.)
bool HeapOrder::accept(const Place& place) {
  if (policy_ == on_contradiction::take_as_equal) return true;
  if (place.at_key_of(furthest_)) {
    contradicted_ = place.is_gc != furthest_.is_gc;
  } else if (furthest_.before(place)) {
    furthest_ = place;
  }
  return !contradicted_;
}

ExactOrder::ExactOrder(MergeReaders& readers, std::uint64_t work_max)
    : readers_(readers), work_max_(work_max), list_(readers.open()) {}

bool ExactOrder::next() {
  if (!started_) {
    started_ = true;
    sort_all();
  } else if (readers_.has_current()) {
    move_front();
  } else {
    const Place gone = list_[head_++];
    sorted_ = head_;
    update_mixed(gone);
    if (!mixed_.empty()) sort_again();
  }
  if (head_ == list_.size() || gave_up()) return false;
  Place& first = list_[head_];
  if (!readers_.is_front(first)) {
    readers_.leave();
    readers_.resume(first);
  }
  return readers_.has_current();
}

/// The places with this key in the part of the list that is in order.
std::span<const Place> ExactOrder::group_of(const Place& key) const {
  const auto begin = list_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  const auto found = std::equal_range(begin, list_.end(), key, before);
  return {found.first, found.second};
}

void ExactOrder::update_mixed(const Place& key) {
  const auto at = std::ranges::lower_bound(mixed_, key, behind);
  const bool was_mixed = at != mixed_.end() && at->at_key_of(key);
  const auto group = group_of(key);
  const bool with_front = head_ < sorted_ && list_[head_].at_key_of(key);
  bool is_mixed = false;
  if (!group.empty()) {
    const bool kind = with_front ? list_[head_].is_gc : group.front().is_gc;
    // A group that was not mixed can only be so by its front.
    const auto others = was_mixed ? group : group.first(1);
    const auto other =
        std::ranges::find_if(others, [&](const Place& p) { return p.is_gc != kind; });
    is_mixed = other != others.end();
    work_ += static_cast<std::uint64_t>(other - others.begin());
  }
  work_ += look_up_work;
  if (is_mixed == was_mixed) return;
  work_ += static_cast<std::uint64_t>(mixed_.end() - at);
  if (is_mixed) {
    mixed_.insert(at, key);
  } else {
    mixed_.erase(at);
  }
}

void ExactOrder::move_front() {
  const Place old = list_[head_];
  const Place here = readers_.place();
  list_[head_] = here;
  sorted_ = head_ + 1;
  update_mixed(old);
  if (!here.at_key_of(old)) update_mixed(here);
  if (!mixed_.empty()) return sort_again();
  const auto begin = list_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  const auto target = std::lower_bound(begin, list_.end(), here, before);
  *std::move(begin, target, begin - 1) = here;
  work_ += look_up_work + static_cast<std::uint64_t>(target - begin);
}

void ExactOrder::sort_all() {
  V8Sort sort(std::span<Place>(list_), before_as_yjs_says, scratch_);
  sort.run();
  work_ += sort.work();
  for (std::size_t i = list_.size(); i > 1; --i) {
    const Place& place = list_[i - 1];
    if (!place.at_key_of(list_[i - 2]) || place.is_gc == list_[i - 2].is_gc) continue;
    if (mixed_.empty() || !place.at_key_of(mixed_.back())) mixed_.push_back(place);
  }
}

/// As V8 would sort the whole list, without asking what is known: but for its front the list is in
/// order, and comparisons go wrong only within mixed groups.
void ExactOrder::sort_again() {
  const std::span<Place> all = std::span<Place>(list_).subspan(head_);
  drops_.clear();
  for (auto key = mixed_.rbegin(); key != mixed_.rend(); ++key) {
    const auto group = group_of(*key);
    for (std::size_t i = 1; i < group.size(); ++i) {
      if (group[i].is_gc == group[i - 1].is_gc) continue;
      drops_.push_back(static_cast<std::size_t>(&group[i] - all.data()));
    }
    work_ += look_up_work + group.size();
  }
  V8Sort sort(all, before_as_yjs_says, scratch_);
  auto drop = drops_.begin();
  sort.run([&](std::size_t at) {
    while (drop != drops_.end() && *drop < at) ++drop;
    return drop == drops_.end() ? all.size() : *drop;
  });
  work_ += sort.work();
  sorted_ = head_;
}

}  // namespace weft::yjs
