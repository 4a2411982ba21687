#include <algorithm>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

/// Calls `on_struct(client, range)` for each Item and GC range and `on_deletion(client, range)`.
/// `falling_clients`: see StructReader.
template <typename OnStruct, typename OnDeletion>
errc visit(byte_view update, OnStruct&& on_struct, OnDeletion&& on_deletion,
           bool* falling_clients = nullptr) {
  StructReader reader(update);
  Struct s;
  // Neighbours are reported as one range: one look-up for a whole section.
  client_id client = 0;
  clock_range run;
  while (reader.next(s)) {
    if (s.is_skip() || s.length == 0) continue;
    if (s.client == client && s.clock == run.end) {
      run.end = s.clock_end();
      continue;
    }
    if (run.end != run.start) on_struct(client, run);
    client = s.client;
    run = {s.clock, s.clock_end()};
  }
  if (falling_clients != nullptr) *falling_clients = reader.falling_clients();
  if (reader.in().ok()) {
    if (run.end != run.start) on_struct(client, run);
    read_deletions(reader.in(), [&](client_id c, clock_range range) {
      if (range.start != range.end) on_deletion(c, range);
    });
  }
  return reader.in().code();
}

constexpr auto ignore = [](client_id, clock_range) {};

void add_all(deletion_list& list, IdSet& into) {
  sort_and_join(list);
  std::vector<clock_range> ranges;
  // The list is given back while the set grows, for both together would be the peak.
  while (!list.empty()) {
    const client_id client = list.front().client;
    ranges.clear();
    for (; !list.empty() && list.front().client == client; list.pop_front()) {
      ranges.push_back(list.front().range);
    }
    into.add(client, ranges);
  }
}

}  // namespace

result<void> validate(byte_view update) {
  const errc code = visit(update, ignore, ignore);
  if (code != errc{}) return decode_failure(code);
  return {};
}

result<bool> is_empty(byte_view update) {
  bool empty = true;
  const auto found = [&](client_id, clock_range) { empty = false; };
  const errc code = visit(update, found, found);
  if (code != errc{}) return decode_failure(code);
  return empty;
}

result<void> learn(byte_view update, Knowledge& into) {
  // An error must leave no trace, so the update is read once before anything is added.
  constexpr std::size_t few = 32;
  std::size_t ranges = 0;
  const auto count = [&](client_id, clock_range) { ++ranges; };
  const errc code = visit(update, count, count);
  if (code != errc{}) return decode_failure(code);
  if (ranges <= few) {
    visit(
        update, [&](client_id c, clock_range r) { into.structs.add(c, r); },
        [&](client_id c, clock_range r) { into.deletions.add(c, r); });
    return {};
  }
  // Many ranges are sorted first: added one by one in a hostile order they would cost the square.
  deletion_list structs;
  deletion_list deletions;
  visit(
      update, [&](client_id c, clock_range r) { structs.push_back({c, r}); },
      [&](client_id c, clock_range r) { deletions.push_back({c, r}); });
  add_all(structs, into.structs);
  add_all(deletions, into.deletions);
  return {};
}

result<Novelty> classify(byte_view update, const Knowledge& held) {
  bool carries = false;
  bool known = false;  // some struct clock is held
  bool news = false;   // some struct or deletion is not
  bool falling_clients = true;
  const errc code = visit(
      update,
      [&](client_id client, clock_range range) {
        carries = true;
        if (held.structs.contains(client, range)) {
          known = true;
        } else {
          news = true;
          known = known || held.structs.intersects(client, range);
        }
      },
      [&](client_id client, clock_range range) {
        carries = true;
        news = news || !held.deletions.contains(client, range);
      },
      &falling_clients);
  if (code != errc{}) return decode_failure(code);
  if (!carries) return Novelty::empty;
  if (!news) return Novelty::contained;
  // An update that may name a client twice is never passed on as it is: receivers would differ in
  // what they make of it. `reduce` writes it in order.
  return known || !falling_clients ? Novelty::partly : Novelty::fresh;
}

byte_view empty_update() {
  static constexpr std::uint8_t bytes[] = {0, 0};
  return bytes;
}

byte_view empty_state_vector() {
  static constexpr std::uint8_t bytes[] = {0};
  return bytes;
}

}  // namespace weft::yjs
