#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "weft/gateway/socketio/engine/exchange.h"
#include "weft/gateway/socketio/engine/options.h"
#include "weft/gateway/socketio/engine/packet.h"
#include "weft/gateway/socketio/engine/payload.h"
#include "weft/gateway/socketio/engine/session.h"
#include "weft/gateway/socketio/engine/session_slots.h"

namespace weft::gateway::socketio::engine {

class WebSocketTransport;

/// One session: its transports, its heartbeat, its upgrade.
///
/// At any time one transport carries it: long polling, until a WebSocket has been probed and the
/// client has said that it goes over; then that WebSocket, to the end. The handler is asked for
/// frames only when that transport can take some, so nothing waits here that an upgrade could lose
/// or reorder.
///
/// Threading: the session's executor. Owned by shared_ptrs, of which its table has one until it
/// ends.
class EngineSession final : public Session, public std::enable_shared_from_this<EngineSession> {
 public:
  struct Parts {
    base::Executor& executor;
    const EngineOptions& options;
    std::string id;
    std::string peer;
    std::unique_ptr<SessionHandler> handler;
    SessionSlot slot;
    std::function<void(EngineSession&)> on_ended;  ///< called once, last
  };
  explicit EngineSession(Parts parts);

  // Session
  void want_write() override;
  void pause_reading() override;
  void resume_reading() override;
  void close() override;
  base::Executor& executor() override { return parts_.executor; }
  const std::string& id() const override { return parts_.id; }
  const std::string& peer() const override { return parts_.peer; }

  // For the endpoint.

  /// Begins: answers the handshake and opens the handler.
  void open(Exchange handshake);
  void open(WebSocketTransport& socket);
  void on_poll(Exchange exchange);
  void on_post(base::byte_vector body, bool octets, Exchange exchange);
  /// A WebSocket that asks to take over. False: not now, or not any more.
  bool offer(WebSocketTransport& socket);
  /// Looks at what is due.
  void sweep(base::monotonic_time now);
  /// Says what can be said at once, and ends.
  void shut_down();
  void end(close_reason why);

  // For its transports.
  void on_socket_message(WebSocketTransport& socket, base::byte_view message, bool binary);
  void on_socket_gather(WebSocketTransport& socket, net::GatherSink& sink);
  void on_socket_closed(WebSocketTransport& socket);

 private:
  enum class state : std::uint8_t { open, closing, closed };

  /// A POST whose messages have not all been taken.
  struct Post {
    Exchange exchange;
    PayloadReader reader;
  };

  void begin();
  std::string greeting(bool may_upgrade) const;
  void on_packet(const Packet& packet);
  void gather(net::GatherSink& sink);
  void output_waits();
  void apply_reading();
  void beat(base::monotonic_time now);

  // Polling (engine_session_polling.cc).
  bool refuse_request(Exchange& exchange);
  void answer_poll();
  void answer_poll_with(packet_type type);
  void take_post();
  void end_post();

  // WebSocket (engine_session_websocket.cc).
  void on_probe(base::byte_view message, bool binary);
  void drop_probe(std::uint16_t code, std::string_view reason);
  void complete_upgrade();
  void end_socket(close_reason why);

  Parts parts_;
  std::optional<Exchange> poll_;
  std::optional<Post> post_;
  WebSocketTransport* socket_ = nullptr;  ///< that carries the session
  WebSocketTransport* probe_ = nullptr;   ///< that asks to
  base::shared_bytes greeting_;           ///< waits for the socket
  base::monotonic_time next_ping_{};
  base::monotonic_time pong_deadline_{};  ///< 0: the ping has yet to be sent, and will be heard of
  base::monotonic_time upgrade_deadline_{};
  base::monotonic_time close_deadline_{};
  close_reason end_reason_ = close_reason::server_closed;  ///< of a session that is closing
  state state_ = state::open;
  bool paused_ = false;
  bool wants_gather_ = false;
  bool answer_scheduled_ = false;
  bool awaiting_pong_ = false;
  bool ping_due_ = false;
  bool probed_ = false;  ///< the client is about to go over: polls are let go
};

}  // namespace weft::gateway::socketio::engine
