#include "weft/net/stream_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

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

StreamSocket::moved StreamSocket::receive_raw(std::span<std::uint8_t> into) {
  ssize_t count = 0;
  do {
    count = ::recv(fd_.get(), into.data(), into.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return {outcome::done, static_cast<std::size_t>(count)};
  if (count == 0) return {outcome::ended};
  return {outcome_of_errno()};
}

StreamSocket::moved StreamSocket::send_raw(std::span<const iovec> slices) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(slices.data());  // the kernel only reads it
  message.msg_iovlen = slices.size();
  ssize_t count = 0;
  do {
    count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return {outcome::done, static_cast<std::size_t>(count), 1};
  return {outcome_of_errno(), 0, 1};
}

StreamSocket::moved StreamSocket::receive(std::span<std::uint8_t> into, std::size_t bytes_max) {
  if (!tls_) return receive_raw(into.first(std::min(bytes_max, into.size())));
  // Decrypted in one buffer: what is read begins a record behind what is written.
  auto ciphertext = into.subspan(TlsStream::record_bytes_max);
  ciphertext = ciphertext.first(std::min(bytes_max, ciphertext.size()));
  moved out = receive_raw(ciphertext);
  if (out.what != outcome::done) return out;
  if (!tls_->heard() && ciphertext[0] >= 'A' && ciphertext[0] <= 'Z') {
    // No TLS record begins with a capital letter, every HTTP request does.
    tls_.reset();
    return {outcome::plaintext};
  }
  const auto said = tls_->feed(ciphertext.first(out.bytes), into.data());
  out = {outcome::done, said.bytes};
  const bool sent = send_unsent(out);
  if (!sent || said.what == TlsStream::state::failed) return {outcome::failed, 0, out.send_calls};
  if (said.what == TlsStream::state::ended) {
    if (said.bytes == 0) return {outcome::ended, 0, out.send_calls};
    // The peer may wait with its FIN; the end that it announced is to be seen by the next receive.
    ::shutdown(fd_.get(), SHUT_RD);
  }
  if (said.bytes == 0) out.what = outcome::would_block;
  return out;
}

StreamSocket::moved StreamSocket::send(std::span<const iovec> slices) {
  return tls_ ? send_sealed(slices) : send_raw(slices);
}

/// False when the connection is broken.
bool StreamSocket::send_unsent(moved& sum) {
  base::byte_vector& unsent = tls_->unsent();
  if (unsent.empty()) return true;
  const iovec whole{unsent.data(), unsent.size()};
  const moved part = send_raw({&whole, 1});
  sum.send_calls += part.send_calls;
  if (part.what == outcome::failed) return false;
  if (part.bytes == unsent.size()) {
    // An idle connection is to own nothing.
    base::byte_vector().swap(unsent);
  } else {
    unsent.erase(unsent.begin(), unsent.begin() + static_cast<std::ptrdiff_t>(part.bytes));
  }
  return true;
}

StreamSocket::moved StreamSocket::send_sealed(std::span<const iovec> slices) {
  moved out{outcome::done};
  if (!send_unsent(out)) return {outcome::failed, 0, out.send_calls};
  std::array<std::uint8_t, TlsStream::record_payload_bytes_max> record;
  std::size_t slice = 0;
  std::size_t from = 0;  // in the slice
  while (slice < slices.size() && !has_unsent()) {
    std::size_t sealed = 0;
    while (slice < slices.size() && sealed < seal_bytes_max) {
      // Small slices share a record; one that fills a record by itself is not copied.
      std::size_t used = 0;
      base::byte_view payload;
      while (slice < slices.size() && used < record.size()) {
        const auto* bytes = static_cast<const std::uint8_t*>(slices[slice].iov_base) + from;
        const std::size_t take = std::min(slices[slice].iov_len - from, record.size() - used);
        if (take == record.size()) {
          payload = {bytes, take};
        } else if (take > 0) {
          std::memcpy(record.data() + used, bytes, take);
        }
        used += take;
        from += take;
        if (from == slices[slice].iov_len) {
          ++slice;
          from = 0;
        }
      }
      if (used == 0) break;
      if (payload.empty()) payload = {record.data(), used};
      if (!tls_->seal(payload)) return {outcome::failed, 0, out.send_calls};
      sealed += used;
    }
    out.bytes += sealed;
    if (!send_unsent(out)) return {outcome::failed, 0, out.send_calls};
  }
  return out;
}

void StreamSocket::shutdown_write() {
  if (tls_) {
    tls_->finish();
    // If the socket does not take it now, the FIN has to say it alone.
    moved ignored{outcome::done};
    static_cast<void>(send_unsent(ignored));
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void StreamSocket::close() {
  if (tls_ && !has_unsent()) {
    tls_->finish();
    moved ignored{outcome::done};
    static_cast<void>(send_unsent(ignored));
  }
  tls_.reset();
  fd_.reset();
}

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
