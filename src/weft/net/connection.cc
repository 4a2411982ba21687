#include "weft/net/connection.h"

#include <algorithm>

namespace weft::net {

namespace {

/// A fraction of the shortest timeout, so that none is late by much.
std::chrono::milliseconds sweep_interval(const ServerOptions& options) {
  auto shortest =
      std::min({options.header_timeout, options.body_timeout, options.keep_alive_timeout,
                options.write_timeout, options.close_timeout});
  if (options.message_timeout.count() > 0) shortest = std::min(shortest, options.message_timeout);
  if (options.ping_interval.count() > 0) shortest = std::min(shortest, options.ping_interval);
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(1000));
}

}  // namespace

LoopConnections::LoopConnections(EventLoop& l, const ServerOptions& o, HttpHandler& h,
                                 adopt_upgraded a, ServerTotals& t, std::function<void()> last_left)
    : loop(l),
      options(o),
      handler(h),
      adopt(std::move(a)),
      totals(t),
      on_last_left(std::move(last_left)) {}

void LoopConnections::add(std::shared_ptr<Connection> connection) {
  Connection& added = *connection;
  added.index_ = static_cast<std::uint32_t>(connections_.size());
  connections_.push_back(std::move(connection));
  if (!sweeping_) {
    sweeping_ = true;
    loop.schedule(sweep_interval(options), [this] { sweep(); });
  }
  added.start();
  if (!draining || added.left()) return;
  if (aborted_) {
    added.abort();
  } else {
    added.drain(drain_code, drain_reason);
  }
}

void LoopConnections::remove(Connection& connection) {
  const std::size_t index = connection.index_;
  loop.retire(std::move(connections_[index]));
  if (index + 1 != connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->index_ = static_cast<std::uint32_t>(index);
  }
  connections_.pop_back();
}

void LoopConnections::sweep() {
  if (connections_.empty()) {
    sweeping_ = false;
    return;
  }
  const base::monotonic_time now = loop.turn_time();
  // Backwards: a connection that leaves is replaced by the last one, which was looked at already.
  for (std::size_t i = connections_.size(); i > 0; --i) connections_[i - 1]->on_sweep(now);
  loop.schedule(sweep_interval(options), [this] { sweep(); });
}

void LoopConnections::drain(std::uint16_t code, const std::string& reason) {
  draining = true;
  drain_code = code;
  drain_reason = reason;
  for (std::size_t i = connections_.size(); i > 0; --i) connections_[i - 1]->drain(code, reason);
}

void LoopConnections::abort_all() {
  aborted_ = true;
  while (!connections_.empty()) connections_.back()->abort();
}

bool LoopConnections::shed() {
  const auto enough = [this] {
    return totals.partial_bytes.load() <= options.partial_bytes_max ||
           totals.partial_holders.load() <= 1;
  };
  while (!enough()) {
    Connection* longest = nullptr;
    for (const auto& candidate : connections_) {
      const auto since = candidate->partial_since();
      if (since.count() != 0 && (!longest || since < longest->partial_since())) {
        longest = candidate.get();
      }
    }
    if (!longest) return false;
    counters.shed.add(1);
    longest->shed();
  }
  return true;
}

Inflater& LoopConnections::inflater() {
  if (!inflater_) inflater_ = std::make_unique<Inflater>();
  return *inflater_;
}

bool LoopConnections::may_handshake() {
  if (handshake_turn_ != loop.turn_time()) {
    handshake_turn_ = loop.turn_time();
    handshakes_ = 0;
  }
  if (handshakes_ == handshakes_per_turn_max) return false;
  ++handshakes_;
  return true;
}

