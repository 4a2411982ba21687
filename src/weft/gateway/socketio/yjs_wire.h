#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weft/base/ids.h"
#include "weft/base/result.h"
#include "weft/gateway/socketio/wire.h"
#include "weft/hub/framing.h"

/// What y-socket.io clients are sent: events of a namespace that names the document, in Engine.IO
/// messages in WebSocket frames.
/// Source: docs/protocols.md, "y-socket.io". Pure, any thread.
namespace weft::gateway::socketio {

/// A document as a y-socket.io client names it.
struct YjsName {
  base::DocumentId document;
  bool roomless = false;  ///< by its own name alone, in the default room

  /// "/yjs|room/doc" or "/yjs|doc": packets for the client must name it as the client did.
  std::string name_space() const;
};

/// Whether `name_space` is one of y-socket.io's.
bool is_yjs_namespace(std::string_view name_space);

/// Which document such a namespace is about. Errors: std::errc::invalid_argument, with a sentence
/// for the client.
base::result<YjsName> read_yjs_namespace(std::string_view name_space);

/// Edits as the event `sync-update`, presence as `awareness-update`; no versions. One source for
/// names with a room, one for those without.
class YjsFraming final : public hub::FramingSource {
 public:
  explicit YjsFraming(bool roomless) : roomless_(roomless) {}
  std::shared_ptr<const hub::Framing> framing_of(const base::DocumentId& document,
                                                 const log::OpLog& log) const override;

 private:
  const bool roomless_;
};

struct YjsFramings {
  YjsFraming with_room{false};
  YjsFraming roomless{true};

  const YjsFraming& of(const YjsName& name) const { return name.roomless ? roomless : with_room; }
};

/// What the event `sync-step-1` of the server asks its acknowledgement to be called by.
inline constexpr std::uint64_t yjs_question_id = 0;

/// The event `sync-step-1`, which asks the client for what the server lacks.
base::shared_bytes yjs_question_frame(const YjsName& name, base::byte_view state_vector);
/// The acknowledgement of a client's `sync-step-1`, with an update that says nothing: everything
/// that answers it has gone before.
base::shared_bytes yjs_answered_frame(const YjsName& name, std::uint64_t id);
/// The event `protocol-error`.
base::shared_bytes yjs_error_frame(const YjsName& name, const Refusal& refusal);

}  // namespace weft::gateway::socketio
