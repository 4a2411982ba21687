#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace weft::yjs {

/// At most `Max` ranges side by side. Under RangeList.
template <typename Range, std::size_t Max>
class RangeChunk {
 public:
  RangeChunk() = default;
  RangeChunk(const RangeChunk& other) : RangeChunk(other, 0, other.size_) {}
  RangeChunk(RangeChunk&& other) noexcept { swap(other); }
  RangeChunk& operator=(RangeChunk other) noexcept {
    swap(other);
    return *this;
  }
  ~RangeChunk() = default;

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == Max; }
  std::size_t size() const { return size_; }
  std::size_t bytes_used() const { return capacity_ * sizeof(Range); }
  Range& operator[](std::size_t at) { return ranges_[at]; }
  const Range& operator[](std::size_t at) const { return ranges_[at]; }
  Range& back() { return ranges_[size_ - 1]; }
  const Range& back() const { return ranges_[size_ - 1]; }
  const Range* begin() const { return ranges_.get(); }
  const Range* end() const { return begin() + size_; }

  /// The first range that ends at or after `clock`, or the size.
  template <typename Clock>
  std::size_t first_ending_at(Clock clock) const {
    // Editing asks about the newest range nearly always.
    if (size_ == 1 || (size_ > 1 && ranges_[size_ - 2].end < clock)) {
      return back().end >= clock ? size_ - 1 : size_;
    }
    const auto found = std::lower_bound(begin(), end(), clock,
                                        [](const Range& range, Clock c) { return range.end < c; });
    return static_cast<std::size_t>(found - begin());
  }

  /// The first range from `from` on that starts behind `clock`, or the size.
  template <typename Clock>
  std::size_t first_starting_behind(Clock clock, std::size_t from) const {
    const auto found = std::upper_bound(
        begin() + from, end(), clock, [](Clock c, const Range& range) { return c < range.start; });
    return static_cast<std::size_t>(found - begin());
  }

  /// Only when not full.
  void insert(std::size_t at, Range range) {
    if (size_ == capacity_) grow();
    std::move_backward(&ranges_[at], ranges_.get() + size_, ranges_.get() + size_ + 1);
    ranges_[at] = std::move(range);
    ++size_;
  }

  void push_back(Range range) {
    if (size_ == capacity_) grow();
    ranges_[size_++] = std::move(range);
  }

  void erase(std::size_t from, std::size_t to) {
    if (from == to) return;
    std::move(ranges_.get() + to, ranges_.get() + size_, ranges_.get() + from);
    size_ -= static_cast<std::uint32_t>(to - from);
  }

  /// Keeps the first half; the other is the answer. Neither has room to spare.
  RangeChunk halve() {
    const std::size_t middle = size_ / 2;
    RangeChunk second(*this, middle, size_);
    *this = RangeChunk(*this, 0, middle);
    return second;
  }

 private:
  RangeChunk(const RangeChunk& other, std::size_t from, std::size_t to)
      : ranges_(std::make_unique<Range[]>(to - from)),
        size_(static_cast<std::uint32_t>(to - from)),
        capacity_(size_) {
    std::copy(other.begin() + from, other.begin() + to, ranges_.get());
  }

  void swap(RangeChunk& other) noexcept {
    std::swap(ranges_, other.ranges_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  void grow() {
    const std::size_t capacity = std::clamp<std::size_t>(std::size_t{2} * capacity_, 1, Max);
    auto ranges = std::make_unique<Range[]>(capacity);
    std::move(ranges_.get(), ranges_.get() + size_, ranges.get());
    ranges_ = std::move(ranges);
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  std::unique_ptr<Range[]> ranges_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

/// A sorted list of disjoint, non-adjacent ranges [start, end).
///
/// The newest ones stand in a chunk of their own, which is all that most lists have: growing at the
/// end is a compare and a write. Older ones stand in chunks of at most `ChunkMax`, so putting one
/// between them moves no more than a chunk and, once in a chunk's worth, an index of 16 bytes a
/// chunk: n ranges in any order cost about n, up to some 10^8. The size of a list is that of its
/// ranges, with room to grow as a vector has.
///
/// `Range` has `start` and `end`. Threading: as a vector.
template <typename Range, std::size_t ChunkMax = 512>
class RangeList {
 public:
  class const_iterator {
   public:
    using value_type = Range;
    using difference_type = std::ptrdiff_t;

    const_iterator() = default;
    const Range& operator*() const { return *at_; }
    const Range* operator->() const { return at_; }
    bool operator==(const const_iterator& other) const { return at_ == other.at_; }
    const_iterator& operator++() {
      if (++at_ == list_->chunk_at(chunk_).end()) {
        at_ = ++chunk_ < list_->chunks() ? list_->chunk_at(chunk_).begin() : nullptr;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator old = *this;
      ++*this;
      return old;
    }

   private:
    friend RangeList;

    const RangeList* list_ = nullptr;
    std::size_t chunk_ = 0;
    const Range* at_ = nullptr;  ///< nothing at the end
  };

  RangeList() = default;
  RangeList(const RangeList& other)
      : last_(other.last_),
        earlier_(other.earlier_ ? std::make_unique<index>(*other.earlier_) : nullptr) {}
  RangeList(RangeList&&) noexcept = default;
  RangeList& operator=(RangeList other) noexcept {
    last_ = std::move(other.last_);
    earlier_ = std::move(other.earlier_);
    return *this;
  }
  ~RangeList() = default;

  const_iterator begin() const { return empty() ? end() : iterator_at(0, 0); }
  const_iterator end() const { return {}; }
  bool operator==(const RangeList& other) const { return std::ranges::equal(*this, other); }

  bool empty() const { return last_.empty(); }

  /// The first one. Not of an empty list.
  const Range& front() const { return earlier_ ? earlier_->front()[0] : last_[0]; }

  /// Adds a range that is not empty.
  void add(const Range& range) {
    if (last_.empty() || last_.back().end < range.start) return append(range);
    if (last_.back().start <= range.start) {
      last_.back().end = std::max(last_.back().end, range.end);
      return;
    }
    const std::size_t at = chunk_ending_at(range.start);
    Chunk& chunk = chunk_at(at);
    const std::size_t found = chunk.first_ending_at(range.start);
    if (range.end < chunk[found].start) return insert(at, found, range);
    chunk[found].start = std::min(chunk[found].start, range.start);
    chunk[found].end = std::max(chunk[found].end, range.end);
    swallow(at, found, range.end);
  }

  /// Adds ranges that are sorted, disjoint and not empty, in time at most linear in both lists.
  void add(std::span<const Range> sorted) {
    if (sorted.empty()) return;
    if (last_.empty() || last_.back().end < sorted.front().start ||
        sorted.size() < size() / few_part) {
      for (const Range& range : sorted) add(range);
      return;
    }
    RangeList both;
    auto next = sorted.begin();
    for (const Range& range : *this) {
      for (; next != sorted.end() && next->start < range.start; ++next) both.add(*next);
      both.add(range);
    }
    for (; next != sorted.end(); ++next) both.add(*next);
    *this = std::move(both);
  }

  /// The first range that ends at or after `clock`, the only one that could hold or touch it; or
  /// the end.
  template <typename Clock>
  const_iterator first_ending_at(Clock clock) const {
    const std::size_t at = chunk_ending_at(clock);
    const std::size_t found = chunk_at(at).first_ending_at(clock);
    return found == chunk_at(at).size() ? end() : iterator_at(at, found);
  }

  std::size_t size() const {
    std::size_t out = 0;
    for (std::size_t at = 0; at < chunks(); ++at) out += chunk_at(at).size();
    return out;
  }

  /// Beside the list itself.
  std::size_t bytes_used() const {
    std::size_t out = last_.bytes_used();
    if (!earlier_) return out;
    for (const Chunk& chunk : *earlier_) out += chunk.bytes_used();
    return out + sizeof *earlier_ + earlier_->capacity() * sizeof(Chunk);
  }

 private:
  using Chunk = RangeChunk<Range, ChunkMax>;
  using index = std::vector<Chunk>;

  /// Up to this part of a list, ranges are added one by one.
  static constexpr std::size_t few_part = 64;

  std::size_t chunks() const { return (earlier_ ? earlier_->size() : 0) + 1; }
  Chunk& chunk_at(std::size_t at) { return at + 1 == chunks() ? last_ : (*earlier_)[at]; }
  const Chunk& chunk_at(std::size_t at) const {
    return at + 1 == chunks() ? last_ : (*earlier_)[at];
  }

  const_iterator iterator_at(std::size_t chunk, std::size_t place) const {
    const_iterator out;
    out.list_ = this;
    out.chunk_ = chunk;
    out.at_ = &chunk_at(chunk)[place];
    return out;
  }

  /// The first chunk with a range that ends at or after `clock`, or the last.
  template <typename Clock>
  std::size_t chunk_ending_at(Clock clock) const {
    if (!earlier_) return 0;
    if (earlier_->back().back().end < clock) return earlier_->size();
    const auto found =
        std::lower_bound(earlier_->begin(), earlier_->end(), clock,
                         [](const Chunk& chunk, Clock c) { return chunk.back().end < c; });
    return static_cast<std::size_t>(found - earlier_->begin());
  }

  index& earlier() {
    if (!earlier_) earlier_ = std::make_unique<index>();
    return *earlier_;
  }

  void append(const Range& range) {
    if (last_.full()) earlier().push_back(std::exchange(last_, {}));
    last_.push_back(range);
  }

  void insert(std::size_t at, std::size_t place, const Range& range) {
    if (chunk_at(at).full()) {
      Chunk second = chunk_at(at).halve();
      Chunk first = std::exchange(chunk_at(at), std::move(second));
      const std::size_t half = first.size();
      earlier().insert(earlier().begin() + static_cast<std::ptrdiff_t>(at), std::move(first));
      if (place > half) {
        ++at;
        place -= half;
      }
    }
    chunk_at(at).insert(place, range);
  }

  /// Range `place` of chunk `at` now ends at or behind `end`: it takes in those it reaches.
  template <typename Clock>
  void swallow(std::size_t at, std::size_t place, Clock end) {
    Chunk& chunk = chunk_at(at);
    Range& joined = chunk[place];
    const auto join = [&](Chunk& with, std::size_t from) {
      const std::size_t to = with.first_starting_behind(end, from);
      if (to > from) joined.end = std::max(joined.end, with[to - 1].end);
      const bool all = to == with.size();
      with.erase(from, to);
      return all;
    };
    std::size_t next = at + 1;
    if (!join(chunk, place + 1)) return;
    while (next < chunks() && join(chunk_at(next), 0)) ++next;
    if (next == at + 1) return;
    // Chunks behind this one are empty now. When it is the newest that is left, it becomes the
    // last.
    const bool is_last = next == chunks();
    if (is_last) last_ = std::move(chunk);
    const auto first = earlier_->begin();
    earlier_->erase(first + static_cast<std::ptrdiff_t>(is_last ? at : at + 1),
                    first + static_cast<std::ptrdiff_t>(is_last ? next - 1 : next));
    if (earlier_->empty()) earlier_.reset();
  }

  Chunk last_;
  std::unique_ptr<index> earlier_;  ///< with a chunk in it, or nothing
};

}  // namespace weft::yjs
