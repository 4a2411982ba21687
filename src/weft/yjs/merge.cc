#include <optional>

#include "weft/yjs/merge_order.h"
#include "weft/yjs/packing.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

/// Comparisons and moves that the exact order may take, for all and for each byte of input; then a
/// GC and an Item at the same clock count as equal.
constexpr std::uint64_t exact_work_max = std::uint64_t{1} << 27;
constexpr std::uint64_t exact_work_max_per_byte = 16;

/// A struct without its first `from` clocks.
struct Slice {
  Struct s;
  std::uint64_t from = 0;
  bool set = false;

  clock_value end() const { return s.clock_end(); }
};

/// Yjs' mergeUpdates, step for step.
class Merger {
 public:
  Merger(std::span<const byte_view> updates, Values values) : readers_(updates, values) {}

  MergeReaders& readers() { return readers_; }

  /// Nothing when the order gives up.
  template <typename Order>
  std::optional<result<byte_vector>> run(Order order) {
    while (readers_.code() == errc{} && order.next()) step();
    if (readers_.code() != errc{}) return decode_failure(readers_.code());
    if (order.gave_up()) return std::nullopt;
    if (pending_.set) write_pending();
    Writer out;
    sections_.finish(out);
    sort_and_join(readers_.deletions());
    write_deletions(readers_.deletions(), out);
    return out.take();
  }

 private:
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
    const Struct& current = readers_.current();
    const client_id first_client = current.client;
    if (!pending_.set) {
      set_pending(current, 0);
      readers_.advance();
      return follow(first_client);
    }
    bool iterated = false;
    while (readers_.has_current() && current.clock_end() <= pending_.end() &&
           current.client >= pending_.s.client) {
      readers_.advance();
      iterated = true;
    }
    if (!readers_.has_current() || current.client != first_client ||
        (iterated && current.clock > pending_.end())) {
      return;
    }
    if (first_client != pending_.s.client) {
      write_pending();
      set_pending(current, 0);
      readers_.advance();
    } else if (pending_.end() < current.clock) {
      write_pending();
      Struct skip;
      skip.info = skip_ref;
      skip.client = first_client;
      skip.clock = pending_.end();
      skip.length = current.clock - pending_.end();
      set_pending(skip, 0);
    } else {
      const std::uint64_t overlap = pending_.end() - current.clock;
      if (pending_.s.is_gc() && current.is_gc()) {
        pending_.s.length += current.length - overlap;
      } else {
        write_pending();
        set_pending(current, overlap);
        readers_.advance();
      }
    }
    follow(first_client);
  }

  /// Writes what continues the pending struct without a gap.
  void follow(client_id first_client) {
    const Struct& current = readers_.current();
    while (readers_.has_current() && current.client == first_client &&
           current.clock == pending_.end()) {
      write_pending();
      set_pending(current, 0);
      readers_.advance();
    }
  }

  MergeReaders readers_;
  Slice pending_;
  SectionWriter sections_;
};

std::optional<result<byte_vector>> merge_by_heap(std::span<const byte_view> updates, Values values,
                                                 HeapOrder::on_contradiction policy) {
  Merger merger(updates, values);
  return merger.run(HeapOrder(merger.readers(), policy));
}

std::optional<result<byte_vector>> merge_exactly(std::span<const byte_view> updates,
                                                 Values values) {
  std::uint64_t work_max = exact_work_max;
  for (const byte_view update : updates) work_max += update.size() * exact_work_max_per_byte;
  Merger merger(updates, values);
  return merger.run(ExactOrder(merger.readers(), work_max));
}

result<byte_vector> merge_as(Values values, std::span<const byte_view> updates) {
  // Contradictions are rare, and only on the way does one show.
  using enum HeapOrder::on_contradiction;
  if (auto merged = merge_by_heap(updates, values, stop)) return *std::move(merged);
  if (auto merged = merge_exactly(updates, values)) return *std::move(merged);
  return *merge_by_heap(updates, values, take_as_equal);
}

}  // namespace

result<byte_vector> merge(std::span<const byte_view> updates) {
  if (updates.size() == 1) {
    const auto valid = validate(updates[0]);
    if (!valid) return std::unexpected(valid.error());
    return byte_vector(updates[0].begin(), updates[0].end());
  }
  return merge_as(Values::json, updates);
}

result<byte_vector> merge_unpacked(std::span<const byte_view> updates) {
  return merge_as(Values::any, updates);
}

}  // namespace weft::yjs
