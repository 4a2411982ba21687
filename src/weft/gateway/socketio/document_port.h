#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "weft/gateway/socketio/port_request.h"
#include "weft/gateway/socketio/wire.h"
#include "weft/hub/document_history.h"
#include "weft/hub/hub.h"

namespace weft::gateway::socketio {

/// Who a port is for.
struct PortClient {
  std::string sender_id;                  ///< for the envelopes that are written for it
  std::string token = {};                 ///< as it said
  hub::Authorizer* authorizer = nullptr;  ///< nullptr: nobody asks for a token
};

/// What the owner of a port hears, on the document's executor, from inside of its calls too.
class PortOwner {
 public:
  virtual ~PortOwner() = default;

  /// Something waits: call collect soon.
  virtual void on_port_output() = 0;

  /// Whether requests for this document may come: the document is loaded, the log keeps up, and the
  /// client takes what it is answered. Told when that changes; true at first.
  virtual void on_port_reading(bool wanted) = 0;

  /// The document has sent its client away, and what it had to say waits to be collected; `returns`
  /// when the client may come again by itself. Destroy the port from a task of your own.
  virtual void on_port_lost(bool returns) = 0;
};

/// The end of a channel that lives with its document. Threading: the document's executor.
class Port {
 public:
  virtual ~Port() = default;

  /// Joins, as soon as that is permitted; once, and before everything else. What comes until then
  /// waits.
  virtual void start() = 0;

  virtual void request(PortRequest request) = 0;

  /// The client has brought a new token, which permits this; before what waits. For protocols that
  /// have a way to bring one.
  virtual void renew(hub::Permit) {}

  /// Adds what waits; asks for more room by on_port_output when not all fits.
  virtual void collect(net::GatherSink& sink) = 0;
};

/// One document of one connection: turns requests into calls of a hub session and puts everything
/// that answers them into one stream.
///
/// Syncs are answered one after the other. Beyond answers_bytes_max of answers that wait for the
/// client, and while it waits for the document or a sync, it asks for no more requests; what comes
/// until the owner heeds that is kept.
/// Threading: the document's executor.
class DocumentPort final : public Port,
                           public hub::SessionEvents,
                           public std::enable_shared_from_this<DocumentPort> {
 public:
  DocumentPort(hub::Hub& hub, hub::DocumentHistory& history, const SocketFraming& framing,
               base::DocumentId document, PortClient client, PortOwner& owner);

  // Port
  void start() override;
  void request(PortRequest request) override;
  void renew(hub::Permit permit) override;
  void collect(net::GatherSink& sink) override;

  // hub::SessionEvents
  void on_live() override;
  void on_output() override;
  void on_resync() override;
  void on_uncongested() override;
  void on_ended(const base::error& why) override;
  void on_acknowledged(std::uint64_t token, const hub::Acknowledgement& what,
                       net::GatherSink& sink) override;
  void on_unacknowledged(std::uint64_t token, const base::error& why) override;

 private:
  /// What waits for a client that does not read, acknowledgements that are due counted too.
  static constexpr std::size_t answers_bytes_max = 256u << 10;

  /// What an acknowledgement of the hub is to say to the client.
  struct Expected {
    std::optional<std::uint64_t> ack;
    std::string_view recovery = {};  ///< of a sync; empty: it is about an edit
    std::string_view reason = {};
    bool settled = false;
  };

  void on_authorized(base::result<hub::Permit> permit);
  void join(hub::Permit permit);
  void tell_permission();
  void handle(PortRequest request);
  void handle_waiting();
  void sync(PortRequest request);
  void on_located(std::uint64_t token, hub::VersionName version,
                  base::result<hub::Located> located);
  void send_whole(std::uint64_t token, std::string_view reason);
  void message(const PortRequest& request);
  void edit(const PortRequest& request, const yjs::ProtocolMessage& message);
  void control(const PortRequest& request, base::byte_view payload);

  std::uint64_t expect(Expected what);
  Expected* expected(std::uint64_t token);
  void settle(std::uint64_t token);
  void give_up(std::uint64_t token, const base::error& why);
  void refuse(std::optional<std::uint64_t> ack, const Refusal& why);
  void answer_now(std::optional<std::uint64_t> ack);
  void queue(base::shared_bytes frame);
  void ask_for_missing();
  void heed_bounds();

  hub::Hub& hub_;
  hub::DocumentHistory& history_;
  const SocketFraming& framing_;
  const base::DocumentId document_;
  const PortClient client_;
  std::optional<PositionWriter> positions_;  ///< once it is live
  PortOwner& owner_;
  std::unique_ptr<hub::Session> session_;
  std::deque<PortRequest> waiting_;        ///< for the document to be loaded, or for a sync
  std::deque<base::shared_bytes> frames_;  ///< beside the session's stream
  std::size_t frame_bytes_ = 0;
  std::deque<Expected> expected_;  ///< by token, from first_token_ on
  std::uint64_t first_token_ = 0;
  bool live_ = false;
  bool lost_ = false;
  bool reading_ = true;  ///< as the owner was told
  bool full_ = false;    ///< of answers
  bool write_ended_ = false;
  bool syncing_ = false;   ///< a sync is not acknowledged yet
  bool locating_ = false;  ///< its place in the stream is being looked for
  bool stuck_ = false;     ///< what waits first is another sync
};

}  // namespace weft::gateway::socketio
