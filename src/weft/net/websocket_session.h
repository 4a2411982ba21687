#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"

namespace weft::net {

/// Hears what became of a flush.
class FlushListener {
 public:
  virtual ~FlushListener() = default;

  /// The flush was handed to the socket; `whole` when it took all of it at once.
  virtual void on_flushed(bool whole) = 0;
};

/// Collects what one connection is about to send: slices of shared frames, not copies.
class GatherSink {
 public:
  virtual ~GatherSink() = default;

  /// Adds bytes that are already framed (RFC 6455 header included). Ignored when empty.
  virtual void add(base::shared_bytes framed) = 0;

  /// How much more this flush takes; a handler stops adding at 0 and is asked again later.
  virtual std::size_t room() const = 0;

  /// Has `listener` told once, as soon as this flush has gone to the socket, in this same turn.
  /// For whoever follows one edit; the latest call counts.
  virtual void tell(FlushListener&) {}
};

/// The sending half of a WebSocket connection, as a gateway sees it.
///
/// Threading: the connection's executor only. Valid until WebSocketHandler::on_closed returns.
class WebSocketConnection {
 public:
  virtual ~WebSocketConnection() = default;

  /// Asks for one on_gather at the end of this turn (or when the socket is writable again, if it
  /// is not now). Calling it often in one turn costs nothing more.
  virtual void want_write() = 0;

  /// Stops reading from the socket: back-pressure for a client that is too fast.
  /// Messages already received in this turn are held back too and come after resume_reading.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  /// Starts the closing handshake after what was gathered so far has been sent.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;

  /// The executor that this connection lives on.
  virtual base::Executor& executor() = 0;

  /// Whether permessage-deflate was negotiated: then frames may be compressed, each by itself
  /// (write_deflated_frame); messages that come are inflated already. Constant.
  virtual bool compression() const = 0;

  /// "127.0.0.1:54321", for logs.
  virtual const std::string& peer() const = 0;
};

/// The receiving half, implemented by gateways. All calls come on the connection's executor.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;

  /// The handshake is done; `connection` may be used from now on.
  virtual void on_open(WebSocketConnection& connection) = 0;

  /// One whole message, at most message_bytes_max bytes. The view is valid during the call.
  virtual void on_message(base::byte_view message, bool binary) = 0;

  /// Asked after want_write when the socket can take bytes: add what waits, up to sink.room().
  /// When more waits, call want_write again.
  virtual void on_gather(GatherSink& sink) = 0;

  /// The close code for a message beyond message_bytes_max: that of RFC 6455, unless the protocol
  /// has one after which its clients do not come back and try the same again.
  virtual std::uint16_t too_big_code() const { return 1009; }

  /// The connection is gone, for whatever reason; called exactly once, and last.
  virtual void on_closed(std::uint16_t code) = 0;
};

}  // namespace weft::net
