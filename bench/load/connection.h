#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/wire.h"

namespace weft::bench {

/// One WebSocket client on a non-blocking socket. The caller owns the epoll set and tells the
/// connection when it is readable or writable. One thread.
class Connection {
 public:
  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Starts to connect and queues the upgrade request. False when no socket could be had.
  /// `receive_buffer_bytes`: what the kernel may hold unread; 0 leaves it to the kernel.
  bool start(const Url& server, std::string_view path, int receive_buffer_bytes = 0);

  /// Reads once into `buffer` and calls on_message(byte_view) for each complete binary message and
  /// on_text(byte_view) for each text message; the view is valid during the call. Pings are
  /// answered. False when the connection has ended.
  template <class OnMessage, class OnText>
  bool read(std::span<std::uint8_t> buffer, OnMessage&& on_message, OnText&& on_text);

  /// Reads once into `buffer` and returns the bytes as they lie on the wire, behind the answer to
  /// the upgrade; for callers that take frames apart themselves. `alive`: whether the connection
  /// is.
  std::span<std::uint8_t> receive(std::span<std::uint8_t> buffer, bool& alive);

  /// Queues one message, binary or text; `key` is the masking key. flush() sends what is queued.
  void queue(byte_view message, std::uint32_t key, opcode op = opcode::binary) {
    append_client_frame(out_, op, message, key);
  }

  /// Sends what is queued as far as the socket takes it. False on a socket error.
  bool flush();

  bool has_unsent() const { return !out_.empty(); }
  bool is_open() const { return open_; }
  int fd() const { return fd_; }

 private:
  /// Takes a control frame or a fragment; true when `fragments_` holds a complete message.
  bool take_unusual(const Frame& frame, byte_view payload, bool& alive);
  void keep(byte_view rest);

  int fd_ = -1;
  bool open_ = false;
  byte_vector in_;
  byte_vector joined_;
  byte_vector fragments_;
  byte_vector out_;
};

template <class OnMessage, class OnText>
bool Connection::read(std::span<std::uint8_t> buffer, OnMessage&& on_message, OnText&& on_text) {
  bool alive = true;
  std::span<std::uint8_t> bytes = receive(buffer, alive);
  Frame frame;
  while (read_frame_header(bytes, frame) &&
         bytes.size() - frame.header_bytes >= frame.payload_bytes) {
    const byte_view payload = bytes.subspan(frame.header_bytes, frame.payload_bytes);
    if (frame.op == opcode::binary && frame.final) {
      on_message(payload);
    } else if (frame.op == opcode::text && frame.final) {
      on_text(payload);
    } else if (take_unusual(frame, payload, alive)) {
      on_message(byte_view(fragments_));
      byte_vector().swap(fragments_);
    }
    bytes = bytes.subspan(frame.header_bytes + frame.payload_bytes);
  }
  keep(bytes);
  return alive;
}

}  // namespace weft::bench
