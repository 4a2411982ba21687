#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "weft/gateway/random_source.h"
#include "weft/gateway/socketio/engine/session.h"
#include "weft/gateway/socketio/protocol/decoder.h"
#include "weft/gateway/socketio/protocol/socket.h"

namespace weft::gateway::socketio::protocol {

struct ConnectionOptions {
  /// A client that has asked for no namespace by then is closed.
  std::chrono::milliseconds connect_timeout{45'000};
  std::size_t namespaces_max = 16;             ///< that one client is connected to
  std::size_t acks_pending_max = 1024;         ///< events of ours in a namespace that wait
  std::size_t output_bytes_max = 1024 * 1024;  ///< emitted and not sent; beyond it nothing is read
  DecoderLimits decoder;
};

/// The right to decide once whether a client may connect to a namespace, now or later. Harmless
/// when the client is gone. Destroyed undecided it refuses. Threading: the session's executor.
class Admission {
 public:
  explicit Admission(std::weak_ptr<Socket> socket) : socket_(std::move(socket)) {}
  Admission(Admission&&) noexcept = default;
  Admission& operator=(Admission&&) = delete;
  ~Admission();

  /// Where this decides; only while the client is there, as inside Namespaces::on_connect.
  base::Executor& executor() const;
  /// The handler hears on_connect inside this call, unless the client is gone.
  void accept(std::unique_ptr<SocketHandler> handler);
  /// The client gets `{"message": …, "data": …}`; null data is left out.
  void refuse(std::string_view message, const nlohmann::json& data = nullptr);

 private:
  std::weak_ptr<Socket> socket_;
};

/// What a client asks for when it connects to a namespace.
struct ConnectRequest {
  std::string name_space;  ///< "/", "/custom"
  nlohmann::json auth;     ///< an object
};

/// Decides about the namespaces of one client; any name may be asked for.
/// Threading: the session's executor.
class Namespaces {
 public:
  virtual ~Namespaces() = default;
  virtual void on_connect(ConnectRequest request, Admission admission) = 0;
};

/// How a namespace that is none is refused; what clients' libraries expect.
inline constexpr std::string_view invalid_namespace = "Invalid namespace";

/// Socket.IO on one Engine.IO session: the namespaces that a client is connected to.
///
/// A packet that is none, or that is out of place, ends the session. While more than
/// output_bytes_max wait for a client that does not read, nothing more is read of it, so that its
/// own requests cannot grow what waits.
///
/// Threading: the session's executor, apart from construction.
class Connection final : public engine::SessionHandler {
 public:
  Connection(std::unique_ptr<Namespaces> namespaces, ConnectionOptions options,
             random_source random);
  ~Connection() override;

  // engine::SessionHandler
  void on_open(engine::Session& session) override;
  void on_message(base::byte_view message, bool binary) override;
  void on_gather(net::GatherSink& sink) override;
  void on_closed(engine::close_reason why) override;

 private:
  friend class Admission;
  friend class Socket;
  using socket_ptr = std::shared_ptr<Socket>;

  /// A piece of what waits to be sent.
  struct Piece {
    base::shared_bytes bytes;
    bool ends_packet = true;
  };

  void dispatch(Packet& packet);
  void connect(Packet& packet);
  void accepted(Socket& socket, std::unique_ptr<SocketHandler> handler);
  void refused(Socket& socket, std::string_view message, const nlohmann::json& data);
  void handle(const socket_ptr& socket, Packet& packet);
  /// The client broke the protocol.
  void fail();

  bool full() const { return queued_bytes_ >= options_.output_bytes_max; }
  void send(const PacketText& packet, const Attachments& attachments = {});
  void enqueue(base::shared_bytes bytes, bool ends_packet);
  void want_gather(Socket& socket);
  void apply_reading();
  void leave(Socket& socket);
  void close();
  void end_all(disconnect_reason why);

  const std::unique_ptr<Namespaces> namespaces_;
  const ConnectionOptions options_;
  const random_source random_;
  engine::Session* session_ = nullptr;
  Decoder decoder_;
  std::map<std::string, socket_ptr, std::less<>> sockets_;
  std::vector<std::weak_ptr<Socket>> gathering_;  ///< those that asked for on_gather
  std::vector<std::weak_ptr<Socket>> asked_;      ///< scratch of on_gather
  std::deque<Piece> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t sockets_paused_ = 0;
  base::timer_id connect_timer_ = 0;
  bool reading_paused_ = false;
  bool closing_ = false;
};

}  // namespace weft::gateway::socketio::protocol