Connection::sent Connection::send_waiting() {
  // Of an earlier flush only encrypted bytes are left: nothing was gathered for this one.
  if (remainder_.empty() && socket_.has_unsent()) shared_.gathered.clear();
  std::vector<base::shared_bytes>& waiting = remainder_.empty() ? shared_.gathered : remainder_;
  const std::size_t slices = std::min(waiting.size(), LoopConnections::slices_max);
  std::size_t count = 0;
  std::size_t offered = 0;
  while (count < slices && offered < LoopConnections::send_bytes_max) {
    const base::shared_bytes& slice = waiting[count];
    const std::size_t size = std::min(slice.size(), LoopConnections::send_bytes_max - offered);
    shared_.slices[count++] = {const_cast<std::uint8_t*>(slice.data()), size};
    offered += size;
  }
  const auto moved = socket_.send({shared_.slices.data(), count});
  shared_.counters.send_calls.add(moved.send_calls);
  if (moved.what == StreamSocket::outcome::failed) {
    shared_.gathered.clear();
    return sent::failed;
  }
  shared_.counters.bytes_out.add(moved.bytes);

  std::size_t whole = 0;
  std::size_t left = moved.bytes;
  while (whole < count && left >= waiting[whole].size()) left -= waiting[whole++].size();
  const auto block = [&] {
    blocked_ = true;
    shared_.counters.sends_blocked.add(1);
    return sent::blocked;
  };
  if (whole == waiting.size()) {
    // An idle connection is to own nothing.
    std::vector<base::shared_bytes>().swap(remainder_);
    shared_.gathered.clear();
    return socket_.has_unsent() ? block() : sent::all;
  }
  if (left > 0) waiting[whole] = waiting[whole].slice(left, waiting[whole].size() - left);
  if (&waiting == &remainder_) {
    remainder_.erase(remainder_.begin(), remainder_.begin() + static_cast<std::ptrdiff_t>(whole));
  } else {
    remainder_.assign(std::make_move_iterator(waiting.begin() + static_cast<std::ptrdiff_t>(whole)),
                      std::make_move_iterator(waiting.end()));
    shared_.gathered.clear();
  }
  return moved.bytes == offered && !socket_.has_unsent() ? sent::more_waits : block();
}

bool Connection::watch() {
  interest_ = EPOLLIN;
  watched_ = shared_.loop.watch(socket_.fd(), interest_, *this).has_value();
  return watched_;
}

void Connection::update_interest(bool reading) {
  const std::uint32_t wanted = (reading ? EPOLLIN : 0U) | (blocked_ ? EPOLLOUT : 0U);
  if (!watched_ || wanted == interest_) return;
  interest_ = wanted;
  shared_.loop.rewatch(socket_.fd(), interest_, *this);
}

void Connection::stop_watching() {
  if (watched_) shared_.loop.unwatch(socket_.fd());
  watched_ = false;
}

void Connection::drop_remainder() {
  std::vector<base::shared_bytes>().swap(remainder_);
  blocked_ = false;
}

StreamSocket::moved Connection::receive(std::size_t bytes_max) {
  if (shared_.totals.partial_bytes.load(std::memory_order_relaxed) >
      shared_.options.partial_bytes_max / 2) {
    bytes_max = std::min(bytes_max, LoopConnections::receive_bytes_when_tight);
  }
  const bool handshaking = socket_.handshaking();
  const auto moved = socket_.receive(shared_.loop.read_buffer(), bytes_max);
  shared_.counters.receive_calls.add(1);
  shared_.counters.send_calls.add(moved.send_calls);
  shared_.counters.bytes_in.add(moved.bytes);
  if (handshaking && !socket_.handshaking()) {
    const bool done = moved.what != StreamSocket::outcome::plaintext;
    (done ? shared_.counters.tls_handshakes : shared_.counters.tls_failures).add(1);
  }
  if (socket_.has_unsent() && !blocked_) {
    blocked_ = true;
    update_interest(watches_input());
  }
  return moved;
}

std::chrono::nanoseconds Connection::extra_time(std::size_t bytes) const {
  const std::size_t per_second = shared_.options.receive_bytes_per_second_min;
  return std::chrono::seconds(per_second == 0 ? 0 : bytes / per_second);
}

void Connection::keeps(std::size_t bytes) {
  // Nearly all input is complete when it comes, and then nothing changes here.
  if (bytes == kept_bytes_) return;
  auto& totals = shared_.totals;
  if (kept_bytes_ == 0) totals.partial_holders.fetch_add(1);
  if (bytes == 0) totals.partial_holders.fetch_sub(1);
  const std::size_t before = totals.partial_bytes.fetch_add(bytes - kept_bytes_);
  const bool grew = bytes > kept_bytes_;
  const std::size_t sum = before + (bytes - kept_bytes_);
  kept_bytes_ = bytes;
  if (grew && sum > shared_.options.partial_bytes_max) shared_.start_shedding();
}

StreamSocket Connection::leave_with_socket() {
  keeps(0);
  left_ = true;
  stop_watching();
  shared_.remove(*this);
  return std::move(socket_);
}

void Connection::leave() {
  if (left_) return;
  if (socket_.handshaking()) shared_.counters.tls_failures.add(1);
  StreamSocket closing = leave_with_socket();
  closing.close();
  if (shared_.totals.open.fetch_sub(1) == 1) shared_.on_last_left();
}

}  // namespace weft::net
