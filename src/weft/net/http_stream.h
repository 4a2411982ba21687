#pragma once

#include "weft/base/executor.h"
#include "weft/net/websocket_session.h"

namespace weft::net {

/// The sending half of a response whose body comes into being while it is sent, as its producer
/// sees it.
///
/// Threading: the connection's executor only. Valid until HttpStreamBody::on_closed returns.
class HttpStream {
 public:
  virtual ~HttpStream() = default;

  /// Asks for one on_gather at the end of this turn (or when the socket is writable again, if it
  /// is not now). Calling it often in one turn costs nothing more.
  virtual void want_write() = 0;

  /// Ends the body once on_gather has added nothing more. The client then knows that it is whole.
  virtual void finish() = 0;

  /// The executor that this connection lives on.
  virtual base::Executor& executor() = 0;
};

/// A response body without a size, asked for bytes only when the socket can take some: nothing is
/// queued for a client that does not read. Set as HttpResponse::stream; sent in chunks to
/// HTTP/1.1 clients and up to the end of the connection to others.
///
/// Threading: all calls come on the connection's executor. When the connection goes before the
/// response starts, the body is destroyed without a call.
class HttpStreamBody {
 public:
  virtual ~HttpStreamBody() = default;

  /// The head is on its way; `stream` may be used from now on, not from inside this call's caller.
  virtual void on_open(HttpStream& stream) = 0;

  /// Add what waits, up to sink.room(); when more waits, call want_write again.
  virtual void on_gather(GatherSink& sink) = 0;

  /// The server is going down: say goodbye and finish(). What takes longer than the drain's
  /// deadline is cut off.
  virtual void on_drain() = 0;

  /// The connection is gone or the body has been sent whole; called exactly once, and last.
  virtual void on_closed() = 0;
};

}  // namespace weft::net
