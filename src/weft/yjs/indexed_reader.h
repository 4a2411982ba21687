#pragma once

#include <optional>

#include "weft/yjs/indexed_update.h"
#include "weft/yjs/structs.h"

namespace weft::yjs {

/// Walks an indexed update's structs from any clock of any client on. Private to this module.
class IndexedReader {
 public:
  explicit IndexedReader(const IndexedUpdate& update) : update_(&update) {}

  /// To the client's first struct that ends after `clock`. Cheap when clocks ascend.
  void seek(client_id client, clock_value clock) {
    if (section_ == nullptr || section_->client != client) {
      section_ = update_->find(client);
      has_ = false;
    }
    if (section_ == nullptr) return;
    const auto& mark = update_->mark_before(*section_, clock);
    if (!has_ || current_.clock > clock || current_.clock < mark.clock) {
      reader_ =
          StructReader(update_->update().view().subspan(mark.byte, section_->bytes_end - mark.byte),
                       client, mark.clock, section_->structs - mark.structs);
      ordinal_ = mark.structs - 1;  // wraps for the first; next() counts on
      next();
    }
    while (has_ && current_.clock_end() <= clock) next();
  }

  bool has() const { return has_; }
  const Struct& current() const { return current_; }
  /// How many structs of the client come before the current one.
  std::uint64_t ordinal() const { return ordinal_; }

  /// The current struct's content; kept while the struct stays current.
  ContentCursor& cursor() {
    if (!cursor_) cursor_.emplace(current_);
    return *cursor_;
  }

  void next() {
    cursor_.reset();
    has_ = reader_.structs_left() > 0 && reader_.next(current_);
    ++ordinal_;
  }

 private:
  const IndexedUpdate* update_;
  const IndexedUpdate::Section* section_ = nullptr;
  StructReader reader_;
  Struct current_;
  std::optional<ContentCursor> cursor_;
  std::uint64_t ordinal_ = 0;
  bool has_ = false;
};

}  // namespace weft::yjs
