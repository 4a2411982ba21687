#pragma once

#include "weft/yjs/utf.h"

/// The columns of format v2: lib0's run-length and difference codes.
/// Source: docs/formats/yjs_update_v2.md, section 2.
namespace weft::yjs {

/// More values than any loop asks for.
inline constexpr std::uint64_t for_ever = ~std::uint64_t{0};

/// Reads a column value by value. Columns of one update share their first failure, since their
/// reader looks at it once per struct; after it they give anything, but end.
class ColumnReader {
 protected:
  ColumnReader(base::byte_view bytes, errc& failure) : in_(bytes), failure_(&failure) {}

  void fail(errc code) {
    if (*failure_ == errc{}) *failure_ = code;
    left_ = for_ever;
  }

  Reader in_;
  std::uint64_t left_ = 0;  ///< how often the present value is still to be given

 private:
  errc* failure_;
};

/// lib0's RleDecoder of bytes: the last value repeats without end.
class ByteColumn : ColumnReader {
 public:
  ByteColumn(base::byte_view bytes, errc& failure) : ColumnReader(bytes, failure) {}

  std::uint8_t next() {
    if (left_ == 0) refill();
    --left_;
    return value_;
  }

 private:
  void refill();
  std::uint8_t value_ = 0;
};

/// lib0's UintOptRleDecoder: zeros without end behind the last value.
class UintColumn : ColumnReader {
 public:
  UintColumn(base::byte_view bytes, errc& failure) : ColumnReader(bytes, failure) {}

  std::uint64_t next() {
    if (left_ == 0) refill();
    --left_;
    return value_;
  }

 private:
  void refill();
  std::uint64_t value_ = 0;
};

/// lib0's IntDiffOptRleDecoder: the last value repeats without end. Values below zero and above
/// 2^53 - 1 fail.
class DiffColumn : ColumnReader {
 public:
  DiffColumn(base::byte_view bytes, errc& failure) : ColumnReader(bytes, failure) {}

  std::uint64_t next() {
    if (left_ == 0) refill();
    --left_;
    value_ += difference_;
    if (value_ < 0 || value_ > static_cast<std::int64_t>(max_safe_integer)) {
      fail(errc::too_large);
      value_ = 0;
    }
    return static_cast<std::uint64_t>(value_);
  }

 private:
  void refill();
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
};

/// lib0's StringDecoder: one text, and the lengths of its strings. Behind the text all are empty.
class TextColumn {
 public:
  TextColumn(base::byte_view bytes, errc& failure);

  /// `units` is the length in UTF-16 code units.
  TextPart next(std::uint64_t& units);

 private:
  TextColumn(Reader in, errc& failure);

  base::byte_view text_;
  UintColumn lengths_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool inside_pair_ = false;
};

class ByteColumnWriter {
 public:
  void put(std::uint8_t value);
  base::byte_view view() const { return out_.view(); }

 private:
  Writer out_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
};

class UintColumnWriter {
 public:
  void put(std::uint64_t value) {
    if (value != value_) {
      flush();
      value_ = value;
    }
    ++count_;
  }
  base::byte_view finish();

 private:
  void flush();

  Writer out_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

class DiffColumnWriter {
 public:
  /// At most 2^53 - 1.
  void put(std::uint64_t value) {
    const std::int64_t difference = static_cast<std::int64_t>(value) - value_;
    if (difference != difference_) {
      flush();
      difference_ = difference;
    }
    value_ = static_cast<std::int64_t>(value);
    ++count_;
  }
  base::byte_view finish();

  /// False when some difference was too large for the code.
  bool good() const { return good_; }

 private:
  void flush();

  Writer out_;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::uint64_t count_ = 0;
  bool good_ = true;
};

class TextColumnWriter {
 public:
  /// `units` is the text's length in UTF-16 code units.
  void put(base::byte_view text, std::uint64_t units) {
    text_.raw(text);
    lengths_.put(units);
  }
  void put(base::byte_view text) { put(text, utf16_length(text)); }
  void finish(Writer& out);

 private:
  Writer text_;
  UintColumnWriter lengths_;
};

}  // namespace weft::yjs
