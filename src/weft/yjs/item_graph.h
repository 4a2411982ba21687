#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weft/yjs/structs.h"
#include "weft/yjs/update.h"

/// Items in the order in which documents show them; private to this module.
namespace weft::yjs {

/// An update put together as Yjs puts a document together: every type with its list of items in
/// their final order and the chains of values of its keys. Built to be read once, then thrown away.
///
/// Order of items: Yjs' Item.integrate (YATA); it does not depend on the order of arrival.
/// Memory: about 200 bytes for each struct. Time: near linear, but for conflicts (many inserts at
/// one place), which cost what they cost Yjs, up to a bound.
/// Source: https://github.com/yjs/yjs/blob/v13.6.0/src/structs/Item.js
class ItemGraph {
 public:
  struct Node;

  /// A type of the document: a root, or the content of an item.
  struct Branch {
    std::string_view name;                   ///< of a root
    const Node* item = nullptr;              ///< that it is the content of; none: a root
    Node* first = nullptr;                   ///< of its list
    std::map<std::string_view, Node*> last;  ///< the latest value of each key
  };

  /// The clocks [id.clock, id.clock + length) of one item, as far as they stand together.
  struct Node {
    Id id;
    std::uint64_t length = 0;
    const Struct* item = nullptr;  ///< where its content is; none: a GC
    std::uint64_t offset = 0;      ///< of its first clock in `item`
    bool has_origin = false;
    bool has_right_origin = false;
    bool has_key = false;
    bool deleted = false;
    bool visible = false;
    Id origin, right_origin;
    std::string_view key;
    Node* left = nullptr;
    Node* right = nullptr;
    Branch* parent = nullptr;         ///< none: it has no place (a GC, or something hangs on one)
    std::unique_ptr<Branch> content;  ///< when it is a type

    Id last_id() const { return {id.client, id.clock + length - 1}; }
    clock_value end() const { return id.clock + length; }
    bool live() const { return item != nullptr && item->is_live(); }
    /// The item's last clock shows as the value of its key; a list shows every item.
    bool shown_by_parent() const { return !has_key || right == nullptr; }
  };

  ItemGraph() = default;
  ItemGraph(ItemGraph&&) = default;
  ItemGraph& operator=(ItemGraph&&) = default;

  /// Reads any valid update; what depends on missing structs has no place in it.
  /// Errors: those of compact; too_large (nested too deep, conflicts beyond the bound).
  static result<ItemGraph> build(byte_view update);

  const std::map<std::string_view, std::unique_ptr<Branch>>& roots() const { return roots_; }

  /// The node that holds this clock; none when the graph does not have it.
  const Node* find(Id id) const;

  bool has_client(client_id client) const { return clients_.contains(client); }

  /// How deep types are nested at most.
  static constexpr std::size_t depth_max = 1000;

 private:
  struct Waiting {
    clock_value clock;  ///< that must be there
    client_id client;   ///< who waits for it
  };
  struct Client {
    std::vector<Struct> structs;
    std::size_t next = 0;   ///< struct to be placed
    clock_value state = 0;  ///< clocks below are placed
    std::map<clock_value, Node*> nodes;
    std::vector<Waiting> waiting;  ///< a heap, the earliest clock first
  };

  errc read(byte_view compacted);
  errc place_all();
  bool place_next(client_id id, Client& client, std::vector<client_id>& runnable);
  /// The client and clock that a struct must wait for; false: none.
  bool blocked_by(const Struct& s, Id& missing) const;
  void place(const Struct& s);
  bool integrate(Node& node);
  void wake(Client& client, std::vector<client_id>& runnable);

  Node* node_at(Id id);
  Node* start_at(Id id);  ///< splits, so that a node starts there
  Node* end_at(Id id);    ///< splits, so that a node ends there
  Node* split(Node& node, std::uint64_t at);
  Node* first_of(Branch& branch, const Node& like) const;
  Branch* root(std::string_view name);
  void mark_deleted(client_id client, clock_range range);
  errc mark_visible();

  base::shared_bytes bytes_;
  std::map<std::string_view, std::unique_ptr<Branch>> roots_;
  std::unordered_map<client_id, Client> clients_;
  std::deque<Node> nodes_;
  std::uint64_t conflict_steps_ = 0;
};

}  // namespace weft::yjs
