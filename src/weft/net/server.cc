#include "weft/net/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <future>

#include "weft/net/connection.h"
#include "weft/net/errc.h"
#include "weft/net/http_connection.h"
#include "weft/net/websocket_server_connection.h"

namespace weft::net {

namespace {

/// So that a storm of connections does not starve those that are there.
constexpr int accepts_per_turn_max = 128;
/// When descriptors or memory have run out: the backlog waits, the loop does not spin.
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::milliseconds shed_pause{50};

bool is_out_of_resources(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

constexpr std::string_view too_many =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    "Connection: close\r\n\r\n";
constexpr std::string_view too_many_of_address =
    "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 39\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
    "too many connections from this address\n";

void refuse_connection(int fd, bool tls, std::string_view plain) {
  // A fatal alert "internal_error" (RFC 8446, section 6): all that can be said before a handshake,
  // and a handshake is too dear for a connection that is refused.
  static constexpr std::string_view alert("\x15\x03\x03\x00\x02\x02\x50", 7);
  const std::string_view response = tls ? alert : plain;
  // A fresh socket's buffer takes this; if the peer has gone, so be it.
  [[maybe_unused]] const ssize_t count =
      ::send(fd, response.data(), response.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void add_to(ConnectionCounts& sum, const LoopCounters& counters) {
  sum.http_open += counters.http_open.get();
  sum.websockets_open += counters.websockets_open.get();
  sum.websockets_compressed += counters.websockets_compressed.get();
  sum.accepted += counters.accepted.get();
  sum.refused += counters.refused.get();
  sum.refused_per_address += counters.refused_per_address.get();
  sum.origins_refused += counters.origins_refused.get();
  sum.reads_delayed += counters.reads_delayed.get();
  sum.timed_out += counters.timed_out.get();
  sum.shed += counters.shed.get();
  sum.bytes_in += counters.bytes_in.get();
  sum.bytes_out += counters.bytes_out.get();
  sum.receive_calls += counters.receive_calls.get();
  sum.send_calls += counters.send_calls.get();
  sum.sends_blocked += counters.sends_blocked.get();
  sum.messages_in += counters.messages_in.get();
  sum.requests += counters.requests.get();
  sum.violations += counters.violations.get();
  sum.tls_handshakes += counters.tls_handshakes.get();
  sum.tls_failures += counters.tls_failures.get();
}

}  // namespace

/// Lives on the first loop.
struct Server::Impl final : IoHandler {
  Impl(ServerOptions o, LoopGroup& l, HttpHandler& handler)
      : options(std::move(o)), group(l), totals(options) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      loops.push_back(std::make_unique<LoopConnections>(
          group.loop(i), options, handler,
          [this](EventLoop& home, Upgraded upgraded) { adopt(home, std::move(upgraded)); }, totals,
          [this] { finish_drain_when_empty(); }));
      loops.back()->start_shedding = [this] { start_shedding(); };
    }
  }

  void on_io(std::uint32_t) override {
    for (int i = 0; i < accepts_per_turn_max && listener; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      unique_fd fd(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&from), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (is_out_of_resources(errno)) pause_accepting();
        if (errno == EAGAIN || is_out_of_resources(errno)) return;
        continue;  // that one connection has gone already
      }
      take_in(std::move(fd), ip_address::of(from));
    }
  }

  void pause_accepting() {
    const int number = errno;
    group.loop(0).rewatch(listener.get(), 0, *this);
    group.loop(0).schedule(accept_pause, [this] {
      if (listener) group.loop(0).rewatch(listener.get(), EPOLLIN, *this);
    });
    errno = number;
  }

  void take_in(unique_fd fd, const ip_address& from) {
    LoopCounters& counters = loops[0]->counters;
    if (totals.open.load(std::memory_order_relaxed) >= options.connections_max) {
      counters.refused.add(1);
      return refuse_connection(fd.get(), tls != nullptr, too_many);
    }
    const bool from_proxy = options.trusted_proxies.hold(from);
    auto slot = from_proxy ? AddressSlot() : totals.addresses->take(from);
    if (!slot) {
      counters.refused_per_address.add(1);
      return refuse_connection(fd.get(), tls != nullptr, too_many_of_address);
    }
    counters.accepted.add(1);
    totals.open.fetch_add(1);
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    LoopConnections& home = *loops[next_loop++ % loops.size()];
    home.loop.post(
        [&home, fd = std::move(fd), slot = std::move(*slot), from_proxy, context = tls]() mutable {
          auto stream = context ? std::make_unique<TlsStream>(*context) : nullptr;
          home.add(std::make_shared<HttpConnection>(
              home, StreamSocket(std::move(fd), std::move(stream)), std::move(slot), from_proxy));
        });
  }

  /// Looks for connections to cut off on one loop after the other.
  void start_shedding() {
    if (!totals.shedding.exchange(true)) shed_on(0);
  }

