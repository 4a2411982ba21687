#include "weft/gateway/socketio/protocol/connection.h"

#include "weft/gateway/json.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::protocol {

using nlohmann::json;

namespace {

disconnect_reason reason_of(engine::close_reason why) {
  switch (why) {
    case engine::close_reason::server_closed:
      return disconnect_reason::server_left;
    case engine::close_reason::parse_error:
      return disconnect_reason::invalid_packet;
    case engine::close_reason::shutting_down:
      return disconnect_reason::shutting_down;
    default:
      return disconnect_reason::connection_lost;
  }
}

}  // namespace

Admission::~Admission() { refuse("the server has not decided"); }

base::Executor& Admission::executor() const {
  const auto socket = socket_.lock();
  WEFT_CHECK(socket);
  return socket->executor();
}

void Admission::accept(std::unique_ptr<SocketHandler> handler) {
  const auto socket = socket_.lock();
  socket_.reset();
  if (socket && socket->connection_) socket->connection_->accepted(*socket, std::move(handler));
}

void Admission::refuse(std::string_view message, const json& data) {
  const auto socket = socket_.lock();
  socket_.reset();
  if (socket && socket->connection_) socket->connection_->refused(*socket, message, data);
}

Connection::Connection(std::unique_ptr<Namespaces> namespaces, ConnectionOptions options,
                       random_source random)
    : namespaces_(std::move(namespaces)),
      options_(options),
      random_(std::move(random)),
      decoder_(options.decoder) {}

Connection::~Connection() = default;

void Connection::on_open(engine::Session& session) {
  session_ = &session;
  connect_timer_ = session.executor().schedule(options_.connect_timeout, [this] {
    connect_timer_ = 0;
    close();
  });
}

void Connection::on_message(base::byte_view message, bool binary) {
  if (closing_) return;
  auto packet = binary ? decoder_.binary(message) : decoder_.text(message);
  if (!packet) return fail();
  if (!*packet) return;
  dispatch(**packet);
  decoder_.release_delivered();
}

void Connection::dispatch(Packet& packet) {
  const auto found = sockets_.find(packet.name_space);
  const auto socket = found == sockets_.end() ? nullptr : found->second;
  const bool here = socket && socket->state_ != Socket::state::left;
  if (packet.type == packet_type::connect) return here ? fail() : connect(packet);
  if (!socket || packet.type == packet_type::connect_error) return fail();
  // The client has not heard yet that we left.
  if (!here) return;
  if (packet.type == packet_type::disconnect) {
    sockets_.erase(found);
    return socket->end(disconnect_reason::client_left);
  }
  if (socket->state_ != Socket::state::connected) return fail();
  handle(socket, packet);
}

void Connection::connect(Packet& packet) {
  if (connect_timer_ != 0) session_->executor().cancel(std::exchange(connect_timer_, 0));
  ConnectRequest request{std::string(packet.name_space), std::move(packet.data)};
  if (request.auth.is_null()) request.auth = json::object();
  const auto old = sockets_.find(request.name_space);
  if (old == sockets_.end() && sockets_.size() >= options_.namespaces_max) {
    return send({packet_type::connect_error,
                 0,
                 request.name_space,
                 {},
                 R"({"message":"Too many namespaces"})"});
  }
  const auto socket = std::make_shared<Socket>(*this, request.name_space);
  sockets_.insert_or_assign(request.name_space, socket);
  namespaces_->on_connect(std::move(request), Admission(socket));
}

void Connection::accepted(Socket& socket, std::unique_ptr<SocketHandler> handler) {
  if (closing_ || socket.state_ != Socket::state::deciding) return;
  const auto self = socket.shared_from_this();
  socket.state_ = Socket::state::connected;
  socket.id_ = random_name(random_);
  socket.handler_ = std::move(handler);
  // A socket's name needs no escapes.
  const auto data = R"({"sid":")" + socket.id_ + R"("})";
  send({packet_type::connect, 0, socket.name_space_, {}, data});
  socket.handler_->on_connect(socket);
}

