#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::log {
class OpLog;
}

namespace weft::hub {

/// What one frame carries.
struct FrameInfo {
  yjs::sync_type type = yjs::sync_type::update;
  std::size_t update_bytes = 0;
  /// With this frame everything up to here has been delivered; none: what follows belongs to it.
  std::optional<base::log_offset> version = std::nullopt;
  bool record = false;  ///< the update is that of one record: of `version`, if there is one
};

class Framing;

/// Where a document gets the framing of one protocol from. Sessions that name the same source share
/// a framing, and with it their frames. Outlives those sessions.
class FramingSource {
 public:
  virtual ~FramingSource() = default;

  /// Asked once the document is live, so that the log knows where its records lie, and before that
  /// for one that nothing is framed with; never null.
  virtual std::shared_ptr<const Framing> framing_of(const base::DocumentId& document,
                                                    const log::OpLog& log) const = 0;
};

/// How one protocol puts an update on its wire. Stateless and shared by all of its sessions, so
/// that an edit is framed (and, where a connection wants that, compressed) once per protocol and
/// not once per connection. One whose frames do not name their document is its own source.
class Framing : public FramingSource {
 public:
  std::shared_ptr<const Framing> framing_of(const base::DocumentId&,
                                            const log::OpLog&) const override {
    return {std::shared_ptr<void>(), this};
  }

  /// False: its sessions hear no edits at all, only presence and control.
  virtual bool carries_edits() const { return true; }

  /// The longest header that write_header makes; constant.
  virtual std::size_t header_bytes_max() const = 0;

  /// Writes all that precedes `info.update_bytes` bytes of update in a frame of this kind; returns
  /// its length. Header and update together are one complete frame.
  virtual std::size_t write_header(const FrameInfo& info, std::uint8_t* out) const = 0;

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

  /// A complete frame that carries a control message; empty in protocols that have none.
  virtual base::shared_bytes frame_control(base::byte_view) const { return {}; }
};

}  // namespace weft::hub