  void shed_on(std::size_t index) {
    EventLoop& loop = loops[index]->loop;
    loop.post([this, &loop, index] {
      if (loops[index]->shed()) {
        totals.shedding = false;
      } else if (index + 1 < loops.size()) {
        shed_on(index + 1);
      } else {
        // Nobody is to blame now, and looking costs time.
        loop.schedule(shed_pause, [this] { totals.shedding = false; });
      }
    });
  }

  void adopt(EventLoop& home, Upgraded upgraded) {
    LoopConnections* found = nullptr;
    for (const auto& candidate : loops) {
      if (&candidate->loop == &home) found = candidate.get();
    }
    WEFT_CHECK(found != nullptr);
    home.post([found, upgraded = std::move(upgraded)]() mutable {
      found->add(std::make_shared<WebSocketServerConnection>(*found, std::move(upgraded)));
    });
  }

  void stop_accepting() {
    if (!listener) return;
    group.loop(0).unwatch(listener.get());
    listener.reset();
  }

  void drain_loop(LoopConnections& connections, std::uint16_t code, const std::string& reason,
                  std::chrono::milliseconds deadline) {
    connections.drain(code, reason);
    connections.loop.schedule(deadline, [&connections] { connections.abort_all(); });
    loops_to_drain.fetch_sub(1);
    finish_drain_when_empty();
  }

  /// Called by whoever may have been last, on any loop.
  void finish_drain_when_empty() {
    if (loops_to_drain.load() != 0 || totals.open.load() != 0) return;
    if (drain_finished.exchange(true)) return;
    group.loop(0).post(std::move(drain_done));
  }

  void use(std::shared_ptr<const TlsContext> context) {
    certificate_expires_s.store(context->expires_s(), std::memory_order_relaxed);
    tls = std::move(context);
  }

  const ServerOptions options;
  LoopGroup& group;
  std::shared_ptr<const TlsContext>
      tls;  ///< of the next connection; the first loop's, once started
  std::atomic<std::int64_t> certificate_expires_s{0};
  unique_fd listener;
  std::uint16_t bound_port = 0;
  std::size_t next_loop = 0;
  ServerTotals totals;
  std::vector<std::unique_ptr<LoopConnections>> loops;
  /// Nobody is done before every loop has begun; all ones until a drain begins.
  std::atomic<std::size_t> loops_to_drain{~std::size_t{0}};
  std::atomic<bool> drain_finished{false};
  base::task drain_done;
};

base::result<std::unique_ptr<Server>> Server::start(ServerOptions options, LoopGroup& loops,
                                                    HttpHandler& handler) {
  auto listener = listen_on(options.host, options.port, options.backlog);
  if (!listener) return base::fail(std::move(listener.error()));
  std::shared_ptr<const TlsContext> context;
  if (options.tls.enabled()) {
    auto loaded = TlsContext::load(options.tls);
    if (!loaded) return base::fail(std::move(loaded.error()));
    context = std::move(*loaded);
  }
  auto impl = std::make_unique<Impl>(std::move(options), loops, handler);
  if (context) impl->use(std::move(context));
  impl->listener = std::move(*listener);
  impl->bound_port = local_port(impl->listener.get());
  std::promise<base::result<void>> watched;
  loops.loop(0).post(
      [&] { watched.set_value(loops.loop(0).watch(impl->listener.get(), EPOLLIN, *impl)); });
  auto outcome = watched.get_future().get();
  if (!outcome) return base::fail(std::move(outcome.error()));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->stop_accepting();
  for (const auto& connections : impl_->loops) connections->abort_all();
}

std::uint16_t Server::port() const { return impl_->bound_port; }

void Server::drain(std::uint16_t code, std::string reason, std::chrono::milliseconds deadline,
                   base::task done) {
  Impl& impl = *impl_;
  impl.group.loop(0).post(
      [&impl, code, reason = std::move(reason), deadline, done = std::move(done)]() mutable {
        impl.stop_accepting();
        impl.drain_done = std::move(done);
        impl.loops_to_drain.store(impl.loops.size());
        // Behind the sockets that were accepted already and are on their way to these loops.
        for (const auto& connections : impl.loops) {
          connections->loop.post([&impl, &target = *connections, code, reason, deadline] {
            impl.drain_loop(target, code, reason, deadline);
          });
        }
      });
}

base::result<void> Server::reload_certificate() {
  Impl& impl = *impl_;
  WEFT_CHECK(impl.options.tls.enabled());
  auto loaded = TlsContext::load(impl.options.tls);
  if (!loaded) return base::fail(std::move(loaded.error()));
  impl.group.loop(0).post(
      [&impl, context = std::move(*loaded)]() mutable { impl.use(std::move(context)); });
  return {};
}

std::int64_t Server::certificate_expires_s() const {
  return impl_->certificate_expires_s.load(std::memory_order_relaxed);
}

ConnectionCounts Server::counts() const {
  ConnectionCounts sum;
  for (const auto& connections : impl_->loops) add_to(sum, connections->counters);
  return sum;
}

ConnectionCounts Server::counts(std::size_t loop) const {
  ConnectionCounts sum;
  add_to(sum, impl_->loops[loop]->counters);
  return sum;
}

}  // namespace weft::net
