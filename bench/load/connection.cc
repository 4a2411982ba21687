#include "load/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace weft::bench {

Connection::~Connection() {
  if (fd_ >= 0) close(fd_);
}

bool Connection::start(const Url& server, std::string_view path, int receive_buffer_bytes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  if (inet_pton(AF_INET, server.host.c_str(), &address.sin_addr) != 1) return false;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return false;
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer_bytes > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    return false;
  }
  std::string request = "GET ";
  request += path;
  request += " HTTP/1.1\r\nHost: " + server.host + ":" + std::to_string(server.port) +
             "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: d2VmdC1iZW5jaG1hcmsxMg==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  out_.assign(request.begin(), request.end());
  return true;
}

std::span<std::uint8_t> Connection::receive(std::span<std::uint8_t> buffer, bool& alive) {
  const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
  if (n <= 0) {
    alive = n < 0 && errno == EAGAIN;
    return {};
  }
  std::span<std::uint8_t> bytes = buffer.first(static_cast<std::size_t>(n));
  if (!in_.empty()) {
    in_.insert(in_.end(), bytes.begin(), bytes.end());
    joined_.swap(in_);
    in_.clear();
    bytes = joined_;
  }
  if (open_) return bytes;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    keep(bytes);
    return {};
  }
  if (!text.starts_with("HTTP/1.1 101")) {
    alive = false;
    return {};
  }
  open_ = true;
  return bytes.subspan(head_end + 4);
}

bool Connection::take_unusual(const Frame& frame, byte_view payload, bool& alive) {
  switch (frame.op) {
    case opcode::ping:
      append_client_frame(out_, opcode::pong, payload, 0);
      flush();
      return false;
    case opcode::pong:
      return false;
    case opcode::close:
    case opcode::text:  // in fragments: no server that is measured here does that
      alive = false;
      return false;
    case opcode::binary:
    case opcode::continuation:
      fragments_.insert(fragments_.end(), payload.begin(), payload.end());
      return frame.final;
  }
  alive = false;
  return false;
}

void Connection::keep(byte_view rest) {
  if (rest.empty()) {
    // Thousands of mostly idle connections share this machine with the server under test.
    if (in_.capacity() != 0) byte_vector().swap(in_);
    if (joined_.capacity() != 0) byte_vector().swap(joined_);
    return;
  }
  byte_vector kept(rest.begin(), rest.end());
  in_.swap(kept);
}

bool Connection::flush() {
  if (out_.empty()) return true;
  const ssize_t n = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == ENOTCONN;
  out_.erase(out_.begin(), out_.begin() + n);
  return true;
}

}  // namespace weft::bench
