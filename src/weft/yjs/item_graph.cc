#include "weft/yjs/item_graph.h"

#include <algorithm>
#include <unordered_set>

namespace weft::yjs {

namespace {

/// Steps of conflict resolution that one update may cost: some seconds.
constexpr std::uint64_t conflict_steps_max = 200'000'000;

bool later(const auto& a, const auto& b) { return a.clock > b.clock; }

}  // namespace

// --- building -----------------------------------------------------------------------------------

result<ItemGraph> ItemGraph::build(byte_view update) {
  const byte_view one[] = {update};
  // In order, without overlaps, deletions and deleted content agreeing.
  auto compacted = compact(one);
  if (!compacted) return base::fail(std::move(compacted.error()));
  ItemGraph out;
  out.bytes_ = base::shared_bytes::adopt(std::move(*compacted));
  if (const errc code = out.read(out.bytes_); code != errc{}) return decode_failure(code);
  return out;
}

errc ItemGraph::read(byte_view compacted) {
  StructReader reader(compacted);
  Struct s;
  while (reader.next(s)) {
    if (!s.is_skip()) clients_[s.client].structs.push_back(s);
  }
  if (!reader.in().ok()) return reader.in().code();
  if (const errc code = place_all(); code != errc{}) return code;
  read_deletions(reader.in(),
                 [&](client_id client, clock_range range) { mark_deleted(client, range); });
  if (!reader.in().ok()) return reader.in().code();
  return mark_visible();
}

errc ItemGraph::place_all() {
  std::vector<client_id> runnable;
  runnable.reserve(clients_.size());
  for (const auto& [id, client] : clients_) runnable.push_back(id);
  while (!runnable.empty()) {
    const client_id id = runnable.back();
    runnable.pop_back();
    Client& client = clients_.find(id)->second;
    while (place_next(id, client, runnable)) {
      if (conflict_steps_ > conflict_steps_max) return errc::too_large;
    }
  }
  return {};
}

bool ItemGraph::place_next(client_id id, Client& client, std::vector<client_id>& runnable) {
  if (client.next == client.structs.size()) return false;
  const Struct& s = client.structs[client.next];
  if (s.clock != client.state) return false;  // behind a gap
  Id missing;
  if (blocked_by(s, missing)) {
    // Who waits for itself, or for a client that is not there, waits for ever.
    const auto other = clients_.find(missing.client);
    if (missing.client != id && other != clients_.end()) {
      auto& waiting = other->second.waiting;
      waiting.push_back({missing.clock, id});
      std::push_heap(waiting.begin(), waiting.end(), later<Waiting, Waiting>);
    }
    return false;
  }
  ++client.next;
  place(s);
  client.state = s.clock_end();
  wake(client, runnable);
  return true;
}

void ItemGraph::wake(Client& client, std::vector<client_id>& runnable) {
  auto& waiting = client.waiting;
  while (!waiting.empty() && waiting.front().clock < client.state) {
    runnable.push_back(waiting.front().client);
    std::pop_heap(waiting.begin(), waiting.end(), later<Waiting, Waiting>);
    waiting.pop_back();
  }
}

bool ItemGraph::blocked_by(const Struct& s, Id& missing) const {
  const auto lacks = [&](Id id) {
    const auto client = clients_.find(id.client);
    if (client != clients_.end() && id.clock < client->second.state) return false;
    missing = id;
    return true;
  };
  if (!s.is_item()) return false;
  if (s.has_origin() && lacks(s.origin)) return true;
  if (s.has_right_origin() && lacks(s.right_origin)) return true;
  return !s.has_origin() && !s.has_right_origin() && s.parent_is_id && lacks(s.parent);
}

void ItemGraph::place(const Struct& s) {
  Node& node = nodes_.emplace_back();
  node.id = {s.client, s.clock};
  node.length = s.length;
  auto& nodes = clients_.find(s.client)->second.nodes;
  nodes.emplace_hint(nodes.end(), s.clock, &node);
  if (!s.is_item()) return;
  node.item = &s;
  node.has_origin = s.has_origin();
  node.has_right_origin = s.has_right_origin();
  node.origin = s.origin;
  node.right_origin = s.right_origin;
  if (s.ref() == type_ref) {
    node.content = std::make_unique<Branch>();
    node.content->item = &node;
  }
  if (node.has_origin) node.left = end_at(node.origin);
  if (node.has_right_origin) node.right = start_at(node.right_origin);
  if (node.has_origin || node.has_right_origin) {
    // Whatever hangs on something without a place has none either.
    const bool lost = (node.left != nullptr && node.left->parent == nullptr) ||
                      (node.right != nullptr && node.right->parent == nullptr);
    const Node* const neighbour = node.right != nullptr ? node.right : node.left;
    if (!lost) {
      node.parent = neighbour->parent;
      node.has_key = neighbour->has_key;
      node.key = neighbour->key;
    }
  } else {
    Reader in({s.begin + 1, s.content});
    if (in.uint() == 1) {
      node.parent = root(base::as_text(in.bytes()));
    } else {
      in.uint();
      in.uint();
      Node* const holder = node_at(s.parent);
      node.parent = holder->parent != nullptr ? holder->content.get() : nullptr;
    }
    if ((s.info & parent_sub_bit) != 0) {
      node.has_key = true;
      node.key = base::as_text(in.bytes());
    }
  }
  if (node.parent == nullptr || !integrate(node)) {
    node.left = node.right = nullptr;
    node.parent = nullptr;
  }
}

ItemGraph::Branch* ItemGraph::root(std::string_view name) {
  auto& found = roots_[name];
  if (!found) {
    found = std::make_unique<Branch>();
    found->name = name;
  }
  return found.get();
}

ItemGraph::Node* ItemGraph::first_of(Branch& branch, const Node& like) const {
  if (!like.has_key) return branch.first;
  const auto last = branch.last.find(like.key);
  if (last == branch.last.end()) return nullptr;
  Node* node = last->second;
  while (node->left != nullptr) node = node->left;
  return node;
}

/// Item.integrate. False when neighbours contradict each other, as no Yjs writes them.
bool ItemGraph::integrate(Node& node) {
  Branch& parent = *node.parent;
  const auto belongs = [&](const Node* other) {
    return other == nullptr ||
           (other->parent == &parent && other->has_key == node.has_key && other->key == node.key);
  };
  if (!belongs(node.left) || !belongs(node.right)) return false;
  const bool conflict =
      (node.left == nullptr && (node.right == nullptr || node.right->left != nullptr)) ||
      (node.left != nullptr && node.left->right != node.right);
  if (conflict) {
    Node* left = node.left;
    Node* other = left != nullptr ? left->right : first_of(parent, node);
    std::unordered_set<const Node*> conflicting, before_origin;
    while (other != nullptr && other != node.right) {
      ++conflict_steps_;
      before_origin.insert(other);
      conflicting.insert(other);
      const bool same_origin = node.has_origin == other->has_origin &&
                               (!node.has_origin || node.origin == other->origin);
      if (same_origin) {
        if (other->id.client < node.id.client) {
          left = other;
          conflicting.clear();
        } else if (node.has_right_origin == other->has_right_origin &&
                   (!node.has_right_origin || node.right_origin == other->right_origin)) {
          break;
        }
      } else if (const Node* origin = other->has_origin ? node_at(other->origin) : nullptr;
                 origin != nullptr && before_origin.contains(origin)) {
        if (!conflicting.contains(origin)) {
          left = other;
          conflicting.clear();
        }
      } else {
        break;
      }
      other = other->right;
    }
    node.left = left;
  }
  if (node.left != nullptr) {
    node.right = node.left->right;
    node.left->right = &node;
  } else {
    node.right = first_of(parent, node);
    if (!node.has_key) parent.first = &node;
  }
  if (node.right != nullptr) {
    node.right->left = &node;
  } else if (node.has_key) {
    parent.last[node.key] = &node;
  }
  return true;
}

// --- nodes --------------------------------------------------------------------------------------

ItemGraph::Node* ItemGraph::node_at(Id id) {
  auto& nodes = clients_.find(id.client)->second.nodes;
  return std::prev(nodes.upper_bound(id.clock))->second;
}

const ItemGraph::Node* ItemGraph::find(Id id) const {
  const auto client = clients_.find(id.client);
  if (client == clients_.end() || id.clock >= client->second.state) return nullptr;
  return std::prev(client->second.nodes.upper_bound(id.clock))->second;
}

ItemGraph::Node* ItemGraph::start_at(Id id) {
  Node* const node = node_at(id);
  return node->id.clock == id.clock ? node : split(*node, id.clock - node->id.clock);
}

ItemGraph::Node* ItemGraph::end_at(Id id) {
  Node* const node = node_at(id);
  if (node->end() != id.clock + 1) split(*node, id.clock + 1 - node->id.clock);
  return node;
}

ItemGraph::Node* ItemGraph::split(Node& node, std::uint64_t at) {
  Node& rest = nodes_.emplace_back();
  rest.id = {node.id.client, node.id.clock + at};
  rest.length = node.length - at;
  rest.item = node.item;
  rest.offset = node.offset + at;
  rest.deleted = node.deleted;
  rest.parent = node.parent;
  rest.has_key = node.has_key;
  rest.key = node.key;
  if (node.item != nullptr) {
    rest.has_origin = true;
    rest.origin = {node.id.client, node.id.clock + at - 1};
    rest.has_right_origin = node.has_right_origin;
    rest.right_origin = node.right_origin;
  }
  node.length = at;
  clients_.find(node.id.client)->second.nodes.emplace(rest.id.clock, &rest);
  if (node.parent == nullptr) return &rest;
  rest.left = &node;
  rest.right = node.right;
  node.right = &rest;
  if (rest.right != nullptr) {
    rest.right->left = &rest;
  } else if (rest.has_key) {
    rest.parent->last[rest.key] = &rest;
  }
  return &rest;
}

// --- what shows ---------------------------------------------------------------------------------

void ItemGraph::mark_deleted(client_id id, clock_range range) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  const clock_value end = std::min(range.end, client->second.state);
  if (range.start >= end) return;
  Node* node = start_at({id, range.start});
  end_at({id, end - 1});
  for (auto at = client->second.nodes.find(node->id.clock);
       at != client->second.nodes.end() && at->first < end; ++at) {
    at->second->deleted = true;
  }
}

errc ItemGraph::mark_visible() {
  std::vector<std::pair<Branch*, std::size_t>> open;
  for (const auto& [name, branch] : roots_) open.emplace_back(branch.get(), 1);
  while (!open.empty()) {
    const auto [branch, depth] = open.back();
    open.pop_back();
    if (depth > depth_max) return errc::too_large;
    const auto show = [&](Node* node) {
      node->visible = !node->deleted && node->live() && node->shown_by_parent();
      if (node->visible && node->content) open.emplace_back(node->content.get(), depth + 1);
    };
    for (Node* node = branch->first; node != nullptr; node = node->right) show(node);
    for (const auto& [key, node] : branch->last) show(node);
  }
  return {};
}

}  // namespace weft::yjs
