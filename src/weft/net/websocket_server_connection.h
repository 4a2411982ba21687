#pragma once

#include <optional>
#include <string>

#include "weft/net/connection.h"
#include "weft/net/rate_limit.h"
#include "weft/net/websocket_frame.h"
#include "weft/net/websocket_session.h"

/// Internal to net.
namespace weft::net {

/// The server's end of one WebSocket.
///
/// While idle it owns no buffers: it reads into the loop's buffer, and keeps bytes of its own only
/// for a message that has come in part, for what came before reading was paused, and for a flush
/// that the socket did not take whole.
class WebSocketServerConnection final : public Connection, public WebSocketConnection {
 public:
  WebSocketServerConnection(LoopConnections& shared, Upgraded upgraded);

  void start() override;
  void on_io(std::uint32_t events) override;
  void on_flush() override;
  void on_bulk() override;
  void on_sweep(base::monotonic_time now) override;
  void drain(std::uint16_t code, std::string_view reason) override;
  void abort() override { end(close_code::abnormal); }
  base::monotonic_time partial_since() const override;
  void shed() override;

  void want_write() override;
  void pause_reading() override;
  void resume_reading() override;
  void close(std::uint16_t code, std::string_view reason) override;
  base::Executor& executor() override { return shared_.loop; }
  const std::string& peer() const override { return peer_; }
  bool compression() const override { return compression_; }

 private:
  enum class closing : std::uint8_t {
    no,
    asked,    ///< a close frame waits to be sent
    sent,     ///< it is sent; the peer's is awaited
    answered  ///< the peer's came or is not expected: nothing is read any more, the rest is sent
  };

  void consume(std::span<std::uint8_t> bytes);
  void consume_held();
  std::span<std::uint8_t> decode(std::span<std::uint8_t> bytes);
  void tell_kept();
  void charge(std::uint64_t messages, std::uint64_t bytes);
  void await_rate();
  /// Whether nothing is to be decoded now, by our own wish.
  bool stalled() const { return paused_ || delayed_; }
  void on_event(const frame_event& event);
  void on_peer_close(const frame_event& event);
  void fail(std::uint16_t code, std::string_view reason);
  void gather();
  void send();
  void after_send(sent outcome);
  void end_call();
  void note_gone();
  void hear_the_rest();
  void after_close_sent();
  void queue_close(std::uint16_t code, std::string_view reason);
  void tell_closed(std::uint16_t code);
  void end(std::uint16_t code);
  bool receiving() const { return closing_ != closing::answered; }

  FrameDecoder decoder_;
  std::unique_ptr<WebSocketHandler> handler_;  ///< none once told that the connection is closed
  std::string peer_;
  base::byte_vector held_;      ///< received, but not to be decoded yet
  std::size_t held_from_ = 0;   ///< what stands before it is done with
  base::shared_bytes control_;  ///< the handshake's response, later the latest pong
  base::shared_bytes close_frame_;
  RateLimit message_rate_;
  RateLimit byte_rate_;
  base::monotonic_time delayed_until_{};
  base::monotonic_time heard_at_{};
  base::monotonic_time partial_since_{};  ///< when what the decoder keeps began to come
  base::monotonic_time deadline_{};       ///< of the closing handshake
  std::uint16_t code_ = close_code::abnormal;
  closing closing_ = closing::no;
  const bool compression_;
  bool close_frame_sent_ = false;
  bool close_after_send_ = false;  ///< both halves of the handshake are done
  bool wants_gather_ = false;
  bool paused_ = false;   ///< by the handler
  bool delayed_ = false;  ///< by a rate
  bool gone_ = false;     ///< the peer hears nothing any more; what it has said is still heard
  bool pinged_ = false;
  bool ping_due_ = false;
};

}  // namespace weft::net
