#include "weft/yjs/id_set.h"

#include <algorithm>

namespace weft::yjs {

void IdSet::add(client_id client, clock_range range) {
  if (range.start < range.end) clients_[client].add(range);
}

void IdSet::add(client_id client, std::span<const clock_range> sorted) {
  if (!sorted.empty()) clients_[client].add(sorted);
}

void IdSet::add(const IdSet& other) {
  std::vector<clock_range> ranges;
  for (const auto& [client, list] : other.clients_) {
    ranges.assign(list.begin(), list.end());
    add(client, ranges);
  }
}

bool IdSet::contains(client_id client, clock_range range) const {
  if (range.start >= range.end) return true;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return false;
  const auto at = found->second.first_ending_at(range.end);
  return at != found->second.end() && at->start <= range.start;
}

bool IdSet::contains(const IdSet& other) const {
  return std::ranges::all_of(other.clients_, [&](const auto& entry) {
    return std::ranges::all_of(entry.second,
                               [&](clock_range range) { return contains(entry.first, range); });
  });
}

bool IdSet::intersects(client_id client, clock_range range) const {
  if (range.start >= range.end) return false;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return false;
  const auto at = found->second.first_ending_at(range.start + 1);
  return at != found->second.end() && at->start < range.end;
}

std::vector<clock_range> IdSet::missing(client_id client, clock_range range) const {
  std::vector<clock_range> out;
  if (range.start >= range.end) return out;
  const auto found = clients_.find(client);
  if (found != clients_.end()) {
    for (auto at = found->second.first_ending_at(range.start + 1);
         at != found->second.end() && at->start < range.end && range.start < range.end; ++at) {
      if (range.start < at->start) out.push_back({range.start, at->start});
      range.start = at->end;
    }
  }
  if (range.start < range.end) out.push_back(range);
  return out;
}

clock_value IdSet::contiguous_end(client_id client) const {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.front().start != 0) return 0;
  return found->second.front().end;
}

std::size_t IdSet::bytes_used() const {
  // A node of the map holds its pair, a link and a cached hash.
  std::size_t bytes = clients_.bucket_count() * sizeof(void*) +
                      clients_.size() * (sizeof(map::value_type) + 2 * sizeof(void*));
  for (const auto& [client, list] : clients_) bytes += list.bytes_used();
  return bytes;
}

}  // namespace weft::yjs
