#include "weft/net/http_connection.h"

#include <algorithm>

#include "weft/net/websocket_extensions.h"

namespace weft::net {

namespace {

constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
constexpr std::chrono::seconds linger_time{2};

base::shared_bytes bytes_of(std::string_view text) {
  return base::shared_bytes::copy_of(base::as_bytes(text));
}

}  // namespace

HttpConnection::HttpConnection(LoopConnections& shared, StreamSocket socket, AddressSlot slot,
                               bool from_proxy)
    : Connection(shared, std::move(socket), std::move(slot)),
      parser_(shared.options.http),
      from_proxy_(from_proxy) {}

void HttpConnection::start() {
  shared_.counters.http_open.add(1);
  expire_after(shared_.options.header_timeout);
  if (!watch()) end();
}

void HttpConnection::end() {
  if (left()) return;
  // Told first: when the last connection leaves, a drain is done.
  close_stream();
  shared_.counters.http_open.subtract(1);
  leave();
}

void HttpConnection::expire_after(std::chrono::nanoseconds delay) {
  deadline_ = shared_.loop.turn_time() + delay;
}

void HttpConnection::on_io(std::uint32_t events) {
  if (left()) return;
  if ((events & EPOLLOUT) != 0) {
    unblock();
    shared_.loop.request_bulk(*this);
  }
  if ((events & (EPOLLIN | broken)) == 0) return;
  if (phase_ == phase::handling || phase_ == phase::writing) {
    // Nothing is read ahead of the response. Input is unwatched only when some comes, so that the
    // usual client, which waits, costs no system call.
    if ((events & broken) != 0) return end();
    if (stream_ || (watches_peer_ && phase_ == phase::handling)) return on_input_while_answering();
    return update_interest(false);
  }
  if (socket_.handshaking() && !shared_.may_handshake()) return;
  const auto moved = receive();
  if (moved.what == StreamSocket::outcome::would_block) return;
  if (moved.what == StreamSocket::outcome::plaintext) {
    return refuse(400, "this address speaks TLS: ask for https:// or wss://");
  }
  if (moved.what != StreamSocket::outcome::done) return end();
  if (phase_ == phase::lingering) return;
  const auto bytes = shared_.loop.read_buffer().first(moved.bytes);
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  request_bytes_ += bytes.size();
  advance();
  tell_kept();
}

void HttpConnection::tell_kept() {
  if (!left()) keeps(phase_ == phase::reading ? request_bytes_ : input_.size());
}

base::monotonic_time HttpConnection::partial_since() const {
  return phase_ == phase::reading && request_started_ ? request_began_ : base::monotonic_time{};
}

void HttpConnection::shed() { refuse(503, "too much is arriving at once: try again"); }

void HttpConnection::advance() {
  while (phase_ == phase::reading && !left() && !input_.empty()) {
    auto step = parser_.feed(input_);
    if (step.consumed == input_.size()) {
      // A connection that waits for its next request owns no buffer.
      base::byte_vector().swap(input_);
    } else {
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    }
    switch (step.what) {
      case HttpRequestParser::state::need_more:
        return on_partial_request();
      case HttpRequestParser::state::refused:
        return refuse(step.status, step.message);
      case HttpRequestParser::state::complete:
        dispatch(parser_.take());
    }
  }
}

void HttpConnection::on_partial_request() {
  if (!request_started_ && (parser_.started() || !input_.empty())) {
    request_started_ = true;
    request_began_ = shared_.loop.turn_time();
    expire_after(shared_.options.header_timeout);
  }
  if (!header_seen_ && parser_.header_complete()) {
    header_seen_ = true;
    expire_after(shared_.options.body_timeout);
    if (parser_.expects_continue() && input_.empty()) {
      output_.push_back(bytes_of("HTTP/1.1 100 Continue\r\n\r\n"));
      shared_.loop.request_flush(*this);
    }
  }
}

void HttpConnection::dispatch(HttpRequest request) {
  shared_.counters.requests.add(1);
  ++request_;
  phase_ = phase::handling;
  request_bytes_ = input_.size();
  request.peer = peer_name(socket_.fd());
  if (from_proxy_) {
    const auto client = forwarded_client(request, shared_.options.trusted_proxies);
    if (client) request.peer = client->text();
  }
  keep_alive_ = request.keep_alive;
  head_only_ = request.method == "HEAD";
  watches_peer_ = false;
  chunked_ = request.version_minor >= 1;
  const handshake wish = check_handshake(request);
  if (!wish.requested) {
    std::weak_ptr<HttpResponseTarget> target =
        std::shared_ptr<HttpResponseTarget>(shared_from_this(), this);
    shared_.handler.on_request(std::move(request),
                               HttpResponder(shared_.loop, std::move(target), request_));
    return;
  }
  if (wish.status == 101) return upgrade(request, wish.accept_key);
  auto response = HttpResponse::problem(wish.status, wish.message);
  if (wish.status == 405) response.headers.push_back({"Allow", "GET"});
  if (wish.status == 426) {
    response.headers.push_back({"Sec-WebSocket-Version", "13"});
    response.headers.push_back({"Upgrade", "websocket"});
  }
  respond(request_, std::move(response));
}

void HttpConnection::upgrade(const HttpRequest& request, const std::string& accept_key) {
  if (shared_.draining) {
    return respond(request_, HttpResponse::problem(503, "this server is going away"));
  }
  if (!origin_allowed(request, shared_.options.allowed_origins)) {
    shared_.counters.origins_refused.add(1);
    return respond(request_, HttpResponse::text(403, "text/plain; charset=utf-8",
                                                "pages of the origin " +
                                                    std::string(request.header("Origin")) +
                                                    " may not connect here\n"));
  }
  if (!take_slot(request)) {
    shared_.counters.refused_per_address.add(1);
    return respond(request_, HttpResponse::text(429, "text/plain; charset=utf-8",
                                                "too many connections from this address\n"));
  }
  UpgradeDecision decision = shared_.handler.on_upgrade(request);
  if (!decision) return respond(request_, std::move(decision.error()));
  WEFT_CHECK(decision->handler != nullptr && decision->home != nullptr);
  Upgraded upgraded;
  upgraded.compression = shared_.options.compression && offers_deflate(request);
  upgraded.response =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key + "\r\n";
  if (upgraded.compression) {
    upgraded.response += "Sec-WebSocket-Extensions: " + std::string(deflate_response) + "\r\n";
  }
  upgraded.response += "\r\n";
  upgraded.received = std::move(input_);
  upgraded.peer = request.peer;
  upgraded.handler = std::move(decision->handler);
  upgraded.slot = std::move(slot_);
  shared_.counters.http_open.subtract(1);
  upgraded.socket = leave_with_socket();
  shared_.adopt(*decision->home, std::move(upgraded));
}

/// A connection of a proxy counts for the client that it upgrades for, until it is closed.
bool HttpConnection::take_slot(const HttpRequest& request) {
  if (!from_proxy_) return true;
  const auto client = forwarded_client(request, shared_.options.trusted_proxies);
  if (!client) return true;
  auto slot = shared_.totals.addresses->take(*client);
  if (!slot) return false;
  slot_ = std::move(*slot);
  return true;
}

void HttpConnection::refuse(unsigned status, std::string_view message) {
  shared_.counters.violations.add(1);
  // Nothing more of this connection is obeyed, so nothing of what came is kept.
  parser_ = HttpRequestParser(shared_.options.http);
  base::byte_vector().swap(input_);
  request_bytes_ = 0;
  keeps(0);
  ++request_;
  phase_ = phase::handling;
  keep_alive_ = false;
  head_only_ = false;
  respond(request_, HttpResponse::problem(status, message));
}

void HttpConnection::respond(std::uint64_t request, HttpResponse response) {
  if (left() || request != request_ || phase_ != phase::handling) return;
  phase_ = phase::writing;
  if (response.close || shared_.draining) keep_alive_ = false;
  if (response.stream && chunked_) response.headers.push_back({"Transfer-Encoding", "chunked"});
  if (response.stream && !chunked_) keep_alive_ = false;
  output_.push_back(bytes_of(response_head(response, keep_alive_, shared_.loop.wall_clock_ms())));
  const bool has_body = !head_only_ && response.status != 204 && response.status != 304;
  if (has_body && response.stream) {
    open_stream(std::move(response.stream));
  } else if (has_body && response.source) {
    source_left_ = response.source->size();
    source_ = std::move(response.source);
  } else if (has_body && !response.body.empty()) {
    output_.push_back(std::move(response.body));
  }
  expire_after(shared_.options.write_timeout);
  shared_.loop.request_flush(*this);
}

void HttpConnection::watch_peer(std::uint64_t request) {
  if (!left() && request == request_ && phase_ == phase::handling) watches_peer_ = true;
}

void HttpConnection::on_flush() {
  // A remainder waits for its turn, or for the socket.
  if (!left() && !has_remainder()) on_bulk();
}

void HttpConnection::on_bulk() {
  if (left() || blocked()) return;
  if (!has_remainder()) {
    shared_.gathered.clear();
    for (auto& slice : output_) shared_.gathered.push_back(std::move(slice));
    output_.clear();
    add_source_bytes();
    if (left()) return;
    add_stream_bytes();
    if (shared_.gathered.empty()) return after_send(sent::all);
  }
  after_send(send_waiting());
}

void HttpConnection::add_source_bytes() {
  if (source_left_ == 0) return;
  const std::size_t want = std::min<std::uint64_t>(source_left_, LoopConnections::flush_bytes_max);
  auto bytes = source_->read(want);
  if (!bytes || bytes->empty() || bytes->size() > source_left_) return end();
  source_left_ -= bytes->size();
  shared_.gathered.push_back(std::move(*bytes));
}

void HttpConnection::after_send(sent outcome) {
  if (outcome == sent::failed) return end();
  if (phase_ == phase::writing) expire_after(shared_.options.write_timeout);
  const bool body_waits = source_left_ > 0 || (stream_ && (wants_gather_ || finishing_));
  const bool more = outcome == sent::more_waits || (outcome == sent::all && body_waits);
  if (more) shared_.loop.request_bulk(*this);
  const bool whole = outcome == sent::all && !more && !stream_;
  if (whole && phase_ == phase::writing) return finish_response();
  update_interest(watches_input());
}

void HttpConnection::finish_response() {
  source_.reset();
  if (!keep_alive_) {
    phase_ = phase::lingering;
    base::byte_vector().swap(input_);
    socket_.shutdown_write();
    expire_after(linger_time);
    return update_interest(true);
  }
  phase_ = phase::reading;
  request_started_ = false;
  header_seen_ = false;
  expire_after(shared_.options.keep_alive_timeout);
  if (shared_.draining && input_.empty()) return end();
  advance();
  tell_kept();
  // A client that pipelines stays unwatched until its turn comes.
  update_interest(watches_input() || phase_ == phase::reading);
}

void HttpConnection::on_sweep(base::monotonic_time now) {
  if (phase_ == phase::handling || now < deadline_) return;
  if (stream_ && !blocked()) return;  // nothing to say is no failure to read
  if (phase_ == phase::reading && request_started_) {
    if (header_seen_ && now < deadline_ + extra_time(request_bytes_)) return;
    shared_.counters.timed_out.add(1);
    return refuse(408, "the request did not come in time");
  }
  end();
}

void HttpConnection::drain(std::uint16_t, std::string_view) {
  if (phase_ == phase::reading && !request_started_) return end();
  if (stream_) stream_->on_drain();
}

}  // namespace weft::net
