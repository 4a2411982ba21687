#include "weft/yjs/revert.h"

#include <optional>
#include <span>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/item_graph.h"
#include "weft/yjs/utf.h"

namespace weft::yjs {

namespace {

using Node = ItemGraph::Node;
using Branch = ItemGraph::Branch;

/// Content whose elements may be joined with those of another item.
bool joins(std::uint8_t ref) { return ref == string_ref || ref == any_ref || ref == json_ref; }

// --- appearance ---------------------------------------------------------------------------------

/// Writes what a graph shows, the same bytes for the same appearance.
class AppearanceWriter {
 public:
  byte_vector write(const ItemGraph& graph) {
    for (const auto& [name, branch] : graph.roots()) {
      if (shows_anything(*branch)) {
        out_.bytes(base::as_bytes(name));
        write_branch(*branch);
      }
    }
    return out_.take();
  }

 private:
  static bool shows_anything(const Branch& branch) {
    for (const Node* node = branch.first; node != nullptr; node = node->right) {
      if (node->visible) return true;
    }
    for (const auto& [key, node] : branch.last) {
      if (node->visible) return true;
    }
    return false;
  }

  void write_branch(const Branch& branch) {
    std::uint8_t kind = skip_ref;
    Writer run;
    std::uint64_t elements = 0;
    const auto flush = [&] {
      if (kind == skip_ref) return;
      out_.byte(kind);
      out_.uint(elements);
      out_.bytes(run.view());
      run.clear();
      kind = skip_ref;
      elements = 0;
    };
    for (const Node* node = branch.first; node != nullptr; node = node->right) {
      if (!node->visible) continue;
      const std::uint8_t ref = node->item->ref();
      if (!joins(ref)) {
        flush();
        write_node(*node, 0);
        continue;
      }
      if (kind != ref) flush();
      kind = ref;
      elements += node->length;
      ContentCursor(*node->item).append(run, node->offset, node->offset + node->length);
    }
    flush();
    out_.byte(keys_mark);
    for (const auto& [key, node] : branch.last) {
      if (!node->visible) continue;
      out_.byte(key_mark);
      out_.bytes(base::as_bytes(key));
      write_node(*node, node->length - 1);
    }
    out_.byte(end_mark);
  }

  void write_node(const Node& node, std::uint64_t from) {
    out_.byte(node.item->ref());
    ContentCursor(*node.item).write(out_, node.offset + from, node.offset + node.length);
    if (node.content) write_branch(*node.content);
  }

  static constexpr std::uint8_t keys_mark = 0xf0, key_mark = 0xf1, end_mark = 0xf2;
  Writer out_;
};

// --- revert -------------------------------------------------------------------------------------

/// Where a new item goes.
struct Place {
  std::optional<Id> origin, right_origin;
  std::optional<Id> parent;  ///< of items without origins: the type that they are in
  std::optional<std::string_view> key;
};

/// Finds surrogate pairs that a cut would tear apart. Asked in ascending order, as lists hold the
/// clocks of an item, it reads each text once.
class PairFinder {
 public:
  /// Whether `at` lies inside of a pair of the node's text, and not at the node's own end.
  bool cuts(const Node& node, std::uint64_t at) {
    if (node.item->ref() != string_ref || at == 0 || at >= node.length) return false;
    const std::uint64_t unit = node.offset + at;
    if (node.item != item_ || unit < unit_) {
      item_ = node.item;
      unit_ = 0;
      Reader in({item_->content, item_->end});
      rest_ = in.bytes();
    }
    const TextPosition found = find_utf16(rest_, unit - unit_);
    rest_ = rest_.subspan(found.byte);
    unit_ = found.inside_pair ? unit - 1 : unit;
    return found.inside_pair;
  }

 private:
  const Struct* item_ = nullptr;
  std::uint64_t unit_ = 0;
  byte_view rest_;
};

/// A part of an item of the past that is to be made again.
struct Piece {
  const Node* node;
  std::uint64_t from, to;  ///< in the node
};

class Reverter {
 public:
  Reverter(const ItemGraph& past, const ItemGraph& present, client_id client)
      : past_(past), present_(present), client_(client) {}

  /// False when the present lacks something of the past.
  bool run() {
    for (const auto& [name, branch] : present_.roots()) {
      const auto before = past_.roots().find(name);
      match(before == past_.roots().end() ? nullptr : before->second.get(), *branch);
    }
    for (const auto& [name, branch] : past_.roots()) {
      if (!present_.roots().contains(name)) complete_ = false;
    }
    // A list of pairs in place of recursion: documents nest as deep as they like.
    while (!pairs_.empty()) {
      const auto [before, now] = pairs_.back();
      pairs_.pop_back();
      match(before, *now);
    }
    return complete_;
  }

