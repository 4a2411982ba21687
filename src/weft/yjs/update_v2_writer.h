#pragma once

#include "weft/yjs/columns.h"
#include "weft/yjs/delete_set.h"
#include "weft/yjs/structs.h"

namespace weft::yjs {

/// Collects structs in format v2, byte for byte as Yjs writes them one after the other.
class UpdateV2Writer {
 public:
  /// `values` says how those of the structs are given.
  explicit UpdateV2Writer(Values values) : values_(values) {}

  void add(const Struct& s);

  /// The whole update. The list is put into an order that v2 can say; see write_deletions_v2.
  /// Only once.
  base::byte_vector finish(deletion_list& deletions);

  /// False when some clocks were further apart than v2 can say: 2^52 and more.
  bool good() const { return left_clocks_.good() && right_clocks_.good(); }

 private:
  void flush();
  void put_origins(const Struct& item);
  void put_id(Id id, DiffColumnWriter& clocks);
  void put_key(base::byte_view key);
  void put_content(const Struct& item, Reader in);
  void put_value(Reader& in);

  Values values_;
  DiffColumnWriter key_clocks_;
  UintColumnWriter clients_;
  DiffColumnWriter left_clocks_;
  DiffColumnWriter right_clocks_;
  ByteColumnWriter infos_;
  TextColumnWriter texts_;
  ByteColumnWriter parent_infos_;
  UintColumnWriter type_refs_;
  UintColumnWriter lengths_;

  Writer sections_;  ///< finished ones
  Writer section_;   ///< what the structs of the open one add to the rest
  std::uint64_t section_count_ = 0;
  std::uint64_t structs_ = 0;  ///< of the open section
  std::uint64_t keys_ = 0;
  client_id client_ = 0;
  clock_value clock_ = 0;
  Writer scratch_;
};

}  // namespace weft::yjs
