#pragma once

#include <deque>
#include <vector>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/update.h"

namespace weft::yjs {

/// A run of structs of one client as it stands in some update.
struct Section {
  byte_view bytes;  ///< from the first struct to the end of the update
  std::uint64_t structs = 0;
  client_id client = 0;
  clock_value clock = 0;
  std::uint32_t order = 0;  ///< in which it was loaded
  bool has_gc = false;
};

/// Several updates seen as one: every clock that any of them carries, once, clients descending and
/// clocks ascending, whatever the order and overlap of the inputs. Where one update has an Item and
/// another a GC for the same clock, the Item wins, for it says more.
///
/// Use: load each update, then call `next` until it returns false.
class Sweep {
 public:
  /// Validates and indexes one update. The bytes must outlive the sweep.
  errc load(byte_view update);

  /// The clocks [from, to) of `*item`, or of a GC when `item` is null.
  struct Part {
    const Struct* item = nullptr;
    client_id client = 0;
    clock_range range;
  };
  bool next(Part& out);

  /// The delete sets of all inputs, as read.
  deletion_list& deletions() { return deletions_; }

  /// GC and deleted content of the inputs: deleted, whether or not a delete set says so.
  deletion_list& implied_deletions() { return implied_; }

 private:
  /// The Items, or the GCs, of one client: disjoint and ascending.
  class Layer {
   public:
    void start(const std::deque<Section>& sections, std::size_t begin, std::size_t end, bool gc);
    /// Moves to the next range that no earlier one covered; false at the end.
    bool next();
    bool has() const { return has_; }
    clock_range range() const { return range_; }
    void trim(clock_value start) { range_.start = start; }
    const Struct& current() const { return current_; }

   private:
    /// Where a section other than the one in front goes on. Small, since thousands of them may
    /// start at one clock.
    struct Waiting {
      const std::uint8_t* at = nullptr;
      clock_value clock = 0;
      std::uint32_t section = 0;
      std::uint32_t structs = 0;
    };

    static bool later(const Waiting& a, const Waiting& b) {
      return a.clock != b.clock ? a.clock > b.clock : a.section > b.section;
    }

    bool advance(StructReader& reader, Struct& current) const;
    void open_until(clock_value clock);
    bool choose_front();
    Waiting bookmark(const StructReader& reader, const Struct& current, std::size_t section) const;

    const std::deque<Section>* sections_ = nullptr;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    bool gc_ = false;
    bool has_ = false;
    bool open_ = false;  ///< there is a section in front
    clock_value covered_ = 0;
    clock_range range_;
    StructReader reader_;  ///< of the section in front
    Struct current_;
    std::size_t section_ = 0;
    std::deque<Waiting> waiting_;  ///< a heap; a deque, for growth must not hold copies
  };

  bool start_client();
  void sort_sections();
  void imply(client_id client, clock_range range);

  std::deque<Section> sections_;
  deletion_list deletions_;
  deletion_list implied_;
  std::size_t implied_max_ = 4096;  ///< joined when there are more
  bool sorted_ = false;
  std::size_t next_section_ = 0;
  client_id client_ = 0;
  bool open_ = false;
  bool item_taken_ = false;
  Layer items_;
  Layer gcs_;
};

}  // namespace weft::yjs
