#include "weft/yjs/delete_set.h"

#include <algorithm>

namespace weft::yjs {

void sort_and_join(deletion_list& deletions) {
  const auto before = [](const Deletion& a, const Deletion& b) {
    return a.client != b.client ? a.client > b.client : a.range.start < b.range.start;
  };
  if (!std::is_sorted(deletions.begin(), deletions.end(), before)) {
    std::sort(deletions.begin(), deletions.end(), before);
  }
  if (deletions.empty()) return;
  auto last = deletions.begin();
  for (auto at = last + 1; at != deletions.end(); ++at) {
    if (at->client == last->client && last->range.end >= at->range.start) {
      last->range.end = std::max(last->range.end, at->range.end);
    } else {
      *++last = *at;
    }
  }
  deletions.erase(last + 1, deletions.end());
}

void write_deletions(const deletion_list& deletions, Writer& out) {
  std::uint64_t clients = 0;
  for (std::size_t i = 0; i < deletions.size(); ++i) {
    if (i == 0 || deletions[i].client != deletions[i - 1].client) ++clients;
  }
  out.uint(clients);
  for (auto at = deletions.begin(); at != deletions.end();) {
    auto end = at;
    while (end != deletions.end() && end->client == at->client) ++end;
    out.uint(at->client);
    out.uint(static_cast<std::uint64_t>(end - at));
    for (; at != end; ++at) {
      out.uint(at->range.start);
      out.uint(at->range.end - at->range.start);
    }
  }
}

}  // namespace weft::yjs