  byte_vector update() {
    Writer out;
    sections_.finish(out);
    sort_and_join(deletions_);
    write_deletions(deletions_, out);
    return out.take();
  }

 private:
  /// A type that is there in both; `before` is none when the past showed nothing of it.
  void match(const Branch* before, const Branch& now) {
    match_list(before, now);
    match_keys(before, now);
  }

  void match_list(const Branch* before, const Branch& now) {
    std::uint64_t wanted = 0, met = 0;
    if (before != nullptr) {
      for (const Node* node = before->first; node != nullptr; node = node->right) {
        if (node->visible) wanted += node->length;
      }
    }
    std::vector<Piece> again;  // since the last item that stays
    Place place;
    const auto flush = [&] {
      if (!again.empty()) copy_list(again, place);
      again.clear();
    };
    for (const Node* node = now.first; node != nullptr; node = node->right) {
      for (clock_value at = node->id.clock; at < node->end();) {
        const Node* const old = past_.find({node->id.client, at});
        const bool was = old != nullptr && old->visible && old->parent == before;
        clock_value end = old != nullptr ? std::min(old->end(), node->end()) : node->end();
        // Half of a character does not stay: the whole is made again.
        bool torn = was && pairs_cut_.cuts(*old, at - old->id.clock);
        if (torn) {
          end = at + 1;
        } else if (was && pairs_cut_.cuts(*old, end - old->id.clock)) {
          torn = end == at + 1;
          if (!torn) --end;
        }
        if (was) met += end - at;
        if (node->visible && (!was || torn)) {
          deletions_.push_back({node->id.client, {at, end}});
        }
        if (was && node->visible && !torn) {
          flush();
          if (old->content && node->content) {
            pairs_.emplace_back(old->content.get(), node->content.get());
          }
        } else if (was) {
          add_piece(again, *old, at - old->id.clock, end - old->id.clock);
          place.origin = Id{node->id.client, end - 1};
          place.right_origin.reset();
          if (end < node->end()) {
            place.right_origin = Id{node->id.client, end};
          } else if (node->right != nullptr) {
            place.right_origin = node->right->id;
          }
        }
        at = end;
      }
    }
    flush();
    if (met != wanted) complete_ = false;
  }

  void match_keys(const Branch* before, const Branch& now) {
    for (const auto& [key, node] : now.last) {
      const Node* old = nullptr;
      if (before != nullptr) {
        const auto found = before->last.find(key);
        if (found != before->last.end() && found->second->visible) old = found->second;
      }
      if (old != nullptr && node->visible && old->last_id() == node->last_id()) {
        if (old->content && node->content) {
          pairs_.emplace_back(old->content.get(), node->content.get());
        }
        continue;
      }
      if (node->visible) {
        deletions_.push_back({node->id.client, {node->id.clock, node->end()}});
      }
      if (old != nullptr) {
        Place place;
        place.origin = node->last_id();
        copy(Piece{old, old->length - 1, old->length}, place);
      }
    }
    if (before == nullptr) return;
    for (const auto& [key, node] : before->last) {
      if (node->visible && !now.last.contains(key)) complete_ = false;
    }
  }

  static void add_piece(std::vector<Piece>& pieces, const Node& node, std::uint64_t from,
                        std::uint64_t to) {
    // Joined, so that a surrogate pair cut in the present is whole again.
    if (!pieces.empty() && pieces.back().node == &node && pieces.back().to == from) {
      pieces.back().to = to;
    } else {
      pieces.push_back({&node, from, to});
    }
  }

  /// Makes items one behind the other, the first at `place`.
  void copy_list(const std::vector<Piece>& pieces, Place place) {
    for (std::size_t i = 0; i < pieces.size();) {
      std::size_t end = i + 1;
      const std::uint8_t ref = pieces[i].node->item->ref();
      while (joins(ref) && end < pieces.size() && pieces[end].node->item->ref() == ref) ++end;
      place.origin =
          joins(ref) ? copy_run({pieces.data() + i, end - i}, place) : copy(pieces[i], place);
      place.parent.reset();
      i = end;
    }
  }

