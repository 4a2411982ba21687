#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"
#include "weft/base/result.h"
#include "weft/net/http_stream.h"
#include "weft/net/websocket_session.h"

namespace weft::net {

class EventLoop;

struct HttpHeader {
  std::string name;
  std::string value;

  /// Whether it is called so, in any case.
  bool is(std::string_view other) const;
};

/// One whole request of an HTTP/1.1 or 1.0 client.
struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< as sent: "/v1/rooms?x=1"
  unsigned version_minor = 1;
  bool keep_alive = true;
  std::vector<HttpHeader> headers;  ///< in order; trailers of a chunked body are dropped
  base::byte_vector body;
  std::string peer;  ///< "127.0.0.1:54321"

  /// The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
  /// The target before '?', not decoded.
  std::string_view path() const;
  /// The target after '?', not decoded.
  std::string_view query() const;
  /// The first parameter of that name in the query, decoded ('+' is a space); none when it is
  /// missing or badly encoded.
  std::optional<std::string> query_parameter(std::string_view name) const;
};

/// Undoes %XX; none when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

/// A response body that is read while it is sent.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;
  /// How many bytes read() gives in all; constant.
  virtual std::uint64_t size() const = 0;
  /// The next bytes, 1..bytes_max of them. An error ends the connection: a truncated body must not
  /// look like a whole one. On the connection's executor; must not block for long.
  virtual base::result<base::shared_bytes> read(std::size_t bytes_max) = 0;
};

/// Content-Length, Transfer-Encoding, Connection and Date are the connection's to write, not the
/// handler's.
struct HttpResponse {
  unsigned status = 200;
  std::vector<HttpHeader> headers;
  base::shared_bytes body;
  std::unique_ptr<HttpBodySource> source;  ///< when set, sent in place of `body`
  std::unique_ptr<HttpStreamBody> stream;  ///< when set, sent in place of both
  bool close = false;                      ///< end the connection after this response

  static HttpResponse text(unsigned status, std::string_view content_type, std::string_view body);

  /// "Problem details" (RFC 9457) of the type about:blank: `status` says what kind of problem it
  /// is, `detail` (UTF-8) what was wrong.
  static HttpResponse problem(unsigned status, std::string_view detail);
};

/// Where a responder delivers; connections implement it, tests may too.
class HttpResponseTarget {
 public:
  virtual ~HttpResponseTarget() = default;
  virtual void respond(std::uint64_t request, HttpResponse response) = 0;
  /// See HttpResponder::watch_peer.
  virtual void watch_peer(std::uint64_t) {}
};

/// The right to answer one request, once, now or later.
///
/// Threading: may be moved between threads while it waits, but answered and destroyed only on
/// executor(). Harmless when the connection has gone. Destroyed unanswered it answers 500, so that
/// no client waits for ever.
class HttpResponder {
 public:
  HttpResponder(base::Executor& executor, std::weak_ptr<HttpResponseTarget> target,
                std::uint64_t request)
      : executor_(&executor), target_(std::move(target)), request_(request) {}
  HttpResponder(HttpResponder&& other) noexcept = default;
  HttpResponder& operator=(HttpResponder&&) = delete;
  ~HttpResponder();

  void respond(HttpResponse response);
  base::Executor& executor() const { return *executor_; }

  /// For a response that may take long: the connection ends as soon as the client has ended its
  /// half of it. Otherwise such a client still gets its response, and nobody hears that it may be
  /// gone.
  void watch_peer();

  /// True when nobody waits any more: answered, or the connection has gone. From then on it may be
  /// destroyed on any thread.
  bool abandoned() const { return target_.expired(); }

 private:
  base::Executor* executor_;
  std::weak_ptr<HttpResponseTarget> target_;
  std::uint64_t request_;
};

/// The other side of a WebSocket that a handler has agreed to.
struct UpgradeAccept {
  std::unique_ptr<WebSocketHandler> handler;
  /// The loop that the connection is to live on: one of the server's. The socket moves there before
  /// on_open. When the server goes down first, the handler is destroyed without on_open or
  /// on_closed, on any thread.
  EventLoop* home = nullptr;
};

using UpgradeDecision = std::expected<UpgradeAccept, HttpResponse>;

/// Answers the requests of a server. One object serves all loops: calls come on the threads of all
/// of them at the same time.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  virtual void on_request(HttpRequest request, HttpResponder responder) = 0;

  /// A well-formed WebSocket handshake: accept it, or refuse it with a response.
  virtual UpgradeDecision on_upgrade(const HttpRequest& request) = 0;
};

struct HttpLimits {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 16 * 1024 * 1024;
};

/// Parses requests out of bytes, one after another. Pure: no sockets, no clock.
///
/// Refused beyond what the grammar refuses, because intermediaries disagree on them: a length
/// beside a transfer coding, codings other than "chunked", HTTP/1.1 without exactly one Host.
/// Source: RFC 9110 and 9112; the grammar is Boost.Beast's parser.
class HttpRequestParser {
 public:
  explicit HttpRequestParser(HttpLimits limits);
  ~HttpRequestParser();
  HttpRequestParser(HttpRequestParser&&) noexcept;
  HttpRequestParser& operator=(HttpRequestParser&&) noexcept;

  enum class state : std::uint8_t {
    need_more,  ///< present the bytes that were not consumed again, with more behind them
    complete,   ///< take() the request
    refused,    ///< answer `status` and close
  };
  struct step {
    state what = state::need_more;
    std::size_t consumed = 0;
    unsigned status = 0;  ///< 400, 413, 417, 431, 501 or 505
    std::string message;
  };

  /// Consumes what it can, up to the end of one request. What it leaves unconsumed stays below
  /// header_bytes_max and a little.
  step feed(base::byte_view bytes);

  /// Whether bytes of an unfinished request have been consumed.
  bool started() const;
  bool header_complete() const;
  /// Whether the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const;

  /// The complete request; the parser is then ready for the next one.
  HttpRequest take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The status line and headers, with Connection, Date, and Content-Length unless the body is a
/// stream.
std::string response_head(const HttpResponse& response, bool keep_alive,
                          std::int64_t wall_clock_ms);

/// "Not Found"; "Unknown" for a status without a name.
std::string_view reason_phrase(unsigned status);

/// What is wrong with the WebSocket handshake in `request`; `accept_key` for a right one.
struct handshake {
  bool requested = false;  ///< it asks for "Upgrade: websocket" at all
  unsigned status = 101;   ///< 101, or 400, 405, 426 with a message
  std::string message;
  std::string accept_key;
};
handshake check_handshake(const HttpRequest& request);

}  // namespace weft::net
