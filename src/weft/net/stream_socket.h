#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

#include "weft/base/result.h"
#include "weft/net/unique_fd.h"

namespace weft::net {

/// A connected, non-blocking TCP socket: the one place where connections touch bytes of the
/// network, and so where a TLS stream would stand.
class StreamSocket {
 public:
  enum class outcome : std::uint8_t {
    done,         ///< `bytes` were moved
    would_block,  ///< nothing was; wait for readiness
    ended,        ///< the peer has finished sending (receive only)
    failed,       ///< the connection is broken
  };
  struct moved {
    outcome what;
    std::size_t bytes = 0;
  };

  StreamSocket() = default;
  explicit StreamSocket(unique_fd fd) : fd_(std::move(fd)) {}

  moved receive(std::span<std::uint8_t> into);
  /// One system call; may take only a part.
  moved send(std::span<const iovec> slices);
  /// Tells the peer that nothing more comes.
  void shutdown_write();
  void close() { fd_.reset(); }
  /// Gives the descriptor away.
  unique_fd release() { return std::move(fd_); }

  int fd() const { return fd_.get(); }

 private:
  unique_fd fd_;
};

/// "127.0.0.1:80" or "[::1]:80".
std::string peer_name(int fd);

/// A bound, listening, non-blocking socket. `host` is a name or an address ("127.0.0.1", "::",
/// "localhost"); port 0 lets the system choose. Errors: address.
base::result<unique_fd> listen_on(const std::string& host, std::uint16_t port, int backlog);

/// The port that a socket is bound to.
std::uint16_t local_port(int fd);

}  // namespace weft::net
