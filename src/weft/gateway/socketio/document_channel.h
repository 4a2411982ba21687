#pragma once

#include <functional>
#include <memory>

#include "weft/gateway/socketio/document_port.h"

namespace weft::gateway::socketio {

/// What a connection hears of its channels, on its own executor; on_channel_lost never from inside
/// of a call to a channel.
class ChannelOwner {
 public:
  virtual ~ChannelOwner() = default;

  /// Something waits: call collect soon.
  virtual void on_channel_output() = 0;

  /// Stop reading until as many calls with `true` have come as with `false`. A channel that is
  /// destroyed takes back what it has asked for.
  virtual void on_channel_reading(bool wanted) = 0;

  /// The document has sent this client away; `returns` when the client may come again by itself.
  /// Once what the channel still has to say has been collected, destroy it, from a task of your
  /// own.
  virtual void on_channel_lost(const base::DocumentId& document, bool returns) = 0;
};

/// One document of one connection, as the connection sees it: wherever the document lives.
///
/// Threading: the connection's executor.
class DocumentChannel {
 public:
  virtual ~DocumentChannel() = default;

  virtual void request(PortRequest request) = 0;

  /// See Port::renew.
  virtual void renew(hub::Permit permit) = 0;

  /// Adds what waits; asks for more room by on_channel_output when not all fits.
  virtual void collect(net::GatherSink& sink) = 0;
};

/// Makes the port of a channel, on the document's executor.
using port_maker = std::function<std::shared_ptr<Port>(PortOwner&)>;

/// A channel to a document of the connection's own executor: nothing lies between them.
std::unique_ptr<DocumentChannel> local_channel(const base::DocumentId& document,
                                               base::Executor& executor, const port_maker& make,
                                               ChannelOwner& owner);

struct RemoteChannelOptions {
  std::size_t request_bytes_max = 256u << 10;  ///< on their way; beyond it reading stops
  std::size_t batch_bytes_max = 256u << 10;    ///< about; one batch is on its way at a time
};

/// A channel to a document of another executor. Requests go there in order; what answers them comes
/// back in batches, the next one once the socket has taken the one before: a slow reader costs one
/// batch, and stays a cursor of the document for all else.
std::unique_ptr<DocumentChannel> remote_channel(const base::DocumentId& document,
                                                base::Executor& connection,
                                                base::Executor& executor, port_maker make,
                                                ChannelOwner& owner,
                                                const RemoteChannelOptions& options);

}  // namespace weft::gateway::socketio
