#pragma once

#include "weft/yjs/id_set.h"
#include "weft/yjs/lib0.h"
#include "weft/yjs/utf.h"

/// The structs of an update: read as views, cut, and written.
/// Source: docs/formats/yjs_update_v1.md, sections 2 and 3.
namespace weft::yjs {

struct Id {
  client_id client = 0;
  clock_value clock = 0;
  bool operator==(const Id&) const = default;
};

enum content_ref : std::uint8_t {
  gc_ref = 0,
  deleted_ref = 1,
  json_ref = 2,
  binary_ref = 3,
  string_ref = 4,
  embed_ref = 5,
  format_ref = 6,
  type_ref = 7,
  any_ref = 8,
  doc_ref = 9,
  skip_ref = 10,
};

/// The highest type that Type content names; an XML element and an XML hook have a name.
inline constexpr std::uint64_t xml_text_type = 6;
constexpr bool type_has_name(std::uint64_t type) {
  constexpr std::uint64_t xml_element = 3, xml_hook = 5;
  return type == xml_element || type == xml_hook;
}

inline constexpr std::uint8_t ref_bits = 0x1f;
inline constexpr std::uint8_t parent_sub_bit = 0x20;
inline constexpr std::uint8_t right_origin_bit = 0x40;
inline constexpr std::uint8_t origin_bit = 0x80;

/// One GC, Skip or Item; points into the update it was read from.
struct Struct {
  std::uint8_t info = 0;  ///< as Yjs would write it: no parent-sub bit beside an origin
  bool plain = true;      ///< Yjs would write these very bytes (but for `info`)
  bool parent_is_id = false;
  client_id client = 0;
  clock_value clock = 0;
  std::uint64_t length = 0;               ///< in clocks; zero is legal
  Id origin;                              ///< when has_origin()
  Id right_origin;                        ///< when has_right_origin()
  Id parent;                              ///< when parent_is_id
  const std::uint8_t* begin = nullptr;    ///< the info byte
  const std::uint8_t* content = nullptr;  ///< behind the parent information
  const std::uint8_t* end = nullptr;

  std::uint8_t ref() const { return info & ref_bits; }
  bool is_gc() const { return ref() == gc_ref; }
  bool is_skip() const { return ref() == skip_ref; }
  bool is_item() const { return !is_gc() && !is_skip(); }
  bool is_live() const { return is_item() && ref() != deleted_ref; }
  bool has_origin() const { return (info & origin_bit) != 0; }
  bool has_right_origin() const { return (info & right_origin_bit) != 0; }
  clock_value clock_end() const { return clock + length; }
};

/// How Embed and Format carry their value: as JSON text in format v1, as `any` in format v2 and in
/// the unpacked form of it (see `unpack`), which is v1 in all else.
enum class Values : std::uint8_t { json, any };

/// Streams the structs of one update and then stands before its delete set.
class StructReader {
 public:
  StructReader() = default;
  explicit StructReader(base::byte_view update, Values values = Values::json)
      : in_(update), values_(values) {
    sections_left_ = in_.uint();
  }

  /// Reads `structs` structs that start at `at`, without a section header before them, then
  /// `sections` whole sections.
  StructReader(base::byte_view at, client_id client, clock_value clock, std::uint64_t structs,
               std::uint64_t sections = 0, Values values = Values::json)
      : in_(at),
        sections_left_(sections),
        structs_left_(structs),
        client_(client),
        clock_(clock),
        values_(values) {}

  /// False at the end of the structs or on failure: see `in().ok()`.
  bool next(Struct& out);

  /// Reads the next section header; false as `next`. Only after all structs of the last one.
  bool next_section();

  /// Whether the sections read so far came with falling client ids, as Yjs writes them. Others may
  /// name a client twice; Yjs' own applyUpdate then keeps the last section and drops the rest.
  bool falling_clients() const { return falling_clients_; }

