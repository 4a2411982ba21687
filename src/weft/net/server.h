#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weft/base/executor.h"
#include "weft/base/result.h"
#include "weft/net/address.h"
#include "weft/net/event_loop.h"
#include "weft/net/http.h"
#include "weft/net/origin.h"
#include "weft/net/tls.h"

namespace weft::net {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: the system chooses; see Server::port()
  int backlog = 4096;
  std::size_t connections_max = 100'000;  ///< more are told 503 and closed
  /// Of one client address (in IPv6, one network of 64 bits); more are told 429 and closed. 0: no
  /// bound.
  std::size_t connections_per_address_max = 10'000;
  /// Proxies whose X-Forwarded-For is believed. Their own connections have no bound; the WebSockets
  /// that come through them count for the address that the proxy names.
  AddressRanges trusted_proxies;
  /// Pages that may open WebSockets besides the server's own.
  OriginList allowed_origins = OriginList::everything();

  TlsOptions tls;  ///< enabled: the address speaks TLS and nothing else

  HttpLimits http;
  /// A whole header must come within this time of the connection (of which the TLS handshake is a
  /// part) or of its first byte.
  std::chrono::milliseconds header_timeout{10'000};
  /// A whole body must come within this time of its header.
  std::chrono::milliseconds body_timeout{60'000};
  /// How long a connection may stay without a request in progress.
  std::chrono::milliseconds keep_alive_timeout{60'000};
  /// How long an HTTP response may make no progress at all because its reader does not read.
  std::chrono::milliseconds write_timeout{60'000};

  /// What connections may keep of bodies and messages that have come in part, all together. Beyond
  /// it the ones that have been coming for the longest are cut off (503, or close code 1013),
  /// unless there is one only.
  std::size_t partial_bytes_max = 64 * 1024 * 1024;
  /// A body or message that comes no faster than this is not bounded by time alone: it gets a
  /// second more for each so many bytes. 0: by time alone.
  std::size_t receive_bytes_per_second_min = 16 * 1024;

  std::size_t message_bytes_max = 64 * 1024 * 1024;  ///< close code 1009 above it
  /// How long a message may take from its first byte to its last (close code 1008). 0: for ever.
  /// Time while reading is paused does not count.
  std::chrono::milliseconds message_timeout{60'000};
  /// A WebSocket that sends more messages (pings and pongs too) or bytes (inflated ones too) is
  /// read no faster than this; nothing is refused. A second's worth may come at once. 0: no bound.
  std::uint64_t messages_per_second = 0;
  std::uint64_t bytes_per_second = 0;
  /// Whether permessage-deflate is agreed to with clients that offer it.
  bool compression = false;
  /// Shorter messages are sent as they are. Heeded by the handlers, which make the frames.
  std::size_t compression_bytes_min = 1024;
  /// A WebSocket that was silent for this long is pinged; one that stays silent for two intervals
  /// more is cut off. 0: never. Not while the peer has yet to read what was sent before, nor while
  /// reading is paused: slow is not dead.
  std::chrono::milliseconds ping_interval{30'000};
  /// How long the peer may take for its half of a closing handshake.
  std::chrono::milliseconds close_timeout{5'000};
};

/// A snapshot of the counts of one loop, or of several added up. Byte counts are of what HTTP
/// and WebSocket say; TLS adds its own.
struct ConnectionCounts {
  std::uint64_t http_open = 0;
  std::uint64_t websockets_open = 0;
  std::uint64_t websockets_compressed = 0;  ///< of them, with permessage-deflate
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  ///< above connections_max
  std::uint64_t refused_per_address = 0;
  std::uint64_t origins_refused = 0;
  std::uint64_t reads_delayed = 0;  ///< times that a rate kept a WebSocket from being read
  std::uint64_t timed_out = 0;      ///< headers, bodies and messages that did not come in time
  std::uint64_t shed = 0;           ///< cut off because of partial_bytes_max
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t receive_calls = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t sends_blocked = 0;  ///< sends that the socket did not take whole
  std::uint64_t messages_in = 0;
  std::uint64_t requests = 0;
  std::uint64_t violations = 0;  ///< WebSocket protocol violations and refused HTTP requests
  std::uint64_t tls_handshakes = 0;
  std::uint64_t tls_failures = 0;  ///< connections that ended before their handshake was done
};

/// Serves HTTP and WebSocket on one address.
///
/// A connection starts on one of the group's loops in turn and stays there; an accepted upgrade
/// moves it to the loop that the handler names.
class Server {
 public:
  /// Listens and serves on the loops of `loops`, which must outlive the server, as must `handler`.
  /// Errors: address, system, certificate. Thread: not one of the loops'.
  static base::result<std::unique_ptr<Server>> start(ServerOptions options, LoopGroup& loops,
                                                     HttpHandler& handler);

  /// Closes what is left, with on_closed(1006) on the calling thread. The loops must have been
  /// joined (LoopGroup::stop_and_join).
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that is listened on.
  std::uint16_t port() const;

  /// Reads the files of `options.tls` again; connections that come later get the new certificate.
  /// On an error (certificate) the old one stays. Needs options.tls.enabled(). Any thread.
  base::result<void> reload_certificate();

  /// When the certificate in use ends, in seconds since 1970; 0 without TLS. Any thread.
  std::int64_t certificate_expires_s() const;

  /// Stops accepting, finishes the HTTP responses in progress, closes every WebSocket with `code`,
  /// and cuts off what is left after `deadline`. `done` runs on one of the loops once no connection
  /// is left. Any thread; once.
  void drain(std::uint16_t code, std::string reason, std::chrono::milliseconds deadline,
             base::task done);

  /// All loops added up, or one of them. Any thread; each number by itself is exact.
  ConnectionCounts counts() const;
  ConnectionCounts counts(std::size_t loop) const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