  /// Makes one item of pieces whose content joins; returns its last id.
  Id copy_run(std::span<const Piece> pieces, const Place& place) {
    Writer elements;
    std::uint64_t count = 0;
    const std::uint8_t ref = pieces.front().node->item->ref();
    for (const Piece& piece : pieces) {
      const Node& node = *piece.node;
      ContentCursor(*node.item).append(elements, node.offset + piece.from, node.offset + piece.to);
      count += piece.to - piece.from;
    }
    Writer& out = begin_item(ref, place);
    out.uint(ref == string_ref ? elements.size() : count);
    out.raw(elements.view());
    return end_item(count);
  }

  /// Makes an item again, and what is in it; returns its last id.
  Id copy(const Piece& piece, const Place& place) {
    const Node& node = *piece.node;
    ContentCursor(*node.item)
        .write(begin_item(node.item->ref(), place), node.offset + piece.from,
               node.offset + piece.to);
    const Id id = end_item(piece.to - piece.from);
    if (node.content) copy_branch(*node.content, id);
    return id;
  }

  /// Fills a new type; recursion is bounded by ItemGraph::depth_max.
  void copy_branch(const Branch& branch, Id parent) {
    std::vector<Piece> pieces;
    for (const Node* node = branch.first; node != nullptr; node = node->right) {
      if (node->visible) add_piece(pieces, *node, 0, node->length);
    }
    Place place;
    place.parent = parent;
    if (!pieces.empty()) copy_list(pieces, place);
    for (const auto& [key, node] : branch.last) {
      if (!node->visible) continue;
      place.key = key;
      copy(Piece{node, node->length - 1, node->length}, place);
    }
  }

  Writer& begin_item(std::uint8_t ref, const Place& place) {
    Writer& out = sections_.next(client_, clock_);
    const bool alone = !place.origin && !place.right_origin;
    out.byte(static_cast<std::uint8_t>(ref | (place.origin ? +origin_bit : 0) |
                                       (place.right_origin ? +right_origin_bit : 0) |
                                       (alone && place.key ? +parent_sub_bit : 0)));
    const auto put_id = [&](Id id) {
      out.uint(id.client);
      out.uint(id.clock);
    };
    if (place.origin) put_id(*place.origin);
    if (place.right_origin) put_id(*place.right_origin);
    if (!alone) return out;
    out.uint(0);  // every item without origins is in a type that was made again
    put_id(*place.parent);
    if (place.key) out.bytes(base::as_bytes(*place.key));
    return out;
  }

  Id end_item(std::uint64_t length) {
    clock_ += length;
    sections_.ends_at(clock_);
    return {client_, clock_ - 1};
  }

  const ItemGraph& past_;
  const ItemGraph& present_;
  const client_id client_;
  clock_value clock_ = 0;
  SectionWriter sections_;
  deletion_list deletions_;
  std::vector<std::pair<const Branch*, const Branch*>> pairs_;
  PairFinder pairs_cut_;
  bool complete_ = true;
};

}  // namespace

result<bool> same_appearance(byte_view a, byte_view b) {
  const auto left = ItemGraph::build(a);
  if (!left) return base::fail(base::error(left.error()));
  const auto right = ItemGraph::build(b);
  if (!right) return base::fail(base::error(right.error()));
  return AppearanceWriter().write(*left) == AppearanceWriter().write(*right);
}

result<byte_vector> revert(byte_view past, byte_view present, client_id client) {
  const auto before = ItemGraph::build(past);
  if (!before) return base::fail(base::error(before.error()));
  auto now = ItemGraph::build(present);
  if (!now) return base::fail(base::error(now.error()));
  if (now->has_client(client)) {
    return base::fail(errc::corrupt, "the client id of the new edit is taken");
  }
  const auto wanted = AppearanceWriter().write(*before);
  if (AppearanceWriter().write(*now) == wanted) {
    return byte_vector(empty_update().begin(), empty_update().end());
  }
  Reverter reverter(*before, *now, client);
  if (!reverter.run()) {
    return base::fail(errc::corrupt, "the present lacks items of the past: it is no earlier state");
  }
  auto edit = reverter.update();
  const byte_view applied[] = {present, edit};
  const auto merged = compact(applied);
  if (!merged) return base::fail(base::error(merged.error()));
  const auto result_graph = ItemGraph::build(*merged);
  if (!result_graph) return base::fail(base::error(result_graph.error()));
  if (AppearanceWriter().write(*result_graph) != wanted) {
    return base::fail(errc::corrupt,
                      "the past cannot be made again exactly (a character cut in half, or ids that "
                      "contradict each other)");
  }
  return edit;
}

}  // namespace weft::yjs
