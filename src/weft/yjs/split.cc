#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/update.h"

namespace weft::yjs {
namespace {

/// About what a section's header, a Skip and an entry of the delete set take.
constexpr std::size_t section_bytes = 24;
constexpr std::size_t deletion_bytes = 12;
/// A part with less room than this is closed rather than given a sliver of a long item.
constexpr std::size_t sliver_bytes = 128;

/// The structs that one part has of one client.
struct PartSection {
  client_id client = 0;
  clock_value clock = 0;
  clock_value end = 0;
  std::uint64_t structs = 0;
  Writer bytes;
};

/// One update while it grows.
class Part {
 public:
  bool empty() const { return sections_.empty() && deletions_.empty(); }
  std::size_t bytes() const { return bytes_; }

  Writer& next(client_id client, clock_range range) {
    const auto [found, added] = index_.try_emplace(client, sections_.size());
    if (added) {
      sections_.push_back({client, range.start, range.start, 0, {}});
      bytes_ += section_bytes;
    }
    PartSection& section = sections_[found->second];
    if (section.end < range.start) {
      section.bytes.byte(skip_ref);
      section.bytes.uint(range.start - section.end);
      ++section.structs;
    }
    section.end = range.end;
    ++section.structs;
    return section.bytes;
  }

  void wrote(std::size_t bytes) { bytes_ += bytes; }

  void erase(client_id client, clock_range range) {
    deletions_.push_back({client, range});
    bytes_ += deletion_bytes;
  }

  byte_vector finish() {
    std::sort(sections_.begin(), sections_.end(),
              [](const PartSection& a, const PartSection& b) { return a.client > b.client; });
    Writer out;
    out.reserve(bytes_);
    out.uint(sections_.size());
    for (const PartSection& section : sections_) {
      out.uint(section.structs);
      out.uint(section.client);
      out.uint(section.clock);
      out.raw(section.bytes.view());
    }
    sort_and_join(deletions_);
    write_deletions(deletions_, out);
    *this = Part();
    return out.take();
  }

 private:
  std::vector<PartSection> sections_;
  std::unordered_map<client_id, std::size_t> index_;
  deletion_list deletions_;
  std::size_t bytes_ = 0;
};

/// One client's structs on their way out.
struct Lane {
  StructReader reader;
  Struct current;
  std::uint64_t from = 0;  ///< clocks of `current` that have gone out
  bool has_current = false;
  bool waiting = false;  ///< on the stack
  std::size_t deletion = 0;
  clock_value end = 0;  ///< all before it has gone out

  void advance() {
    from = 0;
    do {
      has_current = reader.structs_left() > 0 && reader.next(current);
    } while (has_current && current.is_skip());
  }
};

class Splitter {
 public:
  Splitter(byte_view normal, std::size_t part_bytes_max) : max_(part_bytes_max) { open(normal); }

  std::vector<byte_vector> run() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) drain(i);
    // What deletes structs that no part brings.
    for (std::size_t i = 0; i < deletions_.size(); ++i) {
      const Deletion& d = deletions_[i];
      for (const clock_range range : carried_.missing(d.client, d.range)) {
        if (part_.bytes() > max_) close();
        part_.erase(d.client, range);
      }
    }
    if (!part_.empty() || parts_.empty()) close();
    return std::move(parts_);
  }

 private:
  struct Wait {
    std::size_t lane;
    clock_value until;  ///< done when the lane has passed this clock
  };

  void open(byte_view normal) {
    StructReader reader(normal);
    Struct s;
    while (reader.next_section()) {
      const Reader& in = reader.in();
      Lane lane;
      lane.reader = StructReader({in.pos(), in.end()}, reader.client(), reader.clock(),
                                 reader.structs_left());
      lane_of_.emplace(reader.client(), lanes_.size());
      while (reader.structs_left() > 0 && reader.next(s)) {
        if (!s.is_skip()) carried_.add(s.client, {s.clock, s.clock_end()});
      }
      lane.advance();
      lanes_.push_back(std::move(lane));
    }
    read_deletions(reader.in(), [&](client_id client, clock_range range) {
      const auto found = lane_of_.find(client);
      if (found != lane_of_.end() && (deletions_.empty() || deletions_.back().client != client)) {
        lanes_[found->second].deletion = deletions_.size();
      }
      deletions_.push_back({client, range});
    });
    for (Lane& lane : lanes_) {
      const std::size_t at = lane.deletion;
      if (at < deletions_.size() && deletions_[at].client != lane.reader.client()) {
        lane.deletion = deletions_.size();
      }
    }
  }

