#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft::yjs {

/// Sorts as V8's Array.prototype.sort does, question by question, so that a comparison that
/// contradicts itself leaves the same order as there. It is Tim Peters' merge sort: ascending or
/// strictly descending runs, short ones lengthened by binary insertion, merged with galloping.
///
/// `Before(a, b)`: does the comparison of a with b give less than zero?
/// Source: V8, third_party/v8/builtins/array-sort.tq; the method: CPython, Objects/listsort.txt.
template <typename T, typename Before>
class V8Sort {
 public:
  /// `scratch` only saves allocations between sorts.
  V8Sort(std::span<T> items, Before before, std::vector<T>& scratch)
      : items_(items), before_(before), scratch_(scratch) {}

  void run() {
    run([this](std::size_t at) {
      while (at < items_.size() && !asks(items_[at], items_[at - 1])) ++at;
      return at;
    });
  }

  /// For a caller who knows more than the comparisons would tell: `next_drop(at)` is the first
  /// index from `at` (at least 2) on, of those not sorted yet, whose item is before the one to its
  /// left, or the end.
  template <typename NextDrop>
  void run(NextDrop&& next_drop) {
    const std::size_t length = items_.size();
    if (length < 2) return;
    const std::size_t shortest = run_length_min(length);
    for (std::size_t low = 0; low < length;) {
      std::size_t run = make_run(low, next_drop);
      if (run < shortest) {
        const std::size_t forced = std::min(shortest, length - low);
        for (; run < forced; ++run) insert(low, low + run);
      }
      runs_[depth_++] = {low, run};
      low += run;
      while (depth_ > 1 && collapse()) {
      }
    }
    while (depth_ > 1) merge_at(smaller_neighbour(depth_ - 2));
  }

  /// Questions asked and items moved.
  std::uint64_t work() const { return work_; }

 private:
  struct Run {
    std::size_t base = 0;
    std::size_t length = 0;
  };

  /// Enough for 2^64 items.
  static constexpr std::size_t runs_max = 85;
  static constexpr std::size_t insertion_sort_end = 64;
  static constexpr std::size_t gallop_wins = 7;

  bool asks(const T& a, const T& b) {
    ++work_;
    return before_(a, b);
  }

  static std::size_t run_length_min(std::size_t length) {
    std::size_t odd = 0;
    while (length >= insertion_sort_end) {
      odd |= length & 1;
      length >>= 1;
    }
    return length + odd;
  }

  /// The length of the run that starts at `low`; a descending one is reversed.
  template <typename NextDrop>
  std::size_t make_run(std::size_t low, NextDrop& next_drop) {
    std::size_t end = low + 2;
    if (end > items_.size()) return 1;
    if (!asks(items_[low + 1], items_[low])) return next_drop(end) - low;
    while (end < items_.size() && asks(items_[end], items_[end - 1])) ++end;
    std::reverse(&items_[low], &items_[end - 1] + 1);
    work_ += end - low;
    return end - low;
  }

  /// Puts the item at `at` in its place among [low, at).
  void insert(std::size_t low, std::size_t at) {
    const T pivot = items_[at];
    std::size_t left = low;
    std::size_t right = at;
    while (left < right) {
      const std::size_t middle = left + (right - left) / 2;
      if (asks(pivot, items_[middle])) {
        right = middle;
      } else {
        left = middle + 1;
      }
    }
    std::move_backward(&items_[left], &items_[at], &items_[at] + 1);
    items_[left] = pivot;
    work_ += at - left;
  }

  bool is_balanced(std::size_t n) const {
    return n < 2 || runs_[n - 2].length > runs_[n - 1].length + runs_[n].length;
  }

  std::size_t smaller_neighbour(std::size_t n) const {
    return n > 0 && runs_[n - 1].length < runs_[n + 1].length ? n - 1 : n;
  }

  /// Merges two of the last runs if they are out of balance.
  bool collapse() {
    const std::size_t n = depth_ - 2;
    if (!is_balanced(n + 1) || !is_balanced(n)) {
      merge_at(smaller_neighbour(n));
    } else if (runs_[n].length <= runs_[n + 1].length) {
      merge_at(n);
    } else {
      return false;
    }
    return true;
  }

  void merge_at(std::size_t i) {
    Run a = runs_[i];
    Run b = runs_[i + 1];
    runs_[i].length += b.length;
    if (i + 3 == depth_) runs_[i + 1] = runs_[i + 2];
    --depth_;
    // What is in place already, at the front of a and the end of b, stays.
    const std::size_t placed = right_of_equals(items_[b.base], &items_[a.base], a.length, 0);
    a.base += placed;
    a.length -= placed;
    if (a.length == 0) return;
    b.length =
        left_of_equals(items_[a.base + a.length - 1], &items_[b.base], b.length, b.length - 1);
    if (b.length == 0) return;
    work_ += a.length + b.length;
    if (a.length <= b.length) {
      merge_low(a, b);
    } else {
      merge_high(a, b);
    }
  }

  std::size_t left_of_equals(const T& key, const T* list, std::size_t length, std::size_t hint) {
    return gallop(list, length, hint, [&](const T& item) { return asks(item, key); });
  }

  std::size_t right_of_equals(const T& key, const T* list, std::size_t length, std::size_t hint) {
    return gallop(list, length, hint, [&](const T& item) { return !asks(key, item); });
  }

