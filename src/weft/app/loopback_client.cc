#include "weft/app/loopback_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace weft::app {

namespace {

constexpr time_t patience_seconds = 10;

std::unexpected<base::error> failed(const char* doing) {
  return std::unexpected(
      base::error{std::make_error_code(std::errc::io_error),
                  std::string("a client in this program cannot ") + doing + ": " +
                      (errno == EAGAIN ? "nothing came in time" : std::strerror(errno))});
}

}  // namespace

base::result<LoopbackClient> LoopbackClient::join(std::uint16_t port, std::string_view path) {
  net::unique_fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return failed("make a socket");
  const timeval patience{patience_seconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("connect");
  }
  LoopbackClient out(std::move(socket));
  const auto asked = out.write("GET " + std::string(path) +
                               " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: d2VmdCB0cmFjZSBsb2NhbA==\r\n\r\n");
  if (!asked) return std::unexpected(asked.error());
  while (out.received_.find("\r\n\r\n") == std::string::npos) {
    if (auto more = out.fill(out.received_.size() + 1); !more) return std::unexpected(more.error());
  }
  if (!out.received_.starts_with("HTTP/1.1 101")) {
    errno = EPROTO;
    return failed("join");
  }
  out.received_.erase(0, out.received_.find("\r\n\r\n") + 4);
  return out;
}

base::result<void> LoopbackClient::send(base::byte_view message) {
  // A whole binary frame, masked with zeros.
  std::string frame("\x82", 1);
  const std::size_t size = message.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  const std::size_t kind = length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127;
  frame += static_cast<char>(0x80 | kind);
  for (int i = length_bytes - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  frame.append(4, '\0');
  frame += base::as_text(message);
  return write(frame);
}

base::result<void> LoopbackClient::await(std::uint8_t type, std::uint8_t sync_type) {
  for (;;) {
    if (auto head = fill(2); !head) return head;
    std::size_t length = static_cast<std::uint8_t>(received_[1]) & 0x7f;
    std::size_t header = 2;
    if (length >= 126) {
      header = length == 126 ? 4 : 10;
      if (auto head = fill(header); !head) return head;
      length = 0;
      for (std::size_t i = 2; i < header; ++i) {
        length = length << 8 | static_cast<std::uint8_t>(received_[i]);
      }
    }
    if (auto whole = fill(header + length); !whole) return whole;
    const bool wanted = length >= 2 && static_cast<std::uint8_t>(received_[header]) == type &&
                        static_cast<std::uint8_t>(received_[header + 1]) == sync_type;
    received_.erase(0, header + length);
    if (wanted) return {};
  }
}

base::result<void> LoopbackClient::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return failed("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

base::result<void> LoopbackClient::fill(std::size_t size) {
  while (received_.size() < size) {
    char chunk[16384];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return failed("receive");
    received_.append(chunk, static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace weft::app
