#include "net/test_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace weft::net::testing {

TestClient::TestClient(std::uint16_t port, int receive_buffer_bytes)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof receive_buffer_bytes);
  }
  const timeval timeout{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fd_.reset();
  }
}

TestClient::TestClient(std::uint16_t port, const TlsClientOptions& tls, int receive_buffer_bytes)
    : TestClient(port, receive_buffer_bytes) {
  tls_ = std::make_unique<TlsClient>(tls);
}

void TestClient::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t piece =
        piece_bytes_ == 0 ? bytes.size() : std::min(piece_bytes_, bytes.size());
    const ssize_t count = ::send(fd_.get(), bytes.data(), piece, MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void TestClient::pump() { send_raw(tls_->take()); }

bool TestClient::handshake() {
  while (!tls_->handshake()) {
    pump();
    std::string bytes;
    if (tls_->state_now() != TlsClient::state::open || !receive_into(bytes)) return false;
    tls_->feed(bytes);
  }
  pump();
  return true;
}

void TestClient::send(std::string_view bytes) {
  if (!tls_) return send_raw(bytes);
  if (!handshake()) return;
  tls_->write(bytes);
  pump();
}

std::size_t TestClient::send_some(std::string_view bytes) {
  std::string sealed;
  if (tls_) {
    if (!handshake()) return 0;
    tls_->write(bytes);
    sealed = tls_->take();
    bytes = sealed;
  }
  const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool TestClient::receive_into(std::string& out) {
  char buffer[65536];
  const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  out.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool TestClient::receive() {
  if (!tls_) return receive_into(received_);
  if (!handshake()) return false;
  while (true) {
    const std::string said = tls_->read();
    pump();
    received_ += said;
    if (!said.empty()) return true;
    std::string bytes;
    if (tls_->state_now() != TlsClient::state::open || !receive_into(bytes)) return false;
    tls_->feed(bytes);
  }
}

std::string TestClient::read(std::size_t size) {
  while (received_.size() < size && receive()) {
  }
  std::string out = received_.substr(0, size);
  received_.erase(0, size);
  return out;
}

std::string TestClient::read_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = received_.find(end)) == std::string::npos) {
    if (!receive()) return {};
  }
  return read(at + end.size());
}

bool TestClient::at_end() {
  errno = 0;
  if (!received_.empty() || receive()) return false;
  return errno != EAGAIN;
}

TestClient::response TestClient::read_response(bool has_body) {
  response out;
  out.head = read_until("\r\n\r\n");
  if (out.head.size() < 12) return out;
  out.status = static_cast<unsigned>(std::stoul(out.head.substr(9, 3)));
  const std::size_t at = out.head.find("Content-Length: ");
  if (has_body && at != std::string::npos) out.body = read(std::stoul(out.head.substr(at + 16)));
  return out;
}

TestClient::response TestClient::get(std::string_view target) {
  return request("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
}

bool TestClient::upgrade(std::string_view target, std::string_view behind,
                         std::string_view headers) {
  send("GET " + std::string(target) +
       " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
       std::string(headers) + "\r\n" + std::string(behind));
  upgrade_head_ = read_until("\r\n\r\n");
  return upgrade_head_.starts_with("HTTP/1.1 101 ") &&
         upgrade_head_.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;
}

std::string TestClient::encode(opcode code, std::string_view payload, bool fin, bool deflated) {
  std::uint8_t header[frame_header_bytes_max];
  const std::size_t size = frame_header(code, payload.size(), header, deflated);
  if (!fin) header[0] &= 0x7f;
  header[1] |= 0x80;
  const std::array<std::uint8_t, 4> mask{9, 8, 7, 6};
  std::string out(reinterpret_cast<const char*>(header), size);
  out.append(reinterpret_cast<const char*>(mask.data()), 4);
  const std::size_t at = out.size();
  out += payload;
  unmask({reinterpret_cast<std::uint8_t*>(out.data()) + at, payload.size()}, mask, 0);
  return out;
}

void TestClient::send_frame(opcode code, std::string_view payload, bool fin) {
  send(encode(code, payload, fin));
}

TestClient::frame TestClient::read_frame() {
  frame out;
  const std::string head = read(2);
  if (head.size() < 2) return out;
  out.code = static_cast<opcode>(head[0] & 0x0f);
  out.deflated = (head[0] & 0x40) != 0;
  std::size_t size = static_cast<std::uint8_t>(head[1]);
  if (size >= 126) {
    const std::string extended = read(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : extended) size = (size << 8) | static_cast<std::uint8_t>(c);
  }
  out.payload = read(size);
  return out;
}

std::uint16_t TestClient::read_close() {
  const frame got = read_frame();
  if (got.code != opcode::close) return 0;
  if (got.payload.size() < 2) return close_code::no_status;
  return static_cast<std::uint16_t>((static_cast<std::uint8_t>(got.payload[0]) << 8) |
                                    static_cast<std::uint8_t>(got.payload[1]));
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace weft::net::testing
