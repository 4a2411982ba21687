#include "weft/yjs/indexed_update.h"

#include <algorithm>

#include "weft/yjs/delete_set.h"
#include "weft/yjs/indexed_reader.h"
#include "weft/yjs/state_map.h"

namespace weft::yjs {

namespace {

/// Where the part of a client's structs begins that somebody lacks.
struct Cut {
  Struct first;  ///< the struct of which the first `from` clocks are held
  std::uint64_t from = 0;
  std::uint64_t structs = 0;          ///< of the client from `first` on
  const std::uint8_t* end = nullptr;  ///< of its last struct
};

/// Whether write_struct would write these very bytes.
bool is_as_written(const Struct& s, Writer& scratch) {
  if (s.plain) return *s.begin == s.info;
  scratch.clear();
  write_struct(s, 0, scratch);
  return base::equal(scratch.view(), {s.begin, s.end});
}

}  // namespace

/// False when the update is not in compact's form (or, with `code`, not an update).
bool IndexedUpdate::index(std::size_t mark_bytes, errc& code) {
  const byte_view bytes = update_;
  const auto offset = [&](const std::uint8_t* at) {
    return static_cast<std::size_t>(at - bytes.data());
  };
  StructReader reader(bytes);
  Writer scratch;
  bool canonical = true;
  Struct s;
  while (reader.next_section()) {
    Section section{reader.client(), reader.clock(), reader.structs_left(), 0, marks_.size(), 0};
    canonical = canonical && section.structs > 0;
    std::uint64_t ordinal = 0;
    while (reader.structs_left() > 0 && reader.next(s)) {
      canonical = canonical && s.length > 0 && is_as_written(s, scratch);
      const std::size_t at = offset(s.begin);
      if (ordinal == 0 || at >= marks_.back().byte + mark_bytes) {
        marks_.push_back({s.clock, ordinal, at});
      }
      ++ordinal;
      section.end = s.clock_end();
    }
    section.bytes_end = offset(reader.in().pos());
    section.marks_end = marks_.size();
    sections_.push_back(section);
  }
  Reader& in = reader.in();
  code = in.code();
  if (!in.ok()) return false;
  canonical = canonical && reader.falling_clients();
  const std::uint8_t* const begin = in.pos();
  deletion_list deletions;
  read_deletions(in, [&](client_id c, clock_range range) { deletions.push_back({c, range}); });
  code = in.code();
  if (!in.ok()) return false;
  deletions_ = {begin, in.pos()};
  sort_and_join(deletions);
  scratch.clear();
  write_deletions(deletions, scratch);
  return canonical && base::equal(scratch.view(), deletions_);
}

result<IndexedUpdate> IndexedUpdate::build(base::shared_bytes update, std::size_t mark_bytes) {
  errc code{};
  IndexedUpdate out;
  out.update_ = std::move(update);
  if (!out.index(mark_bytes, code)) {
    if (code != errc{}) return decode_failure(code);
    const byte_view given = out.update_;
    auto compacted = compact({&given, 1});
    if (!compacted) return std::unexpected(std::move(compacted.error()));
    out = IndexedUpdate();
    out.update_ = base::shared_bytes::adopt(std::move(*compacted));
    WEFT_CHECK(out.index(mark_bytes, code));
  }
  out.sections_.shrink_to_fit();
  out.marks_.shrink_to_fit();
  return out;
}

const IndexedUpdate::Section* IndexedUpdate::find(client_id client) const {
  const auto at = std::lower_bound(sections_.begin(), sections_.end(), client,
                                   [](const Section& s, client_id c) { return s.client > c; });
  return at != sections_.end() && at->client == client ? &*at : nullptr;
}

const IndexedUpdate::Mark& IndexedUpdate::mark_before(const Section& section,
                                                      clock_value clock) const {
  const auto first = marks_.begin() + static_cast<std::ptrdiff_t>(section.first_mark);
  const auto end = marks_.begin() + static_cast<std::ptrdiff_t>(section.marks_end);
  const auto after = std::upper_bound(
      first, end, clock, [](clock_value c, const Mark& mark) { return c < mark.clock; });
  return after == first ? *first : *(after - 1);
}

result<byte_vector> IndexedUpdate::diff(byte_view state_vector) const {
  state_map state;
  errc code{};
  if (!read_state_vector(state_vector, state, code)) return decode_failure(code);
  std::vector<Cut> cuts;
  std::size_t bytes = deletions_.size() + 16;
  IndexedReader reader(*this);
  for (const Section& section : sections_) {
    const auto known = state.find(section.client);
    const clock_value held = known == state.end() ? 0 : known->second;
    if (held >= section.end) continue;
    reader.seek(section.client, held);
    while (reader.has() && reader.current().is_skip()) reader.next();
    if (!reader.has()) continue;
    const Struct& first = reader.current();
    cuts.push_back({first, held > first.clock ? held - first.clock : 0,
                    section.structs - reader.ordinal(), update_.data() + section.bytes_end});
    bytes += static_cast<std::size_t>(cuts.back().end - first.begin) + 48;
  }
  Writer out;
  out.reserve(bytes);
  out.uint(cuts.size());
  for (const Cut& cut : cuts) {
    out.uint(cut.structs);
    out.uint(cut.first.client);
    out.uint(cut.first.clock + cut.from);
    write_struct(cut.first, cut.from, out);
    out.raw(cut.first.end, cut.end);
  }
  out.raw(deletions_);
  return out.take();
}

}  // namespace weft::yjs
