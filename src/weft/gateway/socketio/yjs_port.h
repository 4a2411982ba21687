#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "weft/gateway/socketio/document_port.h"
#include "weft/gateway/socketio/yjs_wire.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::gateway::socketio {

/// One document of one y-socket.io client: a hub session that speaks in its events.
///
/// A request is a message of y-protocols (PortRequest::bytes); `ack` is a SyncStep1's. The answer
/// to a SyncStep1 comes as edits, then its acknowledgement; behind the first one, and after a
/// failed append, the server asks with a SyncStep1 of its own. A refused edit sends the client
/// away, as nothing in this protocol could tell it to stop writing.
/// Threading: the document's executor.
class YjsPort final : public Port,
                      public hub::SessionEvents,
                      public std::enable_shared_from_this<YjsPort> {
 public:
  YjsPort(hub::Hub& hub, const YjsFramings& framings, YjsName name, hub::SessionInfo who,
          PortOwner& owner);

  // Port
  void start() override;
  void request(PortRequest request) override;
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
  /// Of SyncStep1s that are not acknowledged; beyond it no requests are asked for.
  static constexpr std::size_t answers_max = 64;
  /// The token of a SyncStep1 whose client wants no acknowledgement; ids end at 2^53.
  static constexpr std::uint64_t no_ack = UINT64_MAX;

  void handle(const PortRequest& request);
  base::result<void> take(const yjs::ProtocolMessage& message, std::optional<std::uint64_t> ack);
  base::result<void> answer(base::byte_view state_vector, std::optional<std::uint64_t> ack);
  base::shared_bytes question() const;
  void queue(base::shared_bytes frame);
  void end(const base::error& why);
  void heed_bounds();

  hub::Hub& hub_;
  const YjsFramings& framings_;
  const YjsName name_;
  const hub::SessionInfo who_;
  PortOwner& owner_;
  std::unique_ptr<hub::Session> session_;
  std::deque<PortRequest> waiting_;        ///< for the document to be loaded
  std::deque<base::shared_bytes> frames_;  ///< beside the session's stream: a question, an error
  std::vector<std::uint64_t>
      unsettled_;            ///< tokens of answers, until a failed append is sorted out
  std::size_t answers_ = 0;  ///< not acknowledged yet
  bool live_ = false;
  bool asked_ = false;  ///< the first question has gone out
  bool lost_ = false;
  bool reading_ = true;  ///< as the owner was told
};

}  // namespace weft::gateway::socketio
