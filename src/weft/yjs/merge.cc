#include <algorithm>
#include <deque>
#include <vector>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/packing.h"
#include "weft/yjs/update.h"

/// Yjs' mergeUpdates, step for step. Yjs sorts all its readers before each step; only the first
/// one can have moved, and a stable sort puts it before its equals. So a sorted list of readers
/// that have not been touched and a heap of those that have give the same order.
///
/// One thing breaks that: asked about a GC and an Item at the same clock, Yjs' comparison answers
/// "before" both ways, and the order is what the engine's sort happens to make of it. Lists short
/// enough for V8 to sort by binary insertion are therefore sorted as V8 does, question by question.
/// Longer lists take such a tie as equal: the bytes may then differ from Yjs', the state never.
namespace weft::yjs {
namespace {

/// Where a reader stands. Lower `turn` wins a tie: untouched readers have their index, and a
/// reader that moved comes before all others.
struct Place {
  client_id client = 0;
  clock_value clock = 0;
  std::int64_t turn = 0;
  std::size_t slot = 0;  ///< of the update while untouched, of the active reader afterwards

  bool before(const Place& other) const {
    if (client != other.client) return client > other.client;
    if (clock != other.clock) return clock < other.clock;
    return turn < other.turn;
  }
};

/// V8 sorts shorter lists by binary insertion, longer ones by merging.
constexpr std::size_t insertion_sort_end = 64;

struct ActiveReader {
  StructReader reader;
  Struct current;
  bool has_current = false;
};

/// A struct without its first `from` clocks.
struct Slice {
  Struct s;
  std::uint64_t from = 0;
  bool set = false;

  clock_value end() const { return s.clock_end(); }
};

class Merger {
 public:
  Merger(std::span<const byte_view> updates, Values values) : updates_(updates), values_(values) {}

  result<byte_vector> run() {
    const bool few = updates_.size() < insertion_sort_end;
    if (few ? !open_all() : !find_starts()) return decode_failure(code_);
    while (few ? choose_among_few() : choose()) {
      step();
      if (code_ != errc{}) return decode_failure(code_);
      if (!few && !front_->has_current) retire();
    }
    if (code_ != errc{}) return decode_failure(code_);
    if (pending_.set) write_pending();
    Writer out;
    sections_.finish(out);
    sort_and_join(deletions_);
    write_deletions(deletions_, out);
    return out.take();
  }

 private:
  bool find_starts() {
    untouched_.reserve(updates_.size());
    for (std::size_t i = 0; i < updates_.size(); ++i) {
      ActiveReader reader{StructReader(updates_[i], values_), {}, false};
      advance(reader);
      if (code_ != errc{}) return false;
      if (reader.has_current) {
        untouched_.push_back(
            {reader.current.client, reader.current.clock, static_cast<std::int64_t>(i), i});
      }
    }
    const auto before = [](const Place& a, const Place& b) { return a.before(b); };
    if (!std::is_sorted(untouched_.begin(), untouched_.end(), before)) {
      std::sort(untouched_.begin(), untouched_.end(), before);
    }
    return true;
  }

  /// To the next struct that is not a Skip; behind the last one stands the delete set.
  void advance(ActiveReader& active) {
    do {
      active.has_current = active.reader.next(active.current);
    } while (active.has_current && active.current.is_skip());
    if (active.has_current) return;
    Reader& in = active.reader.in();
    if (in.ok()) {
      read_deletions(
          in, [&](client_id client, clock_range range) { deletions_.push_back({client, range}); });
    }
    if (!in.ok()) code_ = in.code();
  }

  bool open_all() {
    for (const byte_view update : updates_) {
      active_.push_back({StructReader(update, values_), {}, false});
      advance(active_.back());
      if (code_ != errc{}) return false;
      if (active_.back().has_current) order_.push_back(&active_.back());
    }
    sort_few();
    return true;
  }

  /// What Yjs' comparison answers; see above for the last line.
  static int compare(const ActiveReader* a, const ActiveReader* b) {
    const Struct& x = a->current;
    const Struct& y = b->current;
    if (x.client != y.client) return x.client > y.client ? -1 : 1;
    if (x.clock != y.clock) return x.clock < y.clock ? -1 : 1;
    return x.is_gc() == y.is_gc() ? 0 : -1;
  }

  /// V8's sort of fewer than 64 elements: one ascending or strictly descending run at the front,
  /// then binary insertion of the others.
  void sort_few() {
    if (order_.size() > 1) {
      const bool descending = compare(order_[1], order_[0]) < 0;
      std::size_t run = 2;
      while (run < order_.size() && (compare(order_[run], order_[run - 1]) < 0) == descending)
        ++run;
      if (descending)
        std::reverse(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(run));
      for (; run < order_.size(); ++run) insert_few(run);
    }
    ambiguous_ = false;
    for (std::size_t i = 1; i < order_.size(); ++i) {
      const Struct& x = order_[i - 1]->current;
      const Struct& y = order_[i]->current;
      if (x.client == y.client && x.clock == y.clock && x.is_gc() != y.is_gc()) ambiguous_ = true;
    }
  }