  std::uint64_t sections_left() const { return sections_left_; }
  std::uint64_t structs_left() const { return structs_left_; }
  client_id client() const { return client_; }
  clock_value clock() const { return clock_; }
  Reader& in() { return in_; }

 private:
  void read_item(std::uint8_t info, Struct& out);

  Reader in_;
  std::uint64_t sections_left_ = 0;
  std::uint64_t structs_left_ = 0;
  client_id client_ = max_safe_integer + 1;
  clock_value clock_ = 0;
  bool falling_clients_ = true;
  Values values_ = Values::json;
};

/// Reads the delete set that follows the structs: calls `each(client, clock_range)`.
template <typename Each>
bool read_deletions(Reader& in, Each&& each) {
  const std::uint64_t clients = in.uint();
  for (std::uint64_t i = 0; i < clients && in.ok(); ++i) {
    const client_id client = in.uint();
    const std::uint64_t count = in.uint();
    for (std::uint64_t k = 0; k < count && in.ok(); ++k) {
      const clock_value clock = in.uint();
      const std::uint64_t length = in.uint();
      if (clock + length > max_safe_integer) in.fail(errc::too_large);
      if (in.ok()) each(client, clock_range{clock, clock + length});
    }
  }
  return in.ok();
}

/// Writes parts of one Item's content; parts asked for in ascending order cost linear time in all.
class ContentCursor {
 public:
  explicit ContentCursor(const Struct& item) : item_(&item) { restart(); }

  /// Appends the content [from, to) as it stands in an update, count included.
  void write(Writer& out, std::uint64_t from, std::uint64_t to);

  /// How many clocks from `from` on take about `bytes_max` bytes, at least one element; of text
  /// always whole characters. String, JSON and Any content only.
  std::uint64_t fit(std::uint64_t from, std::size_t bytes_max);

  /// Appends only the elements of String, JSON or Any content, without their count.
  void append(Writer& out, std::uint64_t from, std::uint64_t to);

 private:
  void restart();
  void move_to(std::uint64_t unit);
  TextPart text_part(std::uint64_t from, std::uint64_t to);
  void rewrite_whole(Writer& out) const;

  const Struct* item_;
  std::uint64_t unit_ = 0;
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* text_end_ = nullptr;
  bool inside_pair_ = false;
};

/// Writes the info byte, origins and parent of an Item whose first `from` clocks are cut off,
/// with `ref` as its content reference. With `keep_sub` a cut item keeps its parent-sub bit as
/// Yjs' own slices do.
void write_item_header(const Struct& item, std::uint64_t from, std::uint8_t ref, bool keep_sub,
                       Writer& out);

/// Writes a struct without its first `from` clocks, byte for byte as Yjs does.
void write_struct(const Struct& s, std::uint64_t from, Writer& out);

/// Writes the clocks [from, to) of a struct; `cursor` belongs to the struct.
void write_part(const Struct& s, std::uint64_t from, std::uint64_t to, ContentCursor& cursor,
                Writer& out);

/// Collects structs into sections, one for each run of structs of the same client.
class SectionWriter {
 public:
  /// Where the next struct goes; it starts at (client, clock).
  Writer& next(client_id client, clock_value clock) {
    if (written_ != 0 && client_ != client) flush();
    if (written_ == 0) {
      client_ = client;
      clock_ = clock;
    }
    ++written_;
    return section_;
  }

  /// As `next`, with a Skip over the clocks since `expected` when there are some.
  Writer& next_after_gap(client_id client, clock_value clock);

  /// Says that the struct just begun ends at `clock`; used by `next_after_gap`.
  void ends_at(clock_value clock) { end_ = clock; }

  /// The next struct begins a section of its own, whatever its client.
  void break_section() { flush(); }

  /// The section count and all sections.
  void finish(Writer& out);

  std::size_t bytes() const { return body_.size() + section_.size(); }

 private:
  void flush();

  Writer body_;
  Writer section_;
  client_id client_ = 0;
  clock_value clock_ = 0;
  clock_value end_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t sections_ = 0;
};

}  // namespace weft::yjs
