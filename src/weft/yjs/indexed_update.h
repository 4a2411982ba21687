#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/yjs/update.h"

namespace weft::yjs {

/// One compacted update with marks into it: a question about a few clocks costs what it answers,
/// not the size of the document.
///
/// Invariants: the update is what `compact` makes (one section a client, clients falling, clocks
/// ascending, every struct as Yjs would write it), so parts of it can be copied. Immutable; copies
/// share the bytes but not the marks. Memory: the update, and some 24 bytes for each mark_bytes of
/// it and 48 for each client. Threading: any.
class IndexedUpdate {
 public:
  /// The update that carries nothing.
  IndexedUpdate() = default;

  /// Indexes an update; one that is not in compact's form is compacted first. Time: one pass.
  /// There is a mark about every `mark_bytes` bytes.
  /// Errors: truncated, corrupt, too_large, as `validate`.
  static result<IndexedUpdate> build(base::shared_bytes update, std::size_t mark_bytes = 1024);

  const base::shared_bytes& update() const { return update_; }
  std::size_t size() const { return update_.size(); }
  bool empty() const { return sections_.empty() && deletions_.size() <= 1; }

  /// Byte-equal to `diff(update(), state_vector)`. Time: the clients here and there, and the
  /// output. Errors: as `diff`: the state vector does not decode.
  result<byte_vector> diff(byte_view state_vector) const;

 private:
  struct Mark {
    clock_value clock;
    std::uint64_t structs;  ///< of the section, before this one
    std::size_t byte;       ///< in update_
  };
  struct Section {
    client_id client;
    clock_value end;  ///< after its last struct
    std::uint64_t structs;
    std::size_t bytes_end;  ///< in update_
    std::size_t first_mark, marks_end;
  };

  friend class IndexedReader;

  bool index(std::size_t mark_bytes, errc& code);
  const Section* find(client_id client) const;
  const Mark& mark_before(const Section& section, clock_value clock) const;

  base::shared_bytes update_ = base::shared_bytes::copy_of(empty_update());
  std::vector<Section> sections_;  ///< clients falling
  std::vector<Mark> marks_;
  byte_view deletions_ = empty_update().last(1);  ///< the delete set's bytes, in update_
};

/// As `same_content(update, held)` where some of what is held is indexed: of that, only the
/// stretches that the update speaks of are read.
result<bool> same_content(byte_view update, std::span<const IndexedUpdate* const> indexed,
                          std::span<const byte_view> held);

}  // namespace weft::yjs
