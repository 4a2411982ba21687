#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/hub/framing.h"
#include "weft/net/websocket_session.h"

namespace weft::hub {

/// One committed edit on its way to the sessions of a document.
struct OutgoingEdit {
  std::uint64_t origin = 0;  ///< session that sent it and must not get it back; 0: none
  base::log_offset offset;
  base::byte_view update;
  bool versioned = true;  ///< its readers may be told that all before it was delivered
};

/// The latest committed edits of a document, framed for one protocol, in a bounded window.
///
/// Sessions do not queue frames: each holds a cursor (the ordinal of the next frame it wants).
/// Frames of one commit lie in one buffer, so that a session sends a whole commit as one or a few
/// slices. Memory: at most bytes_max plus one commit; nothing once every session has caught up.
/// Threading: the document's executor.
class FrameRing {
 public:
  FrameRing(const Framing& framing, std::size_t bytes_max)
      : framing_(framing), bytes_max_(bytes_max) {}

  const Framing& framing() const { return framing_; }

  /// Ordinals of frames: begin() is the oldest that is still here, end() the next to come.
  std::uint64_t begin() const { return chunks_.empty() ? end_ : chunks_.front().first; }
  std::uint64_t end() const { return end_; }

  /// Frames edits behind what is there; drops the oldest commits beyond bytes_max.
  void publish(std::span<const OutgoingEdit> edits);

  /// Lets edits pass that nobody waits for: every cursor is, or is set, at end(). Frees everything.
  void pass(std::span<const OutgoingEdit> edits);

  /// Hands the frames from `cursor` (which must be >= begin()) on to the sink until it is full or
  /// the next record would be at or behind `until`, leaving out those of `origin`. Returns the new
  /// cursor and sets `next_offset` behind the last record passed.
  std::uint64_t collect(std::uint64_t cursor, std::uint64_t origin, net::GatherSink& sink,
                        base::log_offset& next_offset, base::log_offset until = {UINT64_MAX}) const;

  /// The ordinal of the first frame whose record lies at or behind `offset`; nullopt when frames
  /// from there on have been dropped.
  std::optional<std::uint64_t> cursor_at(base::log_offset offset) const;

  /// How long the frame of the record at `offset` is; 0 when it is not here.
  std::size_t frame_bytes(base::log_offset offset) const;

  /// Frees everything; for when every cursor is at end().
  void clear();

  /// Records before `offset` will never be here. For an empty ring.
  void begin_at(base::log_offset offset) { dropped_end_ = offset; }

  std::size_t bytes_used() const { return bytes_; }

 private:
  struct Entry {
    std::uint32_t end;  ///< offset in the chunk's bytes behind this frame
    std::uint64_t origin;
    base::log_offset offset;
  };
  struct Chunk {
    std::uint64_t first;  ///< ordinal of entries[0]
    base::shared_bytes bytes;
    std::vector<Entry> entries;
  };

  /// One chunk stays below this, so that a session's unsent remainder stays small.
  static constexpr std::size_t chunk_bytes_max = 256u << 10;

  /// Of the first entry whose record lies at or behind `offset`.
  static std::size_t index_of(const std::vector<Entry>& entries, base::log_offset offset);

  void drop_front();
  std::size_t write_frame(const OutgoingEdit& edit, std::uint8_t* out) const;
  void publish_chunk(std::span<const OutgoingEdit> edits, std::size_t bytes);

  const Framing& framing_;
  std::size_t bytes_max_;
  std::deque<Chunk> chunks_;
  std::uint64_t end_ = 0;
  std::size_t bytes_ = 0;
  base::log_offset dropped_end_;  ///< behind the last record whose frame is gone
};

}  // namespace weft::hub