  /// How many items of a sorted list stand left of a key, searched from `hint` on in strides that
  /// double, then by halves. `passes(item)`: the key belongs to the right of the item.
  template <typename Passes>
  std::size_t gallop(const T* list, std::size_t length, std::size_t hint, Passes passes) {
    std::size_t known = 0;
    std::size_t stride = 1;
    std::size_t low = 0;
    std::size_t high = 0;
    if (passes(list[hint])) {
      const std::size_t most = length - hint;
      while (stride < most && passes(list[hint + stride])) {
        known = stride;
        stride = 2 * stride + 1;
      }
      low = hint + known + 1;
      high = hint + std::min(stride, most);
    } else {
      const std::size_t most = hint + 1;
      while (stride < most && !passes(list[hint - stride])) {
        known = stride;
        stride = 2 * stride + 1;
      }
      low = hint + 1 - std::min(stride, most);
      high = hint - known;
    }
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (passes(list[middle])) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /// Neighbours a and b, from the front; a, the shorter one, waits in the scratch memory. Its last
  /// item belongs at the very end, so it is never compared.
  void merge_low(Run a, Run b) {
    scratch_.assign(&items_[a.base], &items_[a.base] + a.length);
    const T* left = scratch_.data();
    T* right = &items_[b.base];
    T* out = &items_[a.base];
    *out++ = *right++;
    --b.length;
    if (b.length != 0 && a.length != 1) {
      while (compare_low(a, b, left, right, out) && gallop_low(a, b, left, right, out)) {
      }
    }
    out = std::move(right, right + b.length, out);
    std::copy(left, left + a.length, out);
  }

  /// One by one until a side wins often; false when only the rest is to be copied.
  bool compare_low(Run& a, Run& b, const T*& left, T*& right, T*& out) {
    std::size_t wins_a = 0;
    std::size_t wins_b = 0;
    while (wins_a < gallop_min_ && wins_b < gallop_min_) {
      if (asks(*right, *left)) {
        *out++ = *right++;
        ++wins_b;
        wins_a = 0;
        if (--b.length == 0) return false;
      } else {
        *out++ = *left++;
        ++wins_a;
        wins_b = 0;
        if (--a.length == 1) return false;
      }
    }
    return true;
  }

  /// Whole stretches at a time while they are long; false as above.
  bool gallop_low(Run& a, Run& b, const T*& left, T*& right, T*& out) {
    for (bool first = true;; first = false) {
      if (!first && gallop_min_ > 1) --gallop_min_;
      const std::size_t wins_a = right_of_equals(*right, left, a.length, 0);
      out = std::copy(left, left + wins_a, out);
      left += wins_a;
      a.length -= wins_a;
      // None is left only where the comparison contradicts itself.
      if (a.length <= 1) return false;
      *out++ = *right++;
      if (--b.length == 0) return false;
      const std::size_t wins_b = left_of_equals(*left, right, b.length, 0);
      out = std::move(right, right + wins_b, out);
      right += wins_b;
      b.length -= wins_b;
      if (b.length == 0) return false;
      *out++ = *left++;
      if (--a.length == 1) return false;
      if (wins_a < gallop_wins && wins_b < gallop_wins) break;
    }
    ++gallop_min_;
    return true;
  }

  /// As merge_low, from the back; b waits in the scratch memory, and its first item is never
  /// compared. The pointers stand behind the next item.
  void merge_high(Run a, Run b) {
    scratch_.assign(&items_[b.base], &items_[b.base] + b.length);
    const T* right = scratch_.data() + b.length;
    T* left = &items_[a.base] + a.length;
    T* out = &items_[b.base] + b.length;
    *--out = *--left;
    --a.length;
    if (a.length != 0 && b.length != 1) {
      while (compare_high(a, b, left, right, out) && gallop_high(a, b, left, right, out)) {
      }
    }
    out = std::move_backward(left - a.length, left, out);
    std::copy_backward(right - b.length, right, out);
  }

  bool compare_high(Run& a, Run& b, T*& left, const T*& right, T*& out) {
    std::size_t wins_a = 0;
    std::size_t wins_b = 0;
    while (wins_a < gallop_min_ && wins_b < gallop_min_) {
      if (asks(right[-1], left[-1])) {
        *--out = *--left;
        ++wins_a;
        wins_b = 0;
        if (--a.length == 0) return false;
      } else {
        *--out = *--right;
        ++wins_b;
        wins_a = 0;
        if (--b.length == 1) return false;
      }
    }
    return true;
  }

  bool gallop_high(Run& a, Run& b, T*& left, const T*& right, T*& out) {
    for (bool first = true;; first = false) {
      if (!first && gallop_min_ > 1) --gallop_min_;
      const std::size_t wins_a =
          a.length - right_of_equals(right[-1], left - a.length, a.length, a.length - 1);
      out = std::move_backward(left - wins_a, left, out);
      left -= wins_a;
      a.length -= wins_a;
      if (a.length == 0) return false;
      *--out = *--right;
      if (--b.length == 1) return false;
      const std::size_t wins_b =
          b.length - left_of_equals(left[-1], right - b.length, b.length, b.length - 1);
      out = std::copy_backward(right - wins_b, right, out);
      right -= wins_b;
      b.length -= wins_b;
      if (b.length <= 1) return false;
      *--out = *--left;
      if (--a.length == 0) return false;
      if (wins_a < gallop_wins && wins_b < gallop_wins) break;
    }
    ++gallop_min_;
    return true;
  }

  std::span<T> items_;
  Before before_;
  std::vector<T>& scratch_;
  std::array<Run, runs_max> runs_;
  std::size_t depth_ = 0;
  std::size_t gallop_min_ = gallop_wins;
  std::uint64_t work_ = 0;
};

}  // namespace weft::yjs
