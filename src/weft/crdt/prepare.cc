#include "weft/crdt/prepare.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "weft/crdt/contents.h"
#include "weft/yjs/update.h"

namespace weft::crdt {
namespace {

using yjs::client_id;
using yjs::clock_range;
using yjs::clock_value;
using yjs::Id;
using yjs::Struct;

/// yrs holds clocks in 32 bits and subtracts them as signed numbers.
constexpr clock_value clock_max = std::numeric_limits<std::int32_t>::max();

/// Pieces in which an update is handed over, so that the time is looked at every few hundred
/// structs; smaller updates go in one.
constexpr std::size_t piece_bytes = std::size_t{8} << 10;

/// Index of a Container; of none where the parent is gone.
using container_index = std::uint32_t;
constexpr container_index none = ~container_index{0};

/// A shared type that others stand in.
struct Container {
  std::uint64_t depth = 0;
  std::uint64_t runs = 0;
  std::unordered_set<std::string_view> formats;  ///< names that occur; point into the update
};

/// What is remembered of a struct that is integrated.
struct Node {
  clock_value clock = 0;
  clock_value end = 0;
  container_index parent = none;  ///< none: a GC
  container_index own = none;     ///< of a shared type
};

/// One client's structs on their way in.
struct Lane {
  yjs::StructReader reader;
  Struct current;
  bool has_current = false;
  bool waiting = false;  ///< on the stack
  bool stuck = false;    ///< nothing further of it can be integrated
  clock_value start = 0;
  clock_value end = 0;  ///< all before it is integrated
  std::uint64_t structs = 0;
  std::vector<Node> nodes;
  std::vector<clock_value> cuts;  ///< where others stand between its structs' clocks
  std::size_t cut = 0;
  yjs::Writer out;

  void advance() {
    has_current = reader.structs_left() > 0 && reader.next(current);
    if (has_current && (current.is_skip() || current.clock != end)) stuck = true;
  }
};

/// Decides struct by struct what Yjs would integrate, and writes exactly that.
class Preparer {
 public:
  Preparer(byte_view dense, const Limits& limits) : limits_(limits) { open(dense); }

  result<base::byte_vector> run() {
    for (std::size_t i = 0; i < lanes_.size() && !error_; ++i) drain(i);
    for (const Container& c : containers_) {
      if (c.runs * c.formats.size() > limits_.formats_max)
        too_large("formats", limits_.formats_max);
    }
    if (error_) return std::unexpected(std::move(*error_));
    return finish();
  }

 private:
  struct Wait {
    std::size_t lane;
    clock_value until;  ///< done when the lane has passed this clock
  };

  void open(byte_view dense) {
    yjs::StructReader reader(dense);
    Struct s;
    while (reader.next_section()) {
      const yjs::Reader& in = reader.in();
      Lane lane;
      lane.reader = yjs::StructReader({in.pos(), in.end()}, reader.client(), reader.clock(),
                                      reader.structs_left());
      // A document that starts in the middle of a client shows nothing of it.
      lane.stuck = reader.clock() != 0;
      lane_of_.emplace(reader.client(), lanes_.size());
      while (reader.structs_left() > 0 && reader.next(s)) note_cuts(s);
      lane.advance();
      lanes_.push_back(std::move(lane));
    }
    deletions_ = reader.in();
    for (Lane& lane : lanes_) {
      lane.cuts = std::move(cuts_[lane.reader.client()]);
      std::sort(lane.cuts.begin(), lane.cuts.end());
    }
    cuts_.clear();
  }

  void note_cuts(const Struct& s) {
    if (!s.is_item()) return;
    if (s.has_origin()) cuts_[s.origin.client].push_back(s.origin.clock + 1);
    if (s.has_right_origin()) cuts_[s.right_origin.client].push_back(s.right_origin.clock);
  }

  void drain(std::size_t target) {
    if (lanes_[target].stuck) return;
    stack_.push_back({target, std::numeric_limits<clock_value>::max()});
    lanes_[target].waiting = true;
    while (!stack_.empty() && !error_) {
      Lane& lane = lanes_[stack_.back().lane];
      if (lane.end > stack_.back().until || !lane.has_current || lane.stuck) {
        lane.waiting = false;
        stack_.pop_back();
        continue;
      }
      if (push_dependency(lane) || lane.stuck) continue;
      integrate(lane);
    }
  }

