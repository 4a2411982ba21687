#include "weft/net/websocket_server_connection.h"

#include <algorithm>

#include "weft/net/flush_sink.h"

namespace weft::net {

namespace {

constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
constexpr std::uint64_t receive_bytes_min = 4096;
/// How long the messages of one connection may take before the others have their turn. One receive
/// can bring ten thousand of them.
constexpr std::chrono::microseconds slice_time{100};

}  // namespace

WebSocketServerConnection::WebSocketServerConnection(LoopConnections& shared, Upgraded upgraded)
    : Connection(shared, std::move(upgraded.socket), std::move(upgraded.slot)),
      decoder_(FrameDecoder::peer::client, shared.options.message_bytes_max,
               upgraded.compression ? &shared.inflater() : nullptr),
      handler_(std::move(upgraded.handler)),
      peer_(std::move(upgraded.peer)),
      held_(std::move(upgraded.received)),
      control_(base::shared_bytes::copy_of(base::as_bytes(upgraded.response))),
      compression_(upgraded.compression) {}

void WebSocketServerConnection::start() {
  shared_.counters.websockets_open.add(1);
  if (compression_) shared_.counters.websockets_compressed.add(1);
  heard_at_ = shared_.loop.turn_time();
  const bool watched = watch();
  keeps(held_.capacity());
  shared_.loop.request_flush(*this);
  handler_->on_open(*this);
  if (!watched) end(close_code::abnormal);
}

void WebSocketServerConnection::tell_closed(std::uint16_t code) {
  const auto handler = std::move(handler_);
  if (handler) handler->on_closed(code);
}

void WebSocketServerConnection::end(std::uint16_t code) {
  if (left()) return;
  // Told first: when the last connection leaves, a drain is done.
  tell_closed(code);
  shared_.counters.websockets_open.subtract(1);
  if (compression_) shared_.counters.websockets_compressed.subtract(1);
  leave();
}

void WebSocketServerConnection::on_io(std::uint32_t events) {
  if (left() || gone_) return;
  if ((events & EPOLLOUT) != 0) {
    unblock();
    shared_.loop.request_bulk(*this);
  }
  if ((events & (EPOLLIN | broken)) == 0) return;
  if (stalled() || !held_.empty()) {
    if ((events & broken) != 0) return note_gone();
    // Input is unwatched only now that some has come: a pause that is short costs no system call.
    return update_interest(false);
  }
  // A second's worth at most, so that little is held back when the rate is used up.
  const std::uint64_t rate = shared_.options.bytes_per_second;
  const auto moved = receive(rate == 0 ? SIZE_MAX : std::max(rate, receive_bytes_min));
  if (moved.what == StreamSocket::outcome::would_block) return;
  if (moved.what != StreamSocket::outcome::done) return end(code_);
  heard_at_ = shared_.loop.turn_time();
  pinged_ = false;
  charge(0, moved.bytes);
  consume(shared_.loop.read_buffer().first(moved.bytes));
}

/// Decodes until reading is put off or the connection's share of the turn is over, and keeps the
/// rest.
void WebSocketServerConnection::consume(std::span<std::uint8_t> bytes) {
  const auto rest = decode(bytes);
  if (left()) return;
  held_.assign(rest.begin(), rest.end());
  held_from_ = 0;
  tell_kept();
}

void WebSocketServerConnection::consume_held() {
  const auto rest = decode(std::span(held_).subspan(held_from_));
  if (left()) return;
  // What was held may have been dropped meanwhile.
  if (rest.empty() || held_.empty()) {
    base::byte_vector().swap(held_);
  } else {
    held_from_ = held_.size() - rest.size();
  }
  tell_kept();
}

std::span<std::uint8_t> WebSocketServerConnection::decode(std::span<std::uint8_t> bytes) {
  const auto slice_end = shared_.loop.now() + slice_time;
  bool over = false;
  while (!bytes.empty() && receiving() && !stalled() && !over) {
    const frame_event event = decoder_.next(bytes);
    bytes = bytes.subspan(event.consumed);
    // What is left of these bytes belongs to another message.
    if (event.what == frame_event::kind::message) partial_since_ = {};
    on_event(event);
    over = !bytes.empty() && shared_.loop.now() > slice_end;
  }
  decoder_.release_delivered();
  if (left() || !receiving()) return {};
  if (over && !stalled()) shared_.loop.request_bulk(*this);
  return bytes;
}

void WebSocketServerConnection::tell_kept() {
  const bool partial = receiving() && decoder_.in_progress();
  if (!partial) partial_since_ = {};
  if (partial && partial_since_.count() == 0) partial_since_ = shared_.loop.turn_time();
  keeps(decoder_.buffered_bytes() + held_.capacity());
}

/// Counts what has come, and puts reading off when a rate is used up.
void WebSocketServerConnection::charge(std::uint64_t messages, std::uint64_t bytes) {
  const ServerOptions& options = shared_.options;
  if ((options.messages_per_second == 0 && options.bytes_per_second == 0) ||
      closing_ != closing::no) {
    return;
  }
  const auto now = shared_.loop.turn_time();
  const auto wait = std::max(message_rate_.take(now, messages, options.messages_per_second),
                             byte_rate_.take(now, bytes, options.bytes_per_second));
  if (wait.count() == 0) return;
  delayed_until_ = now + wait;
  if (std::exchange(delayed_, true)) return;
  shared_.counters.reads_delayed.add(1);
  await_rate();
}

void WebSocketServerConnection::await_rate() {
  shared_.loop.schedule(delayed_until_ - shared_.loop.turn_time(), [self = weak_from_this()] {
    const auto connection = std::static_pointer_cast<WebSocketServerConnection>(self.lock());
    if (!connection || connection->left() || !connection->delayed_) return;
    // Decoding what was read before may have used up more.
    if (connection->delayed_until_ > connection->shared_.loop.now())
      return connection->await_rate();
    connection->delayed_ = false;
    connection->shared_.loop.request_flush(*connection);
  });
}

base::monotonic_time WebSocketServerConnection::partial_since() const {
  return stalled() ? base::monotonic_time{} : partial_since_;
}

void WebSocketServerConnection::shed() {
  fail(close_code::try_again_later, "too much is arriving at once");
}

void WebSocketServerConnection::on_event(const frame_event& event) {
  switch (event.what) {
    case frame_event::kind::need_more:
      return;
    case frame_event::kind::pong:
      return charge(1, 0);
    case frame_event::kind::message:
      shared_.counters.messages_in.add(1);
      charge(1, event.deflated ? event.payload.size() : 0);
      // After close() the handler hears no more.
      if (closing_ == closing::no) handler_->on_message(event.payload, event.binary);
      return;
    case frame_event::kind::ping:
      // Of several pings in one flush the latest is answered (RFC 6455, section 5.5.3), so a flood
      // of them costs one frame.
      if (closing_ != closing::no) return;
      charge(1, 0);
      control_ = make_frame(opcode::pong, event.payload);
      shared_.loop.request_flush(*this);
      return;
    case frame_event::kind::close:
      return on_peer_close(event);
    case frame_event::kind::violation:
      shared_.counters.violations.add(1);
      if (event.code == close_code::too_big && handler_) {
        return fail(handler_->too_big_code(), event.reason);
      }
      return fail(event.code, event.reason);
  }
}

void WebSocketServerConnection::on_peer_close(const frame_event& event) {
  const bool ours_first = closing_ != closing::no;
  queue_close(event.code, {});
  closing_ = closing::answered;
  close_after_send_ = true;
  code_ = ours_first ? code_ : event.code;
  tell_closed(code_);
  // When ours went first and is sent, nothing is left to do but to hang up.
  shared_.loop.request_flush(*this);
}

void WebSocketServerConnection::fail(std::uint16_t code, std::string_view reason) {
  queue_close(code, reason);
  closing_ = closing::answered;
  code_ = code;
  // Nothing more is heard, so nothing of what came is kept.
  decoder_ = FrameDecoder(FrameDecoder::peer::client, shared_.options.message_bytes_max);
  base::byte_vector().swap(held_);
  partial_since_ = {};
  keeps(0);
  tell_closed(code_);
  shared_.loop.request_flush(*this);
}

void WebSocketServerConnection::queue_close(std::uint16_t code, std::string_view reason) {
  if (!close_frame_.empty()) return;
  close_frame_ = make_close_frame(code, reason);
  deadline_ = shared_.loop.turn_time() + shared_.options.close_timeout;
}

void WebSocketServerConnection::close(std::uint16_t code, std::string_view reason) {
  if (closing_ != closing::no || left()) return;
  queue_close(code, reason);
  closing_ = closing::asked;
  code_ = code;
  paused_ = delayed_ = false;  // the peer's half of the handshake is to be read
  shared_.loop.request_flush(*this);
}

void WebSocketServerConnection::drain(std::uint16_t code, std::string_view reason) {
  close(code, reason);
}

void WebSocketServerConnection::want_write() {
  if (closing_ != closing::no || left() || gone_) return;
  wants_gather_ = true;
  if (!blocked()) shared_.loop.request_flush(*this);
}

void WebSocketServerConnection::pause_reading() {
  if (closing_ == closing::no) paused_ = true;
}

void WebSocketServerConnection::resume_reading() {
  if (!paused_ || left()) return;
  paused_ = false;
  // What was held is decoded at the end of the turn, never inside this call.
  shared_.loop.request_flush(*this);
}

void WebSocketServerConnection::gather() {
  shared_.gathered.clear();
  if (!control_.empty()) shared_.gathered.push_back(std::exchange(control_, {}));
  if (std::exchange(ping_due_, false)) shared_.gathered.push_back(make_frame(opcode::ping, {}));
  if (wants_gather_ && handler_) {
    wants_gather_ = false;
    FlushSink sink(shared_.gathered, &shared_.flush_listener);
    handler_->on_gather(sink);
  }
  if (!close_frame_.empty() && !close_frame_sent_) {
    close_frame_sent_ = true;
    shared_.gathered.push_back(close_frame_);
  }
}

/// What a peer said before it went is heard all the same, now or when reading goes on: whoever
/// edits and closes the page has edited.
void WebSocketServerConnection::note_gone() {
  if (closing_ != closing::no) return end(code_);
  gone_ = true;
  stop_watching();
  drop_remainder();
  shared_.loop.request_bulk(*this);
}

void WebSocketServerConnection::hear_the_rest() {
  if (closing_ != closing::no) return end(code_);
  if (stalled()) return;
  if (held_.empty()) {
    const auto moved = receive();
    if (moved.what != StreamSocket::outcome::done) return end(code_);
    consume(shared_.loop.read_buffer().first(moved.bytes));
  } else {
    consume_held();
  }
  if (!left()) shared_.loop.request_bulk(*this);
}

void WebSocketServerConnection::on_flush() {
  if (left()) return;
  if (!gone_ && !blocked() && !has_remainder()) send();
  end_call();
}

void WebSocketServerConnection::on_bulk() {
  if (left()) return;
  if (gone_) return hear_the_rest();
  if (!blocked()) send();
  if (left() || gone_) return;
  if (!stalled() && !held_.empty()) consume_held();
  end_call();
}

/// Sees to it that what is left is taken up again.
void WebSocketServerConnection::end_call() {
  if (left()) return;
  const bool may_send = has_remainder() && !blocked();
  const bool may_decode = !held_.empty() && !stalled();
  if (gone_ || may_send || may_decode) shared_.loop.request_bulk(*this);
  if (!gone_) update_interest(stalled() || !held_.empty() ? watches_input() : true);
}

void WebSocketServerConnection::send() {
  if (!has_remainder()) gather();
  const bool nothing = !has_remainder() && shared_.gathered.empty();
  const sent outcome = nothing ? sent::all : send_waiting();
  if (FlushListener* const listener = std::exchange(shared_.flush_listener, nullptr)) [[unlikely]] {
    listener->on_flushed(outcome == sent::all);
  }
  after_send(outcome);
}

void WebSocketServerConnection::after_send(sent outcome) {
  if (outcome == sent::failed) return note_gone();
  if (outcome == sent::blocked) return;
  if (outcome == sent::more_waits || (wants_gather_ && handler_)) {
    return shared_.loop.request_bulk(*this);
  }
  const bool control = !control_.empty() || ping_due_;
  if (control || (!close_frame_.empty() && !close_frame_sent_)) {
    return shared_.loop.request_flush(*this);
  }
  if (close_frame_sent_) after_close_sent();
}

void WebSocketServerConnection::after_close_sent() {
  if (closing_ == closing::asked) {
    closing_ = closing::sent;
    deadline_ = shared_.loop.turn_time() + shared_.options.close_timeout;
  } else if (closing_ == closing::answered) {
    if (close_after_send_) return end(code_);
    // The peer broke the protocol and may still be sending. Hanging up now would reset the
    // connection and could destroy the close frame on its way.
    socket_.shutdown_write();
  }
}

void WebSocketServerConnection::on_sweep(base::monotonic_time now) {
  if (gone_) return;
  if (closing_ != closing::no) {
    if (now >= deadline_) end(code_);
    return;
  }
  const auto limit = shared_.options.message_timeout;
  // It is not the peer that keeps us waiting.
  if (stalled() && partial_since_.count() != 0) partial_since_ = now;
  if (limit.count() != 0 && partial_since_.count() != 0 &&
      now - partial_since_ >= limit + extra_time(decoder_.buffered_bytes())) {
    shared_.counters.timed_out.add(1);
    return fail(close_code::policy_violation, "the message did not come in time");
  }
  const auto interval = shared_.options.ping_interval;
  if (interval.count() == 0) return;
  if (stalled() || blocked()) {
    heard_at_ = now;
    return;
  }
  const auto silent = now - heard_at_;
  if (pinged_ && silent >= 3 * interval) return end(close_code::abnormal);
  if (!pinged_ && silent >= interval) {
    pinged_ = true;
    ping_due_ = true;
    shared_.loop.request_flush(*this);
  }
}

}  // namespace weft::net
