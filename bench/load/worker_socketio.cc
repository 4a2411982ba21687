// The part of a worker that is spoken in the dialect socketio alone: texts, positions,
// acknowledgements.

#include <chrono>
#include <utility>

#include "load/worker.h"

namespace weft::bench {

void Worker::on_text(Client& client, byte_view message) {
  if (options_.spoken != dialect::socketio) return;
  Conversation& conversation = client.conversation;
  const std::string_view text(reinterpret_cast<const char*>(message.data()), message.size());
  const SocketIoPacket packet = fleet_.socketio[client.doc].read(text);
  if (conversation.payload_due) {
    ++report_.malformed;
    return;
  }
  switch (packet.what) {
    case SocketIoPacket::kind::open:
      return queue_text(client, socketio_connect);
    case SocketIoPacket::kind::connected:
      return queue_text(client, socketio_sync);
    case SocketIoPacket::kind::ping:
      return queue_text(client, socketio_pong);
    case SocketIoPacket::kind::acknowledged:
      return on_acknowledged(client, packet);
    case SocketIoPacket::kind::delivery:
    case SocketIoPacket::kind::presence:
      take_version(client, packet.version);
      conversation.payload_due = true;
      conversation.versioned = packet.version.has_value();
      return;
    case SocketIoPacket::kind::malformed:
      ++report_.malformed;
      return;
  }
}

void Worker::on_acknowledged(Client& client, const SocketIoPacket& packet) {
  Conversation& conversation = client.conversation;
  const SentTimes& sent = fleet_.sent[client.index].edits;
  if (packet.id != conversation.next_ack || packet.id > sent.size()) {
    ++report_.misplaced;
    return;
  }
  take_version(client, packet.version);
  ++conversation.next_ack;
  if (packet.id == 0) {
    on_ready(client);
    return;
  }
  if (!packet.version) ++report_.misplaced;
  ++counts_.acked;
  const std::int64_t sent_ns = sent.at(packet.id - 1);
  if (in_window(sent_ns)) report_.ack_latency.add(now_ - sent_ns);
  if (options_.flat != 0) settle_edits(client);
}

/// Positions of one connection never fall, in deliveries and acknowledgements alike.
void Worker::take_version(Client& client, std::optional<std::uint64_t> version) {
  if (!version) return;
  std::optional<std::uint64_t>& latest = client.conversation.version;
  if (latest && *version < *latest) ++report_.misplaced;
  latest = version;
}

void Worker::queue_text(Client& client, std::string_view text) {
  message_.assign(text.begin(), text.end());
  queue(client, opcode::text);
  mark_dirty(client);
}

/// Queues the text of an event and begins the envelope that follows it.
void Worker::announce(Client& client, std::optional<std::uint64_t> ack) {
  message_.clear();
  append_socketio_event(message_, ack);
  queue(client, opcode::text);
  const auto wall_clock = std::chrono::system_clock::now().time_since_epoch();
  message_.clear();
  fleet_.socketio[client.doc].append_envelope_head(
      message_, fleet_.first_id + client.index, client.conversation.version,
      std::chrono::duration_cast<std::chrono::milliseconds>(wall_clock).count());
}

}  // namespace weft::bench