  /// True when something else must be integrated first. May find that the lane is stuck.
  bool push_dependency(Lane& lane) {
    const Struct& s = lane.current;
    if (!s.is_item()) return false;
    if (s.has_origin() && push(lane, s.origin)) return true;
    if (s.has_right_origin() && push(lane, s.right_origin)) return true;
    return !s.has_origin() && !s.has_right_origin() && s.parent_is_id && push(lane, s.parent);
  }

  bool push(Lane& lane, Id needed) {
    if (lane.stuck) return false;
    const auto found = lane_of_.find(needed.client);
    if (found != lane_of_.end()) {
      Lane& other = lanes_[found->second];
      if (other.end > needed.clock) return false;
      if (!other.stuck && !other.waiting && other.has_current) {
        other.waiting = true;
        stack_.push_back({found->second, needed.clock});
        return true;
      }
    }
    // Missing, or a cycle: neither comes from an editor alone, and Yjs waits for ever.
    lane.stuck = true;
    return false;
  }

  const Node& node_of(Id id) const {
    const Lane& lane = lanes_[lane_of_.at(id.client)];
    const auto after =
        std::upper_bound(lane.nodes.begin(), lane.nodes.end(), id.clock,
                         [](clock_value clock, const Node& node) { return clock < node.clock; });
    return *std::prev(after);
  }

  /// As Yjs' Item.getMissing finds the parent.
  container_index parent_of(const Struct& s) {
    if (!s.is_item()) return none;
    const Node* left = s.has_origin() ? &node_of(s.origin) : nullptr;
    const Node* right = s.has_right_origin() ? &node_of(s.right_origin) : nullptr;
    if ((left && left->parent == none) || (right && right->parent == none)) return none;
    if (left) return left->parent;
    if (right) return right->parent;
    if (s.parent_is_id) return node_of(s.parent).own;
    yjs::Reader in({s.begin + 1, s.content});
    in.uint();
    const auto [found, added] = roots_.try_emplace(base::as_text(in.bytes()), containers_.size());
    if (added) containers_.emplace_back();
    return found->second;
  }

  void integrate(Lane& lane) {
    const Struct& s = lane.current;
    if (s.clock_end() > clock_max) return too_large("clock", clock_max);
    if (s.length > 0) {
      Node node{s.clock, s.clock_end(), parent_of(s), none};
      if (node.parent != none && s.is_live()) look_at(s, node);
      lane.nodes.push_back(node);
      write(lane, s, node.parent == none);
      if (structs_ > limits_.structs_max) return too_large("structs", limits_.structs_max);
    }
    lane.end = s.clock_end();
    lane.advance();
  }

  void look_at(const Struct& s, Node& node) {
    Container& parent = containers_[node.parent];
    if (s.ref() == yjs::format_ref) {
      yjs::Reader in({s.content, s.end});
      parent.formats.insert(base::as_text(in.bytes()));
    } else {
      ++parent.runs;
    }
    if (s.ref() != yjs::type_ref) return;
    const std::uint64_t depth = parent.depth + 1;
    if (depth > limits_.nesting_max) return too_large("nesting", limits_.nesting_max);
    node.own = static_cast<container_index>(containers_.size());
    containers_.emplace_back().depth = depth;
  }

  void write(Lane& lane, const Struct& s, bool gone) {
    count(lane);
    if (gone) {
      lane.out.byte(yjs::gc_ref);
      lane.out.uint(s.length);
    } else if (!needs_rewriting(s)) {
      write_cut(lane, s);
    } else if (!rewrite(s, lane.out)) {
      error_ = base::error{make_error_code(errc::failed),
                           "a value of the document is JSON with half a surrogate pair"};
    }
  }

