#pragma once

#include <memory>
#include <optional>

#include "weft/base/bytes.h"
#include "weft/base/ids.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {

/// One frame of a sync answer or of a remainder, on its way to one session or shared by several. It
/// gets its final form when the first of them can send it.
struct AnswerFrame {
  AnswerFrame(yjs::sync_type t, base::shared_bytes u) : type(t), update(std::move(u)) {}

  const yjs::sync_type type;
  const base::shared_bytes update;
  base::shared_bytes rewritten;  ///< the whole frame, where the framing made a shorter one
  bool final = false;            ///< it was tried
  bool under_way = false;        ///< it is being tried in the background
};

/// Its place among what waits for one session.
struct DirectFrame {
  std::shared_ptr<AnswerFrame> frame;
  std::optional<base::log_offset> version;  ///< see FrameInfo
};

}  // namespace weft::hub
