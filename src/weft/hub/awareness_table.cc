#include "weft/hub/awareness_table.h"

#include <algorithm>

namespace weft::hub {

namespace {
constexpr std::string_view withdrawn = "null";
}

void AwarenessTable::assign(std::string& state, std::string_view with) {
  state_bytes_ += with.size();
  state_bytes_ -= state.size();
  state.assign(with);
}

bool AwarenessTable::has_room_for(const yjs::AwarenessEntry& entry) const {
  // A withdrawal is always taken: it makes room.
  if (entry.state == withdrawn) return true;
  std::size_t replaced = 0;
  if (const auto known = clients_.find(entry.client); known != clients_.end()) {
    replaced += known->second.state.size();
  }
  for (const Waiting& w : waiting_) {
    if (w.client == entry.client) replaced += w.state.size();
  }
  return state_bytes_ - replaced + entry.state.size() <= options_.awareness_bytes_max;
}

bool AwarenessTable::put(const yjs::AwarenessEntry& entry, std::uint64_t session) {
  auto [it, added] = clients_.try_emplace(entry.client);
  Client& client = it->second;
  const bool newer = added || entry.clock > client.clock ||
                     (entry.clock == client.clock && client.session == session &&
                      entry.state == withdrawn && client.state != withdrawn);
  if (!newer) return false;
  client.clock = entry.clock;
  assign(client.state, entry.state);
  client.session = session;
  client.change = ++last_change_;
  return true;
}

bool AwarenessTable::apply(const yjs::AwarenessEntry& entry, std::uint64_t session,
                           std::uint64_t visible_after, std::uint64_t committed) {
  if (entry.state.size() > options_.awareness_state_bytes_max) return false;
  if (clients_.size() + waiting_.size() >= options_.awareness_clients_max &&
      !clients_.contains(entry.client)) {
    return false;
  }
  if (!has_room_for(entry)) return false;
  if (visible_after <= committed) {
    put(entry, session);
    return true;
  }
  // Only the latest of a client waits.
  const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                               [&](const Waiting& w) { return w.client == entry.client; });
  if (it == waiting_.end()) {
    waiting_.push_back(
        {entry.client, entry.clock, std::string(entry.state), session, visible_after});
    state_bytes_ += entry.state.size();
  } else if (entry.clock > it->clock ||
             (entry.clock == it->clock && (it->session == session || entry.state != withdrawn))) {
    assign(it->state, entry.state);
    it->clock = entry.clock;
    it->session = session;
    it->visible_after = visible_after;
  }
  return true;
}

bool AwarenessTable::release(std::uint64_t committed) {
  bool changed = false;
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (w.visible_after > committed) return false;
    changed |= put({w.client, w.clock, w.state}, w.session);
    state_bytes_ -= w.state.size();
    return true;
  });
  return changed;
}

bool AwarenessTable::withdraw(std::uint64_t session) {
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (w.session != session) return false;
    state_bytes_ -= w.state.size();
    return true;
  });
  bool changed = false;
  for (auto& [id, client] : clients_) {
    if (client.session != session || client.state == withdrawn) continue;
    client.clock += 1;
    assign(client.state, withdrawn);
    client.session = 0;
    client.change = ++last_change_;
    changed = true;
  }
  return changed;
}

base::byte_vector AwarenessTable::changes_since(std::uint64_t seen,
                                                std::uint64_t& only_from) const {
  std::vector<yjs::AwarenessEntry> entries;
  only_from = 0;
  bool several = false;
  for (const auto& [id, client] : clients_) {
    if (client.change <= seen) continue;
    several |= !entries.empty() && client.session != only_from;
    only_from = client.session;
    entries.push_back({id, client.clock, client.state});
  }
  if (several) only_from = 0;
  return yjs::encode_awareness_update(entries);
}

void AwarenessTable::forget_withdrawn(std::uint64_t upto) {
  std::erase_if(clients_, [&](const auto& item) {
    if (item.second.state != withdrawn || item.second.change > upto) return false;
    state_bytes_ -= withdrawn.size();
    return true;
  });
}

}  // namespace weft::hub