  /// Cuts a run wherever something refers into it: yrs would do it one by one, each time moving
  /// all structs behind.
  void write_cut(Lane& lane, const Struct& s) {
    std::optional<yjs::ContentCursor> cursor;
    std::uint64_t from = 0;
    for (; lane.cut < lane.cuts.size() && lane.cuts[lane.cut] < s.clock_end(); ++lane.cut) {
      const clock_value at = lane.cuts[lane.cut];
      if (at <= s.clock + from) continue;
      if (!cursor) cursor.emplace(s);
      yjs::write_part(s, from, at - s.clock, *cursor, lane.out);
      count(lane);
      from = at - s.clock;
    }
    if (cursor) {
      yjs::write_part(s, from, s.length, *cursor, lane.out);
    } else {
      yjs::write_struct(s, 0, lane.out);
    }
  }

  void count(Lane& lane) {
    ++lane.structs;
    ++structs_;
  }

  void too_large(const char* what, std::uint64_t max) {
    error_ =
        base::error{make_error_code(errc::too_large),
                    std::string("the document exceeds ") + what + "_max = " + std::to_string(max)};
  }

  result<base::byte_vector> finish() {
    std::vector<const Lane*> full;
    for (const Lane& lane : lanes_) {
      if (lane.structs > 0) full.push_back(&lane);
    }
    std::sort(full.begin(), full.end(),
              [](const Lane* a, const Lane* b) { return a->reader.client() > b->reader.client(); });
    yjs::Writer out;
    out.uint(full.size());
    for (const Lane* lane : full) {
      out.uint(lane->structs);
      out.uint(lane->reader.client());
      out.uint(0);
      out.raw(lane->out.view());
    }
    write_deletions(out);
    return out.take();
  }

  /// Deletions of what is there: compaction left those of contents that it does not carry.
  void write_deletions(yjs::Writer& out) {
    std::vector<std::pair<client_id, std::vector<clock_range>>> kept;
    yjs::read_deletions(deletions_, [&](client_id client, clock_range range) {
      const auto found = lane_of_.find(client);
      if (found == lane_of_.end()) return;
      range.end = std::min(range.end, lanes_[found->second].end);
      if (range.start >= range.end) return;
      if (kept.empty() || kept.back().first != client) kept.push_back({client, {}});
      kept.back().second.push_back(range);
    });
    out.uint(kept.size());
    for (const auto& [client, ranges] : kept) {
      out.uint(client);
      out.uint(ranges.size());
      for (const clock_range range : ranges) {
        out.uint(range.start);
        out.uint(range.end - range.start);
      }
    }
  }

  const Limits& limits_;
  std::optional<base::error> error_;
  std::uint64_t structs_ = 0;
  std::vector<Lane> lanes_;
  std::unordered_map<client_id, std::size_t> lane_of_;
  std::unordered_map<client_id, std::vector<clock_value>> cuts_;
  std::vector<Wait> stack_;
  std::deque<Container> containers_;
  std::unordered_map<std::string_view, container_index> roots_;
  yjs::Reader deletions_;
};

std::unexpected<base::error> corrupt(const base::error& why) {
  return base::fail(errc::corrupt, why.message);
}

}  // namespace

result<std::vector<base::byte_vector>> prepare(byte_view update, const Limits& limits) {
  const auto dense = yjs::compact({&update, 1});
  if (!dense) return corrupt(dense.error());
  auto whole = Preparer(*dense, limits).run();
  if (!whole) return base::fail(std::move(whole.error()));
  auto pieces = yjs::split(*whole, piece_bytes);
  if (!pieces) return corrupt(pieces.error());
  return pieces;
}

result<base::byte_vector> rewrite_contents(byte_view update) {
  if (const auto valid = yjs::validate(update); !valid) return corrupt(valid.error());
  yjs::StructReader reader(update);
  yjs::Writer sections;
  std::uint64_t count = 0;
  while (reader.next_section()) {
    ++count;
    sections.uint(reader.structs_left());
    sections.uint(reader.client());
    sections.uint(reader.clock());
    Struct s;
    while (reader.structs_left() > 0 && reader.next(s)) {
      if (!needs_rewriting(s)) {
        sections.raw(s.begin, s.end);
      } else if (!rewrite(s, sections)) {
        return base::fail(errc::failed,
                          "a value of the document is JSON with half a surrogate pair");
      }
    }
  }
  yjs::Writer out;
  out.uint(count);
  out.raw(sections.view());
  out.raw(reader.in().pos(), update.data() + update.size());
  return out.take();
}

}  // namespace weft::crdt
