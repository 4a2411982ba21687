#pragma once

#include <deque>
#include <span>
#include <vector>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/update.h"
#include "weft/yjs/v8_sort.h"

/// Which of the readers of a merge goes next; under `merge`.
///
/// Yjs sorts all readers before each step, by client descending and clock ascending. Only the first
/// can have moved, and a stable sort puts it before its equals, so a sorted list of those that have
/// not moved and a heap of those that have give the same order: HeapOrder.
///
/// One thing breaks that. Asked about a GC and an Item at the same clock, Yjs' comparison answers
/// "before" both ways, and the order of *all* equals is what V8's sort happens to make of it, step
/// after step. ExactOrder keeps the list and sorts it as V8 does.
namespace weft::yjs {

/// Where a reader waits, and which.
struct Place {
  client_id client = 0;
  clock_value clock = 0;
  std::uint32_t reader = 0;  ///< the update until it has `moved`, a bookmark afterwards
  bool moved = false;
  bool is_gc = false;

  bool at_key_of(const Place& other) const {
    return client == other.client && clock == other.clock;
  }

  bool before(const Place& other) const {
    return client != other.client ? client > other.client : clock < other.clock;
  }

  /// Does Yjs' comparison with `other` give less than zero?
  bool before_as_yjs_says(const Place& other) const {
    return at_key_of(other) ? is_gc != other.is_gc : before(other);
  }
};

/// One reader for each update, one of them at the front; the others are kept as places.
class MergeReaders {
 public:
  MergeReaders(std::span<const byte_view> updates, Values values)
      : updates_(updates), values_(values) {}

  /// The places of the readers that have a struct, in the order of the updates. Whether that struct
  /// can be read may show only when its reader is resumed.
  std::vector<Place> open();

  bool has_current() const { return has_current_; }
  const Struct& current() const { return current_; }

  /// Moves the front reader to its next struct that is not a Skip; behind the last one it reads the
  /// delete set.
  void advance();

  /// Where the front reader stands. Only with a current struct.
  Place place() const;

  /// Makes the reader that waits at `place` the front, which must be free. The place may change.
  /// Without a current struct afterwards it could not be read: see `code`.
  void resume(Place& place);

  /// Frees the front; the reader can be resumed from what `place` said if it has a current struct.
  void leave();

  bool is_front(const Place& place) const { return open_ && place.moved && place.reader == slot_; }

  deletion_list& deletions() { return deletions_; }
  errc code() const { return code_; }

 private:
  /// How a reader that has moved goes on. Unused ones are linked by `structs`.
  struct Bookmark {
    const std::uint8_t* at = nullptr;
    const std::uint8_t* end = nullptr;
    std::uint64_t structs = 0;
    std::uint64_t sections = 0;
  };

  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::span<const byte_view> updates_;
  std::deque<Bookmark> bookmarks_;
  std::uint32_t unused_ = none;
  Values values_;
  StructReader reader_;
  Struct current_;
  bool open_ = false;
  bool has_current_ = false;
  std::uint32_t slot_ = 0;  ///< the front's bookmark
  deletion_list deletions_;
  errc code_{};
};

/// The order where the comparison is consistent.
class HeapOrder {
 public:
  enum class on_contradiction { stop, take_as_equal };

  HeapOrder(MergeReaders& readers, on_contradiction policy);

  /// Makes the first reader in order the front; false when none is left or the order gives up.
  bool next();

  /// The order met a contradiction and stopped.
  bool gave_up() const { return contradicted_; }

 private:
  struct Moved {
    Place place;
    std::int64_t turn = 0;  ///< of equals the one that moved last is first
  };

  static bool later(const Moved& a, const Moved& b) {
    return a.place.at_key_of(b.place) ? a.turn > b.turn : b.place.before(a.place);
  }

  bool accept(const Place& place);

  MergeReaders& readers_;
  on_contradiction policy_;
  std::vector<Place> waiting_;
  std::size_t next_waiting_ = 0;
  std::deque<Moved> moved_;  ///< a heap
  std::int64_t next_turn_ = 0;
  Place furthest_;
  bool contradicted_ = false;
};

/// The order of Yjs on V8, whatever the comparison says.
class ExactOrder {
 public:
  /// Gives up after `work_max` comparisons and moves, for Yjs' work grows with the square.
  ExactOrder(MergeReaders& readers, std::uint64_t work_max);

  bool next();
  bool gave_up() const { return work_ > work_max_; }

 private:
  using places = std::vector<Place>;

  std::span<const Place> group_of(const Place& key) const;
  void update_mixed(const Place& key);
  void move_front();
  void sort_all();
  void sort_again();

  MergeReaders& readers_;
  std::uint64_t work_max_;
  std::uint64_t work_ = 0;
  places list_;
  std::size_t head_ = 0;
  std::size_t sorted_ = 0;  ///< from here on the list is in order
  places mixed_;            ///< keys at which both a GC and an Item stand, the last one first
  std::vector<std::size_t> drops_;
  places scratch_;
  bool started_ = false;
};

}  // namespace weft::yjs
