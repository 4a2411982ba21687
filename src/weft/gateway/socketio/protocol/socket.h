#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/executor.h"
#include "weft/base/result.h"
#include "weft/net/websocket_session.h"

namespace weft::gateway::socketio::protocol {

class Connection;
class Socket;

/// Binary arguments on their way out; placeholder(i) in the JSON stands for number i.
using Attachments = std::vector<base::shared_bytes>;

/// An event of a client. Views are valid during the call.
struct Event {
  std::string name;
  nlohmann::json arguments;  ///< an array, behind the name
  std::span<const base::byte_view> attachments;
};

/// A client's answer to an event of ours. Views are valid during the call.
struct Reply {
  nlohmann::json arguments;  ///< an array
  std::span<const base::byte_view> attachments;
};
/// Errors: timed_out, disconnected.
using reply_callback = std::move_only_function<void(base::result<Reply>)>;

/// The right to acknowledge one event, once, now or later. Harmless when the client is gone.
/// Threading: the session's executor.
class Ack {
 public:
  Ack() = default;
  Ack(std::weak_ptr<Socket> socket, std::uint64_t id) : socket_(std::move(socket)), id_(id) {}

  /// Whether the client wants to hear anything.
  bool wanted() const { return id_.has_value(); }
  /// What the client calls it; none when it is not wanted. For who frames the answer itself.
  std::optional<std::uint64_t> id() const { return id_; }
  /// Does nothing when it is not wanted, or a second time. `arguments` is an array.
  void reply(const nlohmann::json& arguments, const Attachments& attachments = {});

 private:
  std::weak_ptr<Socket> socket_;
  std::optional<std::uint64_t> id_;
};

enum class disconnect_reason : std::uint8_t {
  client_left,      ///< the client left the namespace
  server_left,      ///< Socket::disconnect or Socket::close_connection
  connection_lost,  ///< the session ended
  invalid_packet,   ///< the client broke the protocol; the session ends
  shutting_down,    ///< the server goes down
};

/// What is above one client's connection to one namespace. All calls come on the session's
/// executor; on_connect first, on_disconnect last.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;

  /// The client has been told, by what goes before everything that is sent from now on.
  virtual void on_connect(Socket& socket) = 0;

  virtual void on_event(Event event, Ack ack) = 0;

  /// An acknowledgement that no emit waits for: of an event that the handler framed itself, or one
  /// that is late or was never asked for. Ignored by default. Views are valid during the call.
  virtual void on_reply(std::uint64_t id, Reply reply);

  /// Asked after Socket::want_write when a transport can take bytes, behind all that was emitted:
  /// add ready frames (packet.h), up to sink.room(), a packet with all its attachments at once.
  /// When more waits, call want_write again.
  virtual void on_gather(net::GatherSink& sink);

  /// Called exactly once.
  virtual void on_disconnect(disconnect_reason why) = 0;
};

/// One client's connection to one namespace.
///
/// Threading: the session's executor. Valid until SocketHandler::on_disconnect returns.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(Connection& connection, std::string name_space)
      : connection_(&connection), name_space_(std::move(name_space)) {}

  /// Names this connection; the client knows it as well.
  const std::string& id() const { return id_; }
  const std::string& name_space() const { return name_space_; }

  /// Sends an event; `arguments` is an array. What is emitted goes out in order.
  /// Errors: overloaded, when output_bytes_max wait already; disconnected. Nothing is sent then.
  base::result<void> emit(std::string_view event, const nlohmann::json& arguments,
                          const Attachments& attachments = {});

  /// The same, and hears the client's answer, or that there is none. `done` is called exactly once
  /// when this succeeds, never inside it. Errors: also overloaded when acks_pending_max wait.
  base::result<void> emit(std::string_view event, const nlohmann::json& arguments,
                          const Attachments& attachments, std::chrono::milliseconds timeout,
                          reply_callback done);

  /// Asks for one on_gather.
  void want_write();

  /// Stops reading what the client sends, in all its namespaces, until every socket that paused has
  /// resumed.
  void pause_reading();
  void resume_reading();

  /// Leaves the namespace and tells the client. What it sends meanwhile is ignored. on_disconnect
  /// follows, never inside this call.
  void disconnect();
  /// Leaves all namespaces and ends the session.
  void close_connection();
  /// Ends the session without leaving its namespaces: what was emitted and gathered goes out, and
  /// stock clients take it for a lost connection and come again. on_disconnect follows, never
  /// inside this call.
  void drop_connection();

  base::Executor& executor();

 private:
  friend class Ack;
  friend class Admission;
  friend class Connection;
  enum class state : std::uint8_t { deciding, connected, left };

  struct PendingReply {
    reply_callback done;
    base::timer_id timer = 0;
  };

  base::result<void> send_event(std::string_view event, const nlohmann::json& arguments,
                                const Attachments& attachments, std::optional<std::uint64_t> id);
  void reply(std::uint64_t id, const nlohmann::json& arguments, const Attachments& attachments);
  void take_reply(std::uint64_t id, Reply reply);
  void expire_reply(std::uint64_t id);
  void end(disconnect_reason why);

  Connection* connection_;  ///< null once the handler has been told
  const std::string name_space_;
  std::string id_;
  std::unique_ptr<SocketHandler> handler_;
  std::map<std::uint64_t, PendingReply> pending_;
  std::uint64_t next_id_ = 0;
  state state_ = state::deciding;
  bool paused_ = false;
  bool wants_gather_ = false;
  bool ended_ = false;
};

}  // namespace weft::gateway::socketio::protocol