void Connection::refused(Socket& socket, std::string_view message, const json& data) {
  if (closing_ || socket.state_ != Socket::state::deciding) return;
  const auto self = socket.shared_from_this();
  json body = {{"message", message}};
  if (!data.is_null()) body["data"] = data;
  send({packet_type::connect_error, 0, socket.name_space_, {}, json_text(body)});
  sockets_.erase(socket.name_space_);
  socket.connection_ = nullptr;
}

void Connection::handle(const socket_ptr& socket, Packet& packet) {
  if (packet.type == packet_type::ack) {
    if (packet.id) {
      socket->take_reply(*packet.id, {std::move(packet.data), packet.attachments});
    }
    return;
  }
  auto& name = packet.data[0];
  Event event{name.is_string() ? std::move(name.get_ref<std::string&>()) : name.dump(), {}, {}};
  packet.data.erase(packet.data.begin());
  event.arguments = std::move(packet.data);
  event.attachments = packet.attachments;
  socket->handler_->on_event(std::move(event),
                             packet.id ? Ack(std::weak_ptr(socket), *packet.id) : Ack());
}

void Connection::fail() {
  if (closing_) return;
  closing_ = true;
  end_all(disconnect_reason::invalid_packet);
  session_->close();
}

void Connection::send(const PacketText& packet, const Attachments& attachments) {
  enqueue(packet_frame(packet), attachments.empty());
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    // The header by itself, so that the attachment is shared and not copied.
    const auto& bytes = attachments[i];
    std::uint8_t header[net::frame_header_bytes_max];
    const auto header_bytes = net::frame_header(net::opcode::binary, bytes.size(), header);
    const bool last = i + 1 == attachments.size();
    enqueue(base::shared_bytes::copy_of({header, header_bytes}), last && bytes.empty());
    if (!bytes.empty()) enqueue(bytes, last);
  }
  session_->want_write();
  apply_reading();
}

void Connection::enqueue(base::shared_bytes bytes, bool ends_packet) {
  queued_bytes_ += bytes.size();
  queue_.push_back({std::move(bytes), ends_packet});
}

void Connection::on_gather(net::GatherSink& sink) {
  bool whole = true;
  while (!queue_.empty() && (!whole || sink.room() > 0)) {
    auto piece = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= piece.bytes.size();
    whole = piece.ends_packet;
    sink.add(std::move(piece.bytes));
  }
  // Two lists that take turns: whoever asks again is asked with the next flush.
  asked_.swap(gathering_);
  for (auto& weak : asked_) {
    const auto socket = weak.lock();
    if (!socket || socket->state_ != Socket::state::connected) continue;
    if (!queue_.empty() || sink.room() == 0) {
      gathering_.push_back(std::move(weak));
      continue;
    }
    socket->wants_gather_ = false;
    socket->handler_->on_gather(sink);
  }
  asked_.clear();
  if (!queue_.empty() || !gathering_.empty()) session_->want_write();
  apply_reading();
}

void Connection::want_gather(Socket& socket) {
  if (std::exchange(socket.wants_gather_, true)) return;
  gathering_.push_back(socket.weak_from_this());
  session_->want_write();
}

void Connection::apply_reading() {
  const bool pause = sockets_paused_ > 0 || full();
  if (pause == reading_paused_ || closing_) return;
  reading_paused_ = pause;
  if (pause) {
    session_->pause_reading();
  } else {
    session_->resume_reading();
  }
}

void Connection::leave(Socket& socket) {
  send({packet_type::disconnect, 0, socket.name_space_, {}, {}});
  session_->executor().post(
      [socket = socket.shared_from_this()] { socket->end(disconnect_reason::server_left); });
}

void Connection::close() {
  if (closing_) return;
  closing_ = true;
  session_->close();
}

void Connection::end_all(disconnect_reason why) {
  const auto sockets = std::exchange(sockets_, {});
  for (const auto& [name, socket] : sockets) socket->end(why);
}

void Connection::on_closed(engine::close_reason why) {
  closing_ = true;
  if (connect_timer_ != 0) session_->executor().cancel(std::exchange(connect_timer_, 0));
  end_all(reason_of(why));
}

}  // namespace weft::gateway::socketio::protocol
