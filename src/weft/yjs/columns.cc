#include "weft/yjs/columns.h"

namespace weft::yjs {

void ByteColumn::refill() {
  value_ = in_.byte();
  left_ = in_.left() != 0 ? in_.uint() + 1 : for_ever;
  if (!in_.ok()) fail(in_.code());
}

void UintColumn::refill() {
  if (in_.left() == 0) {
    value_ = 0;
    left_ = for_ever;
    return;
  }
  bool repeats = false;
  value_ = in_.sint(repeats);
  left_ = repeats ? in_.uint() + 2 : 1;
  if (!in_.ok()) fail(in_.code());
}

void DiffColumn::refill() {
  if (in_.left() == 0) {
    difference_ = 0;
    left_ = for_ever;
    return;
  }
  // The lowest bit says whether a count follows; the rest is rounded towards minus infinity.
  bool negative = false;
  const std::uint64_t magnitude = in_.sint(negative);
  const std::uint64_t half = (magnitude + (negative ? 1 : 0)) / 2;
  difference_ = negative ? -static_cast<std::int64_t>(half) : static_cast<std::int64_t>(half);
  left_ = (magnitude & 1) != 0 ? in_.uint() + 2 : 1;
  if (!in_.ok()) fail(in_.code());
}

TextColumn::TextColumn(base::byte_view bytes, errc& failure) : TextColumn(Reader(bytes), failure) {}

TextColumn::TextColumn(Reader in, errc& failure)
    : text_(in.bytes()),
      lengths_({in.pos(), in.end()}, failure),
      at_(text_.data()),
      end_(text_.data() + text_.size()) {
  if (failure != errc{}) return;
  if (!in.ok()) failure = in.code();
  if (in.ok() && utf16_length(text_) == invalid_text) failure = errc::corrupt;
}

TextPart TextColumn::next(std::uint64_t& units) {
  units = lengths_.next();
  TextPart part{false, false, at_, at_};
  if (units == 0) return part;
  std::uint64_t left = units;
  if (inside_pair_) {
    part.lead = true;
    part.begin = at_ += 4;
    --left;
  }
  const TextPosition found = find_utf16({at_, end_}, left);
  at_ += found.byte;
  part.end = at_;
  part.tail = inside_pair_ = found.inside_pair;
  if (at_ == end_) units = utf16_length({part.begin, part.end}) + (part.lead ? 1 : 0);
  return part;
}

void ByteColumnWriter::put(std::uint8_t value) {
  if (count_ != 0 && value == value_) {
    ++count_;
    return;
  }
  if (count_ != 0) out_.uint(count_ - 1);
  out_.byte(value);
  value_ = value;
  count_ = 1;
}

void UintColumnWriter::flush() {
  if (count_ == 0) return;
  out_.sint(value_, count_ > 1);
  if (count_ > 1) out_.uint(count_ - 2);
  count_ = 0;
}

base::byte_view UintColumnWriter::finish() {
  flush();
  return out_.view();
}

void DiffColumnWriter::flush() {
  if (count_ == 0) return;
  const std::int64_t code = 2 * difference_ + (count_ > 1 ? 1 : 0);
  const auto magnitude = static_cast<std::uint64_t>(code < 0 ? -code : code);
  if (magnitude > max_safe_integer) good_ = false;
  out_.sint(magnitude, code < 0);
  if (count_ > 1) out_.uint(count_ - 2);
  count_ = 0;
}

base::byte_view DiffColumnWriter::finish() {
  flush();
  return out_.view();
}

void TextColumnWriter::finish(Writer& out) {
  out.bytes(text_.view());
  out.raw(lengths_.finish());
}

}  // namespace weft::yjs
