#pragma once

#include <cstddef>
#include <cstdint>

#include "weft/base/bytes.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {

/// How one protocol puts an update on its wire. Stateless and shared by all of its sessions, so
/// that an edit is framed once per protocol and not once per connection.
class Framing {
 public:
  virtual ~Framing() = default;

  static constexpr std::size_t header_bytes_max = 64;

  /// Writes all that precedes `update_bytes` bytes of update in a frame of this kind; returns its
  /// length, at most header_bytes_max. Header and update together are one complete frame.
  virtual std::size_t write_header(yjs::sync_type type, std::size_t update_bytes,
                                   std::uint8_t* out) const = 0;

  /// A complete frame that carries an awareness update.
  virtual base::shared_bytes frame_awareness(base::byte_view awareness_update) const = 0;
};

}  // namespace weft::hub
