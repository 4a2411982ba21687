#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "weft/base/bytes.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {

/// How one protocol puts an update on its wire. Stateless and shared by all of its sessions, so
/// that an edit is framed (and, where a connection wants that, compressed) once per protocol and
/// not once per connection.
class Framing {
 public:
  virtual ~Framing() = default;

  static constexpr std::size_t header_bytes_max = 64;

  /// Writes all that precedes `update_bytes` bytes of update in a frame of this kind; returns its
  /// length, at most header_bytes_max. Header and update together are one complete frame.
  virtual std::size_t write_header(yjs::sync_type type, std::size_t update_bytes,
                                   std::uint8_t* out) const = 0;

  /// Whether rewrite() is worth trying for an update of that size.
  virtual bool rewrites(std::size_t) const { return false; }

  /// To rewrite more than this would hold up a loop.
  virtual std::size_t rewrite_at_once_bytes_max() const { return 64u << 10; }

  /// Writes a whole frame of `update` that is shorter than the update itself to `out`, which has
  /// room for update.size() bytes, and returns its length; none when there is no such frame: send
  /// header and update. Any thread.
  virtual std::optional<std::size_t> rewrite(yjs::sync_type, base::byte_view, std::uint8_t*) const {
    return std::nullopt;
  }

  /// A complete frame that carries an awareness update.
  virtual base::shared_bytes frame_awareness(base::byte_view awareness_update) const = 0;
};

}  // namespace weft::hub
