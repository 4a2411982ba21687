#include "weft/yjs/id_set.h"

#include <algorithm>
#include <iterator>

namespace weft::yjs {
namespace {

using ranges = std::vector<clock_range>;

/// As many ranges as are inserted one by one.
constexpr std::size_t few = 16;

/// The first range that ends at or after `clock`: the only one that could hold or touch it.
ranges::const_iterator first_ending_at(const ranges& list, clock_value clock) {
  // Editing asks about the newest range nearly always.
  if (list.size() == 1 || (list.size() > 1 && list[list.size() - 2].end < clock)) {
    return list.back().end >= clock ? list.end() - 1 : list.end();
  }
  return std::lower_bound(list.begin(), list.end(), clock,
                          [](const clock_range& r, clock_value c) { return r.end < c; });
}

}  // namespace

void IdSet::add(client_id client, clock_range range) {
  if (range.start >= range.end) return;
  ranges& list = clients_[client];
  if (list.empty() || list.back().end < range.start) {
    list.push_back(range);
    return;
  }
  if (list.back().start <= range.start) {
    list.back().end = std::max(list.back().end, range.end);
    return;
  }
  const auto at = list.begin() + (first_ending_at(list, range.start) - list.cbegin());
  if (range.end < at->start) {
    list.insert(at, range);
    return;
  }
  auto last = at;
  while (last + 1 != list.end() && (last + 1)->start <= range.end) ++last;
  at->start = std::min(at->start, range.start);
  at->end = std::max(last->end, range.end);
  list.erase(at + 1, last + 1);
}

void IdSet::add(client_id client, std::span<const clock_range> sorted) {
  if (sorted.empty()) return;
  ranges& list = clients_[client];
  if (sorted.size() < few || list.empty() || list.back().end < sorted.front().start) {
    for (const clock_range& range : sorted) add(client, range);
    return;
  }
  // Inserting many ranges one by one would move the tail each time.
  ranges all;
  all.reserve(list.size() + sorted.size());
  std::merge(list.begin(), list.end(), sorted.begin(), sorted.end(), std::back_inserter(all),
             [](const clock_range& a, const clock_range& b) { return a.start < b.start; });
  list.clear();
  for (const clock_range& range : all) {
    if (!list.empty() && list.back().end >= range.start) {
      list.back().end = std::max(list.back().end, range.end);
    } else {
      list.push_back(range);
    }
  }
}

void IdSet::add(const IdSet& other) {
  for (const auto& [client, list] : other.clients_) add(client, std::span(list));
}

bool IdSet::contains(client_id client, clock_range range) const {
  if (range.start >= range.end) return true;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return false;
  const auto at = first_ending_at(found->second, range.end);
  return at != found->second.end() && at->start <= range.start;
}

bool IdSet::intersects(client_id client, clock_range range) const {
  if (range.start >= range.end) return false;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return false;
  const auto at = first_ending_at(found->second, range.start + 1);
  return at != found->second.end() && at->start < range.end;
}

std::vector<clock_range> IdSet::missing(client_id client, clock_range range) const {
  std::vector<clock_range> out;
  if (range.start >= range.end) return out;
  const auto found = clients_.find(client);
  if (found != clients_.end()) {
    const ranges& list = found->second;
    for (auto at = first_ending_at(list, range.start + 1);
         at != list.end() && at->start < range.end && range.start < range.end; ++at) {
      if (range.start < at->start) out.push_back({range.start, at->start});
      range.start = at->end;
    }
  }
  if (range.start < range.end) out.push_back(range);
  return out;
}

clock_value IdSet::contiguous_end(client_id client) const {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.empty() || found->second.front().start != 0) {
    return 0;
  }
  return found->second.front().end;
}

std::size_t IdSet::bytes_used() const {
  // A node of the map holds its pair, a link and a cached hash.
  std::size_t bytes = clients_.bucket_count() * sizeof(void*) +
                      clients_.size() * (sizeof(map::value_type) + 2 * sizeof(void*));
  for (const auto& [client, list] : clients_) bytes += list.capacity() * sizeof(clock_range);
  return bytes;
}

}  // namespace weft::yjs
