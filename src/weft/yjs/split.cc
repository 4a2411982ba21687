#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <optional>

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

  /// `section_at`: the client's section as the last call for it said; it may be of an earlier part.
  Writer& next(client_id client, clock_range range, std::uint32_t& section_at) {
    if (section_at >= sections_.size() || sections_[section_at].client != client) {
      section_at = static_cast<std::uint32_t>(sections_.size());
      sections_.push_back({client, range.start, range.start, 0, {}});
      bytes_ += section_bytes;
    }
    PartSection& section = sections_[section_at];
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
  std::deque<PartSection> sections_;
  deletion_list deletions_;
  std::size_t bytes_ = 0;
};

/// One client's structs on their way out. Small, since there is one for each client; what it points
/// into is the update.
struct Lane {
  client_id client = 0;
  clock_value clock = 0;                    ///< of the struct that goes next
  const std::uint8_t* at = nullptr;         ///< that struct
  std::uint64_t structs = 0;                ///< from it on; zero at the end
  const std::uint8_t* deletions = nullptr;  ///< entries of the delete set not behind us
  std::uint64_t deletions_left = 0;
  std::uint32_t section = 0;  ///< see Part::next
  bool waiting = false;       ///< on the stack

  bool has_current() const { return structs > 0; }
  bool has_passed(clock_value until) const { return !has_current() || clock > until; }
};

class Splitter {
 public:
  /// `normal`: one ascending section for each client, clients falling, and the delete set likewise.
  Splitter(byte_view normal, std::size_t part_bytes_max) : normal_(normal), max_(part_bytes_max) {
    open();
  }

