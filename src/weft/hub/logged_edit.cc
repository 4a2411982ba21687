#include "weft/hub/logged_edit.h"

#include "weft/hub/errc.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {

base::result<LoggedEdit> logged_edit(const base::DocumentId& document,
                                     const log::CommittedRecord& entry) {
  const auto broken = [&](const std::string& why) {
    return base::fail(errc::broken, "document " + base::to_string(document) + ": record " +
                                        std::to_string(entry.offset.value) + " of the log: " + why);
  };
  const auto& envelope = entry.record.envelope;
  const auto parts = protocol::split_envelope(envelope);
  if (!parts) return broken(parts.error().message);
  auto metadata = protocol::decode_metadata(parts->metadata);
  if (!metadata) return broken(metadata.error().message);
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  if (!message) return broken(message.error().message);
  if (message->type != yjs::message_type::sync || message->sync == yjs::sync_type::step1) {
    return broken("not an update");
  }
  LoggedEdit out;
  out.version = entry.offset;
  out.operation = entry.record.operation;
  out.received_at_ms = entry.record.received_at_ms;
  out.identity = entry.record.identity;
  out.sender_id = std::move(metadata->sender_id).value_or("");
  out.update = envelope.slice(static_cast<std::size_t>(message->body.data() - envelope.data()),
                              message->body.size());
  return out;
}

}  // namespace weft::hub
