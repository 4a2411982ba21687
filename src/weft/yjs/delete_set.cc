#include "weft/yjs/delete_set.h"

#include <algorithm>
#include <vector>

namespace weft::yjs {
namespace {

/// Neighbours [begin, end) of one client in a list.
struct Run {
  client_id client = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

using run_list = std::vector<Run>;

/// Clients descending; the runs of one client in the order of the list.
run_list runs_by_client(const deletion_list& list) {
  std::size_t count = 0;
  const auto starts = [&](std::size_t i) { return i == 0 || list[i].client != list[i - 1].client; };
  for (std::size_t i = 0; i < list.size(); ++i) count += starts(i) ? 1 : 0;
  run_list runs;
  runs.reserve(count);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (starts(i)) runs.push_back({list[i].client, i, i});
    runs.back().end = i + 1;
  }
  const auto before = [](const Run& a, const Run& b) {
    return a.client != b.client ? a.client > b.client : a.begin < b.begin;
  };
  if (!std::is_sorted(runs.begin(), runs.end(), before)) {
    std::sort(runs.begin(), runs.end(), before);
  }
  return runs;
}

/// Calls `each(end of the client's entry before, or zero, range)` for all entries of all clients,
/// and `client(first run, end run)` ahead of each client's.
template <typename Client, typename Each>
void visit_by_client(const deletion_list& list, const run_list& runs, Client&& client,
                     Each&& each) {
  for (auto run = runs.begin(); run != runs.end();) {
    auto end = run;
    while (end != runs.end() && end->client == run->client) ++end;
    client(run, end);
    clock_value before = 0;
    for (; run != end; ++run) {
      for (std::size_t i = run->begin; i < run->end; ++i) {
        each(before, list[i].range);
        before = list[i].range.end;
      }
    }
  }
}

template <typename Each>
void write_by_client(const deletion_list& list, const run_list& runs, Writer& out, Each&& each) {
  std::uint64_t clients = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i == 0 || runs[i].client != runs[i - 1].client) ++clients;
  }
  out.uint(clients);
  const auto client = [&](auto run, auto end) {
    out.uint(run->client);
    std::uint64_t entries = 0;
    for (; run != end; ++run) entries += run->end - run->begin;
    out.uint(entries);
  };
  visit_by_client(list, runs, client, each);
}

/// Does every entry of a client start at or behind the end of the one before it?
bool ascend(const deletion_list& list, const run_list& runs) {
  bool good = true;
  visit_by_client(
      list, runs, [](auto, auto) {},
      [&](clock_value before, clock_range range) { good = good && before <= range.start; });
  return good;
}

}  // namespace

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
  write_by_client(deletions, runs_by_client(deletions), out, [&](clock_value, clock_range range) {
    out.uint(range.start);
    out.uint(range.end - range.start);
  });
}

void write_deletions_v2(deletion_list& deletions, Writer& out) {
  std::erase_if(deletions, [](const Deletion& d) { return d.range.start == d.range.end; });
  run_list runs = runs_by_client(deletions);
  if (!ascend(deletions, runs)) {
    sort_and_join(deletions);
    runs = runs_by_client(deletions);
  }
  write_by_client(deletions, runs, out, [&](clock_value before, clock_range range) {
    out.uint(range.start - before);
    out.uint(range.end - range.start - 1);
  });
}

}  // namespace weft::yjs