  std::vector<byte_vector> run() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) drain(i);
    put_other_deletions();
    if (!part_.empty() || parts_.empty()) close();
    return std::move(parts_);
  }

 private:
  struct Wait {
    std::size_t lane;
    clock_value until;  ///< done when the lane has passed this clock
  };

  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  const std::uint8_t* end() const { return normal_.data() + normal_.size(); }

  void open() {
    StructReader reader(normal_);
    lanes_.reserve(reader.sections_left());
    while (reader.next_section()) {
      Lane lane;
      lane.client = reader.client();
      lane.clock = reader.clock();
      lane.at = reader.in().pos();
      lane.structs = reader.structs_left();
      lanes_.push_back(lane);
      while (reader.structs_left() > 0 && reader.next(current_)) {
      }
    }
    Reader& in = reader.in();
    deletions_ = in.pos();
    for (std::uint64_t clients = in.uint(); clients > 0; --clients) {
      const std::size_t lane = lane_of(in.uint());
      std::uint64_t entries = in.uint();
      if (lane != none) {
        lanes_[lane].deletions = in.pos();
        lanes_[lane].deletions_left = entries;
      }
      for (; entries > 0; --entries) {
        in.uint();
        in.uint();
      }
    }
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      enter(i);
      if (current_.is_skip()) advance(lanes_[i]);
    }
  }

  /// The lane of a client, or none.
  std::size_t lane_of(client_id client) const {
    const auto found = std::ranges::lower_bound(lanes_, client, std::greater<>(), &Lane::client);
    return found == lanes_.end() || found->client != client
               ? none
               : static_cast<std::size_t>(found - lanes_.begin());
  }

  /// Reads the current struct of a lane into `current_`, unless it is there.
  Lane& enter(std::size_t index) {
    Lane& lane = lanes_[index];
    if (entered_ == index) return lane;
    entered_ = index;
    reader_ = StructReader({lane.at, end()}, lane.client, lane.clock, lane.structs);
    if (lane.has_current()) reader_.next(current_);
    return lane;
  }

  /// To the next struct that is no Skip. Only of the lane that was entered last.
  void advance(Lane& lane) {
    bool has_current = false;
    do {
      has_current = reader_.structs_left() > 0 && reader_.next(current_);
    } while (has_current && current_.is_skip());
    lane.structs = has_current ? reader_.structs_left() + 1 : 0;
    lane.clock = current_.clock;
    lane.at = current_.begin;
  }

  /// Emits all of a lane, and before each struct what it depends on.
  void drain(std::size_t target) {
    stack_.push_back({target, std::numeric_limits<clock_value>::max()});
    lanes_[target].waiting = true;
    while (!stack_.empty()) {
      const Wait wait = stack_.back();
      Lane& lane = lanes_[wait.lane];
      if (lane.has_passed(wait.until)) {
        lane.waiting = false;
        stack_.pop_back();
        continue;
      }
      enter(wait.lane);
      if (push_dependency(current_)) continue;
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
    const std::size_t index = lane_of(needed.client);
    if (index == none) return false;
    Lane& lane = lanes_[index];
    // A lane that waits already means a cycle, which no editor produces.
    if (lane.waiting || lane.has_passed(needed.clock)) return false;
    lane.waiting = true;
    stack_.push_back({index, needed.clock});
    return true;
  }

  /// The current struct, of the lane that was entered last.
  void emit(Lane& lane) {
    const Struct& s = current_;
    const auto whole = static_cast<std::size_t>(s.end - s.begin);
    std::optional<ContentCursor> cursor;
    if (s.is_item()) cursor.emplace(s);
    if (!part_.empty() && part_.bytes() + whole > max_ &&
        (part_.bytes() + sliver_bytes > max_ || !is_divisible(s))) {
      close();
    }
    for (std::uint64_t from = 0;;) {
      std::uint64_t to = s.length;
      if (is_divisible(s) && whole > max_ / 2) {
        const std::size_t room = max_ > part_.bytes() ? max_ - part_.bytes() : 0;
        to = from + cursor->fit(from, std::max(room, sliver_bytes));
      }
      const clock_range range{s.clock + from, s.clock + to};
      put(lane, range, cursor);
      from = to;
      if (part_.bytes() > max_) close();
      if (to == s.length) return advance(lane);
      if (part_.bytes() + sliver_bytes > max_) close();
    }
  }

  void put(Lane& lane, clock_range range, std::optional<ContentCursor>& cursor) {
    const Struct& s = current_;
    Writer& out = part_.next(s.client, range, lane.section);
    const std::size_t before = out.size();
    if (cursor) {
      write_part(s, range.start - s.clock, range.end - s.clock, *cursor, out);
    } else {
      write_struct(s, 0, out);
    }
    part_.wrote(out.size() - before);
    while (lane.deletions_left > 0) {
      Reader in({lane.deletions, end()});
      const clock_range d = read_range(in);
      if (d.start >= range.end) return;
      const clock_range shared{std::max(d.start, range.start), std::min(d.end, range.end)};
      if (shared.start < shared.end) part_.erase(s.client, shared);
      if (d.end > range.end) return;
      lane.deletions = in.pos();
      --lane.deletions_left;
    }
  }

  static clock_range read_range(Reader& in) {
    const clock_value start = in.uint();
    return {start, start + in.uint()};
  }

  /// What deletes structs that no part brings. The structs are read once more beside the delete
  /// set: both have their clients falling.
  void put_other_deletions() {
    StructReader reader(normal_);
    Struct s;
    bool has_struct = reader.next(s);
    Reader in({deletions_, end()});
    for (std::uint64_t clients = in.uint(); clients > 0; --clients) {
      const client_id client = in.uint();
      IdSet carried;
      for (; has_struct && s.client >= client; has_struct = reader.next(s)) {
        if (s.client == client && !s.is_skip()) carried.add(client, {s.clock, s.clock_end()});
      }
      for (std::uint64_t entries = in.uint(); entries > 0; --entries) {
        for (const clock_range range : carried.missing(client, read_range(in))) {
          if (part_.bytes() > max_) close();
          part_.erase(client, range);
        }
      }
    }
  }

  static bool is_divisible(const Struct& s) {
    return s.length > 1 && (s.ref() == string_ref || s.ref() == any_ref || s.ref() == json_ref);
  }

  void close() { parts_.push_back(part_.finish()); }

  byte_view normal_;
  std::size_t max_;
  std::vector<Lane> lanes_;  ///< clients falling
  const std::uint8_t* deletions_ = nullptr;
  StructReader reader_;  ///< behind current_
  Struct current_;       ///< of the lane entered last
  std::size_t entered_ = none;
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
