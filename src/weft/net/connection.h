#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/net/address_table.h"
#include "weft/net/deflate.h"
#include "weft/net/server.h"
#include "weft/net/stream_socket.h"
#include "weft/net/websocket_session.h"

/// Internal to net: what HTTP and WebSocket connections have in common.
namespace weft::net {

class Connection;

/// Written by one thread, read by any, without locked instructions.
class counter {
 public:
  void add(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) LoopCounters {
  counter http_open;
  counter websockets_open;
  counter websockets_compressed;
  counter accepted;
  counter refused;
  counter refused_per_address;
  counter origins_refused;
  counter reads_delayed;
  counter timed_out;
  counter shed;
  counter bytes_in;
  counter bytes_out;
  counter receive_calls;
  counter send_calls;
  counter sends_blocked;
  counter messages_in;
  counter requests;
  counter violations;
  counter tls_handshakes;
  counter tls_failures;
};

/// What all connections of a server share, on whichever loop they are.
struct ServerTotals {
  explicit ServerTotals(const ServerOptions& options)
      : addresses(std::make_shared<AddressTable>(options.connections_per_address_max)) {}

  std::atomic<std::size_t> open{0};  ///< connections, sockets on their way included
  /// What connections keep of input that is not complete or waits for its turn, and how many do.
  std::atomic<std::size_t> partial_bytes{0};
  std::atomic<std::size_t> partial_holders{0};
  std::atomic<bool> shedding{false};  ///< some loop is at it
  const std::shared_ptr<AddressTable> addresses;
};

/// A connection on its way from HTTP to WebSocket.
struct Upgraded {
  StreamSocket socket;
  base::byte_vector received;  ///< behind the handshake
  std::string response;        ///< that completes the handshake
  std::string peer;
  std::unique_ptr<WebSocketHandler> handler;
  AddressSlot slot;
  bool compression = false;  ///< permessage-deflate was negotiated
};

/// What the connections of one loop share. Touched on that loop's thread only, except for
/// `counters`.
class LoopConnections {
 public:
  /// Moves an upgraded socket to another loop's connections; given by the server.
  using adopt_upgraded = std::function<void(EventLoop& home, Upgraded upgraded)>;

  LoopConnections(EventLoop& l, const ServerOptions& o, HttpHandler& h, adopt_upgraded a,
                  ServerTotals& t, std::function<void()> last_left);

  /// Takes a connection in and starts the sweep when it is the first.
  void add(std::shared_ptr<Connection> connection);
  /// Forgets it; it lives until the end of the turn.
  void remove(Connection& connection);

  void drain(std::uint16_t code, const std::string& reason);
  /// Ends every connection at once, and those that come later.
  void abort_all();

  /// Whether one more connection may go on with its TLS handshake in this turn. The others wait for
  /// the next, so that a storm of handshakes, which cost a signature each, delays nobody for long.
  bool may_handshake();

  /// Cuts off connections whose input has been coming for longest, until partial_bytes_max is kept
  /// or only one is left. True when there is nothing more to do.
  bool shed();

  /// Made when the first connection negotiates compression.
  Inflater& inflater();

  /// 256 slices and about 256 KiB make one flush.
  static constexpr std::size_t slices_max = 256;
  static constexpr std::size_t flush_bytes_max = 256 * 1024;
  /// One send takes no more of it; the rest is bulk.
  static constexpr std::size_t send_bytes_max = 64 * 1024;
  static constexpr std::size_t handshakes_per_turn_max = 16;
  /// What one receive takes while much is kept already.
  static constexpr std::size_t receive_bytes_when_tight = 16 * 1024;

  EventLoop& loop;
  const ServerOptions& options;
  HttpHandler& handler;
  adopt_upgraded adopt;
  ServerTotals& totals;
  std::function<void()> on_last_left;    ///< when totals.open has come down to 0
  std::function<void()> start_shedding;  ///< on all loops, one after the other
  LoopCounters counters;
  bool draining = false;
  std::uint16_t drain_code = 0;
  std::string drain_reason;

  std::vector<base::shared_bytes> gathered;  ///< scratch of the flush in progress
  std::array<iovec, slices_max> slices;      ///< scratch of the send in progress
  FlushListener* flush_listener = nullptr;   ///< of the flush in progress

 private:
  void sweep();

  std::vector<std::shared_ptr<Connection>> connections_;
  std::unique_ptr<Inflater> inflater_;
  base::monotonic_time handshake_turn_{};
  std::size_t handshakes_ = 0;  ///< in that turn
  bool sweeping_ = false;
  bool aborted_ = false;
};

/// A socket in an event loop with the unsent rest of its last flush.
class Connection : public IoHandler, public std::enable_shared_from_this<Connection> {
 public:
  Connection(LoopConnections& shared, StreamSocket socket, AddressSlot slot)
      : shared_(shared), socket_(std::move(socket)), slot_(std::move(slot)) {}

  /// Called once, right after LoopConnections::add.
  virtual void start() = 0;
  /// Looks at deadlines; called every so often.
  virtual void on_sweep(base::monotonic_time now) = 0;
  virtual void drain(std::uint16_t code, std::string_view reason) = 0;
  /// Ends the connection at once.
  virtual void abort() = 0;
  /// Since when input has been coming that is not complete; 0 when there is none, or when it is not
  /// the peer that keeps us waiting.
  virtual base::monotonic_time partial_since() const = 0;
  /// Ends the connection, which keeps too much, and says why.
  virtual void shed() = 0;

 protected:
  enum class sent : std::uint8_t { all, more_waits, blocked, failed };

  /// Sends the remainder, or what `shared_.gathered` holds, in one system call of at most
  /// send_bytes_max; what is left becomes the remainder.
  sent send_waiting();
  bool has_remainder() const { return !remainder_.empty() || socket_.has_unsent(); }
  bool blocked() const { return blocked_; }
  void unblock() { blocked_ = false; }

  /// Starts watching for input.
  bool watch();
  /// Brings what epoll watches in line with `reading` and whether a send is blocked.
  void update_interest(bool reading);
  bool watches_input() const { return (interest_ & EPOLLIN) != 0; }
  /// For a socket that is broken and would say so without end.
  void stop_watching();
  /// Forgets what was to be sent.
  void drop_remainder();

  /// At most `bytes_max`, and less while much is kept already.
  StreamSocket::moved receive(std::size_t bytes_max = SIZE_MAX);

  /// What a message gets beyond its timeout because so much of it has come.
  std::chrono::nanoseconds extra_time(std::size_t bytes) const;

  /// Tells how many bytes of input are kept now.
  void keeps(std::size_t bytes);

  /// Stops watching, closes the socket and leaves the loop. The object lives until the turn ends.
  void leave();
  /// The same, but the descriptor survives.
  StreamSocket leave_with_socket();
  bool left() const { return left_; }

  LoopConnections& shared_;
  StreamSocket socket_;
  AddressSlot slot_;

 private:
  friend class LoopConnections;
  std::vector<base::shared_bytes> remainder_;
  std::size_t kept_bytes_ = 0;  ///< as last told
  std::uint32_t index_ = 0;     ///< in LoopConnections::connections_
  std::uint32_t interest_ = 0;
  bool blocked_ = false;
  bool watched_ = false;
  bool left_ = false;
};

}  // namespace weft::net
