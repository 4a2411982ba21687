#pragma once

#include <deque>

#include "weft/yjs/columns.h"
#include "weft/yjs/structs.h"

namespace weft::yjs {

/// Reads an update in format v2 struct by struct, each as the bytes that it has in format v1, and
/// then its delete set. Source: docs/formats/yjs_update_v2.md.
///
/// A few bytes can claim any number of structs: whoever loops counts what came out. Structs
/// themselves are not much larger than the update, since only names repeat.
class UpdateV2Reader {
 public:
  UpdateV2Reader(base::byte_view update, Values values);
  UpdateV2Reader(const UpdateV2Reader&) = delete;
  UpdateV2Reader& operator=(const UpdateV2Reader&) = delete;

  /// Moves to the next struct; false when there is none, or on failure.
  bool advance();

  /// Of the struct that `advance` has moved to.
  client_id client() const { return client_; }
  clock_value clock() const { return clock_; }
  bool section_begins() const { return section_begins_; }

  /// Appends it to `out`, as Yjs writes it; after a failure, which `advance` reports, anything.
  void read(Writer& out);

  /// Of the struct that was read.
  std::uint64_t length() const { return length_; }
  bool is_skip() const { return is_skip_; }

  /// Behind the last struct: calls `each(client, clock_range)`.
  template <typename Each>
  void read_deletions(Each&& each) {
    const std::uint64_t clients = rest_.uint();
    for (std::uint64_t i = 0; i < clients && ok(); ++i) {
      const client_id client = rest_.uint();
      const std::uint64_t count = rest_.uint();
      clock_value at = 0;
      for (std::uint64_t k = 0; k < count && ok(); ++k) {
        const clock_value start = at + rest_.uint();
        at = start + rest_.uint() + 1;
        if (at > max_safe_integer) rest_.fail(errc::too_large);
        if (ok()) each(client, clock_range{start, at});
      }
    }
  }

  bool ok() const { return rest_.ok() && failure_ == errc{}; }
  errc code() const { return failure_ != errc{} ? failure_ : rest_.code(); }

 private:
  /// The columns in their order, cut out of the update by Reader; `rest` is all that follows.
  explicit UpdateV2Reader(Reader in, Values values);

  void read_item(std::uint8_t info, Writer& out);
  void read_id(DiffColumn& clocks, Writer& out);
  std::uint64_t read_text(Writer& out);
  void read_key(Writer& out);
  void read_content(std::uint8_t ref, Writer& out);
  void read_json_list(Writer& out);
  void read_type(Writer& out);
  void read_any(Writer& out);
  void read_value(Writer& out);
  void read_doc_options(Writer& out);

  Values values_;
  errc failure_{};
  DiffColumn key_clocks_;
  UintColumn clients_;
  DiffColumn left_clocks_;
  DiffColumn right_clocks_;
  ByteColumn infos_;
  TextColumn texts_;
  ByteColumn parent_infos_;
  UintColumn type_refs_;
  UintColumn lengths_;
  Reader rest_;

  std::deque<TextPart> keys_;  ///< names that key clocks refer to
  Writer scratch_;

  std::uint64_t sections_left_ = 0;
  std::uint64_t structs_left_ = 0;
  client_id client_ = 0;
  clock_value clock_ = 0;
  std::uint64_t length_ = 0;
  bool is_skip_ = false;
  bool section_begins_ = false;
};

}  // namespace weft::yjs
