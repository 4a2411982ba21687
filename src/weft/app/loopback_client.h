#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/net/unique_fd.h"

namespace weft::app {

/// A y-websocket client of a server in this process, as simple as can be: blocking, on its own
/// thread, without TLS. For `weft trace --local`.
class LoopbackClient {
 public:
  /// Connects and joins a document of 127.0.0.1:`port`. Errors: std::errc::io_error.
  static base::result<LoopbackClient> join(std::uint16_t port, std::string_view path);

  /// Sends one sync message. Errors: as above.
  base::result<void> send(base::byte_view message);

  /// Waits, at most a few seconds, for the next message that starts with these two bytes.
  base::result<void> await(std::uint8_t type, std::uint8_t sync_type);

 private:
  explicit LoopbackClient(net::unique_fd socket) : socket_(std::move(socket)) {}
  base::result<void> write(std::string_view bytes);
  /// Waits until at least `size` bytes of what came are at hand.
  base::result<void> fill(std::size_t size);

  net::unique_fd socket_;
  std::string received_;
};

}  // namespace weft::app
