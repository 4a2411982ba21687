#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "weft/yjs/range_list.h"

namespace weft::yjs {

/// Yjs numbers: JavaScript safe integers, at most 2^53 - 1.
using client_id = std::uint64_t;
using clock_value = std::uint64_t;

/// Clocks [start, end) of one client.
struct clock_range {
  clock_value start = 0;
  clock_value end = 0;
  bool operator==(const clock_range&) const = default;
};

/// For every client a sorted list of disjoint, non-adjacent clock ranges.
///
/// Cheap when ranges grow at their end, which is what editing does: one hash look-up and a compare.
/// Ranges that come in any other order cost a search and a move within a bounded chunk; see
/// RangeList.
class IdSet {
 public:
  void add(client_id client, clock_range range);
  void add(const IdSet& other);

  /// Adds ranges that are sorted, disjoint and not empty, in time at most linear in both lists.
  void add(client_id client, std::span<const clock_range> sorted);

  /// Is every clock of the range in the set? An empty range is.
  bool contains(client_id client, clock_range range) const;

  /// Is every clock of `other` in the set?
  bool contains(const IdSet& other) const;

  /// Is any clock of the range in the set?
  bool intersects(client_id client, clock_range range) const;

  /// The parts of `range` that are not in the set, in order.
  std::vector<clock_range> missing(client_id client, clock_range range) const;

  /// The first clock from zero on that the set lacks: what a state vector says of the client.
  clock_value contiguous_end(client_id client) const;

  bool empty() const { return clients_.empty(); }
  std::size_t bytes_used() const;

  /// No list is empty.
  using map = std::unordered_map<client_id, RangeList<clock_range>>;
  const map& clients() const { return clients_; }

 private:
  map clients_;
};

}  // namespace weft::yjs
