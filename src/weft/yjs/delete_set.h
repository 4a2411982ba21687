#pragma once

#include <deque>

#include "weft/yjs/structs.h"

namespace weft::yjs {

struct Deletion {
  client_id client = 0;
  clock_range range;
};

/// Deletions in the order in which they were read. A deque, so that a hostile update cannot make
/// growth hold several copies.
using deletion_list = std::deque<Deletion>;

/// Sorts (clients descending, as Yjs writes them) and joins ranges that touch or overlap.
void sort_and_join(deletion_list& deletions);

/// Writes the list grouped by client, clients descending, each client's entries in their order.
void write_deletions(const deletion_list& deletions, Writer& out);

/// The same in format v2, which says how far an entry starts behind the one before it: the list is
/// first rid of empty entries and, when some client's do not ascend, sorted and joined.
void write_deletions_v2(deletion_list& deletions, Writer& out);

}  // namespace weft::yjs