  /// Emits all of a lane, and before each struct what it depends on.
  void drain(std::size_t target) {
    stack_.push_back({target, std::numeric_limits<clock_value>::max()});
    lanes_[target].waiting = true;
    while (!stack_.empty()) {
      Lane& lane = lanes_[stack_.back().lane];
      if (!lane.has_current || lane.end > stack_.back().until) {
        lane.waiting = false;
        stack_.pop_back();
        continue;
      }
      if (lane.from == 0 && push_dependency(lane.current)) continue;
      emit(lane);
    }
  }

  bool push_dependency(const Struct& s) {
    if (!s.is_item()) return false;
    if (s.has_origin() && push(s, s.origin)) return true;
    if (s.has_right_origin() && push(s, s.right_origin)) return true;
    return !s.has_origin() && !s.has_right_origin() && s.parent_is_id && push(s, s.parent);
  }

  bool push(const Struct& s, Id needed) {
    if (needed.client == s.client) return false;
    const auto found = lane_of_.find(needed.client);
    if (found == lane_of_.end()) return false;
    Lane& lane = lanes_[found->second];
    // A lane that waits already means a cycle, which no editor produces.
    if (lane.waiting || !lane.has_current || lane.end > needed.clock) return false;
    lane.waiting = true;
    stack_.push_back({found->second, needed.clock});
    return true;
  }

  void emit(Lane& lane) {
    const Struct& s = lane.current;
    const auto whole = static_cast<std::size_t>(s.end - s.begin);
    std::optional<ContentCursor> cursor;
    if (s.is_item()) cursor.emplace(s);
    if (!part_.empty() && part_.bytes() + whole > max_ &&
        (part_.bytes() + sliver_bytes > max_ || !is_divisible(s))) {
      close();
    }
    while (lane.has_current) {
      std::uint64_t to = s.length;
      if (is_divisible(s) && whole > max_ / 2) {
        const std::size_t room = max_ > part_.bytes() ? max_ - part_.bytes() : 0;
        to = lane.from + cursor->fit(lane.from, std::max(room, sliver_bytes));
      }
      const clock_range range{s.clock + lane.from, s.clock + to};
      put(lane, range, cursor);
      lane.from = to;
      lane.end = range.end;
      if (part_.bytes() > max_) close();
      if (to == s.length) return lane.advance();
      if (part_.bytes() + sliver_bytes > max_) close();
    }
  }

  void put(Lane& lane, clock_range range, std::optional<ContentCursor>& cursor) {
    const Struct& s = lane.current;
    Writer& out = part_.next(s.client, range);
    const std::size_t before = out.size();
    if (cursor) {
      write_part(s, range.start - s.clock, range.end - s.clock, *cursor, out);
    } else {
      write_struct(s, 0, out);
    }
    part_.wrote(out.size() - before);
    for (; lane.deletion < deletions_.size(); ++lane.deletion) {
      const Deletion& d = deletions_[lane.deletion];
      if (d.client != s.client || d.range.start >= range.end) return;
      const clock_range shared{std::max(d.range.start, range.start),
                               std::min(d.range.end, range.end)};
      if (shared.start < shared.end) part_.erase(s.client, shared);
      if (d.range.end > range.end) return;
    }
  }

  static bool is_divisible(const Struct& s) {
    return s.length > 1 && (s.ref() == string_ref || s.ref() == any_ref || s.ref() == json_ref);
  }

  void close() { parts_.push_back(part_.finish()); }

  std::size_t max_;
  std::vector<Lane> lanes_;
  std::unordered_map<client_id, std::size_t> lane_of_;
  deletion_list deletions_;
  IdSet carried_;
  std::vector<Wait> stack_;
  Part part_;
  std::vector<byte_vector> parts_;
};

}  // namespace

result<std::vector<byte_vector>> split(byte_view update, std::size_t part_bytes_max) {
  if (update.size() <= part_bytes_max) {
    const auto valid = validate(update);
    if (!valid) return std::unexpected(valid.error());
    return std::vector<byte_vector>{byte_vector(update.begin(), update.end())};
  }
  // Reduced by nothing, an update has one ascending section for each client.
  const auto normal = reduce(update, Knowledge{});
  if (!normal) return std::unexpected(normal.error());
  return Splitter(*normal, part_bytes_max).run();
}

}  // namespace weft::yjs
