#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "weft/base/result.h"
#include "weft/net/tls.h"
#include "weft/net/unique_fd.h"

namespace weft::net {

/// A connected, non-blocking TCP socket, with TLS over it or without: the one place where
/// connections touch bytes of the network.
///
/// With TLS, bytes that were taken to be sent are encrypted, and what the socket does not take of
/// them stays in here, at most seal_bytes_max and the records' overhead: see has_unsent.
class StreamSocket {
 public:
  enum class outcome : std::uint8_t {
    done,         ///< `bytes` were moved
    would_block,  ///< nothing was; wait for readiness
    ended,        ///< the peer has finished sending (receive only)
    failed,       ///< the connection is broken
    plaintext,    ///< receive only: the peer speaks HTTP where TLS is spoken. What it sent is
                  ///< dropped, and from here on this socket has no TLS: tell the peer so
  };
  struct moved {
    outcome what;
    std::size_t bytes = 0;  ///< of what is said; TLS adds its own on the wire
    std::uint32_t send_calls = 0;
  };

  StreamSocket() = default;
  explicit StreamSocket(unique_fd fd, std::unique_ptr<TlsStream> tls = nullptr)
      : fd_(std::move(fd)), tls_(std::move(tls)) {}

  /// Takes at most `bytes_max` off the wire. `into` has room for more than
  /// TlsStream::record_bytes_max.
  moved receive(std::span<std::uint8_t> into, std::size_t bytes_max = SIZE_MAX);
  /// One system call, or with TLS one for each seal_bytes_max; may take only a part. Without slices
  /// it sends what is unsent.
  moved send(std::span<const iovec> slices);
  /// Whether bytes that were taken wait in here for the socket: call send when it is writable.
  bool has_unsent() const { return tls_ && !tls_->unsent().empty(); }
  /// Whether TLS is spoken and its handshake is not done.
  bool handshaking() const { return tls_ && tls_->handshaking(); }

  /// Tells the peer that nothing more comes.
  void shutdown_write();
  void close();

  int fd() const { return fd_.get(); }

  static constexpr std::size_t seal_bytes_max = 64 * 1024;

 private:
  moved receive_raw(std::span<std::uint8_t> into);
  moved send_raw(std::span<const iovec> slices);
  moved send_sealed(std::span<const iovec> slices);
  bool send_unsent(moved& sum);

  unique_fd fd_;
  std::unique_ptr<TlsStream> tls_;
};

/// "127.0.0.1:80" or "[::1]:80".
std::string peer_name(int fd);

/// A bound, listening, non-blocking socket. `host` is a name or an address ("127.0.0.1", "::",
/// "localhost"); port 0 lets the system choose. Errors: address.
base::result<unique_fd> listen_on(const std::string& host, std::uint16_t port, int backlog);

/// The port that a socket is bound to.
std::uint16_t local_port(int fd);

}  // namespace weft::net