  void insert_few(std::size_t at) {
    ActiveReader* const pivot = order_[at];
    std::size_t left = 0;
    std::size_t right = at;
    while (left < right) {
      const std::size_t middle = left + (right - left) / 2;
      if (compare(pivot, order_[middle]) < 0) {
        right = middle;
      } else {
        left = middle + 1;
      }
    }
    for (std::size_t i = at; i > left; --i) order_[i] = order_[i - 1];
    order_[left] = pivot;
  }

  bool choose_among_few() {
    if (front_ != nullptr) {
      if (!front_->has_current) {
        order_.erase(order_.begin());
        if (ambiguous_) sort_few();
      } else if (ambiguous_ || (order_.size() > 1 && compare(order_[1], order_[0]) < 0)) {
        sort_few();
      }
    }
    if (order_.empty()) return false;
    front_ = order_.front();
    return true;
  }

  /// Makes the first reader in order the front; false when none is left.
  bool choose() {
    const Place* best =
        next_untouched_ < untouched_.size() ? &untouched_[next_untouched_] : nullptr;
    const bool from_heap = !heap_.empty() && (best == nullptr || heap_.front().before(*best));
    if (from_heap) best = &heap_.front();
    if (front_ != nullptr) {
      const Place here{front_->current.client, front_->current.clock, next_turn_, front_slot_};
      if (best == nullptr || here.before(*best)) return true;
      const Place chosen = *best;
      if (from_heap) pop_heap();
      heap_.push_back(here);
      std::push_heap(heap_.begin(), heap_.end(), later);
      --next_turn_;
      activate(chosen, from_heap);
      return true;
    }
    if (best == nullptr) return false;
    const Place chosen = *best;
    if (from_heap) pop_heap();
    activate(chosen, from_heap);
    return true;
  }

  static bool later(const Place& a, const Place& b) { return b.before(a); }

  void pop_heap() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }

  void activate(const Place& chosen, bool from_heap) {
    if (from_heap) {
      front_slot_ = chosen.slot;
      front_ = &active_[front_slot_];
      return;
    }
    ++next_untouched_;
    if (free_.empty()) {
      free_.push_back(active_.size());
      active_.emplace_back();
    }
    front_slot_ = free_.back();
    free_.pop_back();
    front_ = &active_[front_slot_];
    front_->reader = StructReader(updates_[chosen.slot], values_);
    advance(*front_);
  }

  void retire() {
    free_.push_back(front_slot_);
    front_ = nullptr;
  }

  void write_pending() {
    const Slice& p = pending_;
    write_struct(p.s, p.from, sections_.next(p.s.client, p.s.clock + p.from));
  }

  void set_pending(const Struct& s, std::uint64_t from) {
    pending_.s = s;
    pending_.from = from;
    pending_.set = true;
  }

  /// One pass of the loop in mergeUpdatesV2.
  void step() {
    ActiveReader& front = *front_;
    const client_id first_client = front.current.client;
    if (!pending_.set) {
      set_pending(front.current, 0);
      advance(front);
      return follow(first_client);
    }
    bool iterated = false;
    while (front.has_current && front.current.clock_end() <= pending_.end() &&
           front.current.client >= pending_.s.client) {
      advance(front);
      iterated = true;
    }
    if (!front.has_current || front.current.client != first_client ||
        (iterated && front.current.clock > pending_.end())) {
      return;
    }
    if (first_client != pending_.s.client) {
      write_pending();
      set_pending(front.current, 0);
      advance(front);
    } else if (pending_.end() < front.current.clock) {
      write_pending();
      Struct skip;
      skip.info = skip_ref;
      skip.client = first_client;
      skip.clock = pending_.end();
      skip.length = front.current.clock - pending_.end();
      set_pending(skip, 0);
    } else {
      const std::uint64_t overlap = pending_.end() - front.current.clock;
      if (pending_.s.is_gc() && front.current.is_gc()) {
        pending_.s.length += front.current.length - overlap;
      } else {
        write_pending();
        set_pending(front.current, overlap);
        advance(front);
      }
    }
    follow(first_client);
  }

  /// Writes what continues the pending struct without a gap.
  void follow(client_id first_client) {
    ActiveReader& front = *front_;
    while (front.has_current && front.current.client == first_client &&
           front.current.clock == pending_.end()) {
      write_pending();
      set_pending(front.current, 0);
      advance(front);
    }
  }

  std::span<const byte_view> updates_;
  Values values_;
  std::vector<Place> untouched_;
  std::size_t next_untouched_ = 0;
  std::vector<Place> heap_;
  std::deque<ActiveReader> active_;
  std::vector<ActiveReader*> order_;  ///< all readers in order, while there are few
  bool ambiguous_ = false;            ///< a GC and an Item stand at the same clock in `order_`
  std::vector<std::size_t> free_;
  ActiveReader* front_ = nullptr;
  std::size_t front_slot_ = 0;
  std::int64_t next_turn_ = -1;
  Slice pending_;
  SectionWriter sections_;
  deletion_list deletions_;
  errc code_{};
};

}  // namespace

result<byte_vector> merge(std::span<const byte_view> updates) {
  if (updates.size() == 1) {
    const auto valid = validate(updates[0]);
    if (!valid) return std::unexpected(valid.error());
    return byte_vector(updates[0].begin(), updates[0].end());
  }
  return Merger(updates, Values::json).run();
}

result<byte_vector> merge_unpacked(std::span<const byte_view> updates) {
  return Merger(updates, Values::any).run();
}

}  // namespace weft::yjs
