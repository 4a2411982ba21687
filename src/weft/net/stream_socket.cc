#include "weft/net/stream_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "weft/net/errc.h"

namespace weft::net {

void unique_fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

StreamSocket::outcome outcome_of_errno() {
  return errno == EAGAIN || errno == EWOULDBLOCK ? StreamSocket::outcome::would_block
                                                 : StreamSocket::outcome::failed;
}

std::string address_name(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unknown";
}

base::result<unique_fd> listen_on_address(const addrinfo& address, int backlog) {
  unique_fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errc::address, "cannot make a socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    return fail_errno(errc::address, "cannot bind");
  }
  if (::listen(fd.get(), backlog) != 0) return fail_errno(errc::address, "cannot listen");
  return fd;
}

}  // namespace

StreamSocket::moved StreamSocket::receive(std::span<std::uint8_t> into) {
  ssize_t count = 0;
  do {
    count = ::recv(fd_.get(), into.data(), into.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return {outcome::done, static_cast<std::size_t>(count)};
  if (count == 0) return {outcome::ended};
  return {outcome_of_errno()};
}

StreamSocket::moved StreamSocket::send(std::span<const iovec> slices) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(slices.data());  // the kernel only reads it
  message.msg_iovlen = slices.size();
  ssize_t count = 0;
  do {
    count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return {outcome::done, static_cast<std::size_t>(count)};
  return {outcome_of_errno()};
}

void StreamSocket::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  return address_name(address);
}

base::result<unique_fd> listen_on(const std::string& host, std::uint16_t port, int backlog) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string where = host + " port " + std::to_string(port);
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return base::fail(errc::address, "cannot resolve " + where + ": " + ::gai_strerror(failed));
  }
  base::result<unique_fd> out = base::fail(errc::address, "no address");
  for (const addrinfo* at = found; at != nullptr && !out; at = at->ai_next) {
    out = listen_on_address(*at, backlog);
  }
  ::freeaddrinfo(found);
  if (!out) out.error().message = "cannot listen on " + where + ": " + out.error().message;
  return out;
}

std::uint16_t local_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace weft::net
