#include "weft/hub/frame_ring.h"

#include <algorithm>

#include "weft/base/result.h"

namespace weft::hub {

void FrameRing::publish(std::span<const OutgoingEdit> edits) {
  std::size_t from = 0;
  std::size_t bytes = 0;
  const std::size_t header_bytes_max = framing_.header_bytes_max();
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const std::size_t frame = edits[i].update.size() + header_bytes_max;
    if (i > from && bytes + frame > chunk_bytes_max) {
      publish_chunk(edits.subspan(from, i - from), bytes);
      from = i;
      bytes = 0;
    }
    bytes += frame;
  }
  if (from < edits.size()) publish_chunk(edits.subspan(from), bytes);
  while (bytes_ > bytes_max_ && chunks_.size() > 1) drop_front();
}

void FrameRing::pass(std::span<const OutgoingEdit> edits) {
  clear();
  end_ += edits.size();
  if (!edits.empty()) dropped_end_.value = edits.back().offset.value + 1;
}

void FrameRing::drop_front() {
  dropped_end_.value = chunks_.front().entries.back().offset.value + 1;
  bytes_ -= chunks_.front().bytes.size();
  chunks_.pop_front();
}

std::size_t FrameRing::write_frame(const OutgoingEdit& edit, std::uint8_t* out) const {
  const base::byte_view update = edit.update;
  // Larger edits are rare: they are framed as they are.
  if (framing_.rewrites(update.size()) && update.size() <= framing_.rewrite_at_once_bytes_max()) {
    const auto size = framing_.rewrite(yjs::sync_type::update, update, out);
    if (size) return *size;
  }
  const std::size_t size = framing_.write_header(
      {yjs::sync_type::update, update.size(),
       edit.versioned ? std::optional(edit.offset) : std::nullopt, /*record=*/true},
      out);
  if (!update.empty()) std::memcpy(out + size, update.data(), update.size());
  return size + update.size();
}

void FrameRing::publish_chunk(std::span<const OutgoingEdit> edits, std::size_t bytes) {
  Chunk chunk{end_, {}, {}};
  chunk.entries.reserve(edits.size());
  std::size_t used = 0;
  const auto buffer = base::shared_bytes::build(bytes, [&](std::uint8_t* out) {
    for (const auto& edit : edits) {
      used += write_frame(edit, out + used);
      chunk.entries.push_back({static_cast<std::uint32_t>(used), edit.origin, edit.offset});
    }
  });
  // What was rewritten may be much shorter than what was made room for.
  chunk.bytes = used < bytes / 2 ? base::shared_bytes::copy_of(buffer.view().first(used))
                                 : buffer.slice(0, used);
  end_ += edits.size();
  bytes_ += used;
  chunks_.push_back(std::move(chunk));
}

std::uint64_t FrameRing::collect(std::uint64_t cursor, std::uint64_t origin, net::GatherSink& sink,
                                 base::log_offset& next_offset, base::log_offset until) const {
  WEFT_CHECK(cursor >= begin() && cursor <= end_);
  auto chunk = std::upper_bound(chunks_.begin(), chunks_.end(), cursor,
                                [](std::uint64_t c, const Chunk& k) { return c < k.first; });
  if (chunk != chunks_.begin()) --chunk;
  for (; chunk != chunks_.end() && cursor < end_; ++chunk) {
    const auto& entries = chunk->entries;
    std::size_t stop = entries.size();
    if (entries.back().offset >= until) stop = index_of(entries, until);
    std::size_t i = cursor - chunk->first;
    while (i < stop) {
      if (sink.room() == 0) return cursor;
      // One slice for a run of frames that are not the session's own.
      const std::size_t from = i == 0 ? 0 : entries[i - 1].end;
      std::size_t to = from;
      while (i < stop && entries[i].origin != origin) to = entries[i++].end;
      if (to > from) sink.add(chunk->bytes.slice(from, to - from));
      while (i < stop && entries[i].origin == origin) ++i;
      next_offset.value = entries[i - 1].offset.value + 1;
      cursor = chunk->first + i;
    }
    if (stop < entries.size()) break;
  }
  return cursor;
}

std::size_t FrameRing::index_of(const std::vector<Entry>& entries, base::log_offset offset) {
  const auto entry =
      std::lower_bound(entries.begin(), entries.end(), offset,
                       [](const Entry& e, base::log_offset wanted) { return e.offset < wanted; });
  return static_cast<std::size_t>(entry - entries.begin());
}

std::optional<std::uint64_t> FrameRing::cursor_at(base::log_offset offset) const {
  if (offset < dropped_end_) return std::nullopt;
  for (const auto& chunk : chunks_) {
    if (chunk.entries.back().offset < offset) continue;
    return chunk.first + index_of(chunk.entries, offset);
  }
  return end_;
}

std::size_t FrameRing::frame_bytes(base::log_offset offset) const {
  for (const auto& chunk : chunks_) {
    std::uint32_t from = 0;
    for (const Entry& entry : chunk.entries) {
      if (entry.offset == offset) return entry.end - from;
      from = entry.end;
    }
  }
  return 0;
}

void FrameRing::clear() {
  while (!chunks_.empty()) drop_front();
}

}  // namespace weft::hub
