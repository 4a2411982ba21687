#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"
#include "weft/net/http.h"
#include "weft/net/websocket_session.h"

namespace weft::gateway::socketio::engine {

/// Why a session ended.
enum class close_reason : std::uint8_t {
  client_closed,     ///< it said so
  transport_closed,  ///< its connection is gone
  transport_error,   ///< two polls at once, heartbeats in the wrong direction, a message too long
  ping_timeout,      ///< it did not answer
  parse_error,       ///< it sent what is no packet
  server_closed,     ///< Session::close
  shutting_down,     ///< the server goes down
};

/// The sending half of one client's session, whichever transport carries it at the moment.
///
/// Threading: the session's executor only. Valid until SessionHandler::on_closed returns.
class Session {
 public:
  virtual ~Session() = default;

  /// Asks for one on_gather as soon as a transport can take something: at the end of this turn,
  /// when the socket is writable again, or when the client polls next. Calling it often costs
  /// nothing.
  virtual void want_write() = 0;

  /// Stops taking messages: back-pressure for a client that is too fast. One that polls gets the
  /// answer to its POST when the POST's messages have been taken. The client is not held to its
  /// heartbeat meanwhile. No message comes from inside resume_reading.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  /// Ends the session. A handler that asked for on_gather before is asked once more, then the
  /// client is told; no further message comes. on_closed follows, never inside this call.
  virtual void close() = 0;

  /// The executor that this session lives on.
  virtual base::Executor& executor() = 0;

  /// The session's name: whoever knows it speaks for the client.
  virtual const std::string& id() const = 0;

  /// "127.0.0.1:54321", for logs: the connection that the handshake came by.
  virtual const std::string& peer() const = 0;
};

/// What is above a session. All calls come on the session's executor; on_open first, on_closed
/// last.
class SessionHandler {
 public:
  virtual ~SessionHandler() = default;

  /// The handshake is done; `session` may be used from now on.
  virtual void on_open(Session& session) = 0;

  /// One whole message, at most payload_bytes_max bytes. The view is valid during the call.
  virtual void on_message(base::byte_view message, bool binary) = 0;

  /// Asked after want_write when a transport can take bytes: add what waits, up to sink.room(), as
  /// whole frames (packet.h): text frames that begin with '4', binary ones as they are. They may be
  /// added several in one piece or each in several pieces. When more waits, call want_write again.
  virtual void on_gather(net::GatherSink& sink) = 0;

  /// The session is over; called exactly once.
  virtual void on_closed(close_reason why) = 0;
};

/// A handshake that is agreed to.
struct Admission {
  std::unique_ptr<SessionHandler> handler;
  std::size_t home = 0;  ///< index of the loop that the session is to live on
};
using AdmissionDecision = std::expected<Admission, net::HttpResponse>;

/// Decides about handshakes. One object serves all loops: calls come on the threads of all of them
/// at the same time.
class SessionFactory {
 public:
  virtual ~SessionFactory() = default;

  /// A well-formed handshake: admit it, or refuse it with a response (see refusal_response). When
  /// the connection goes before the session begins, the handler is destroyed without on_open or
  /// on_closed, on any thread.
  virtual AdmissionDecision admit(const net::HttpRequest& request) = 0;
};

}  // namespace weft::gateway::socketio::engine
