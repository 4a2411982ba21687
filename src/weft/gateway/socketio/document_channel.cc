#include "weft/gateway/socketio/document_channel.h"

#include <vector>

#include "weft/gateway/batch_sink.h"

namespace weft::gateway::socketio {

namespace {

// --- on one executor ----------------------------------------------------------------------------

class LocalChannel final : public DocumentChannel, public PortOwner {
 public:
  LocalChannel(const base::DocumentId& document, base::Executor& executor, const port_maker& make,
               ChannelOwner& owner)
      : document_(document), executor_(executor), owner_(owner), port_(make(*this)) {
    port_->start();
  }

  ~LocalChannel() override {
    if (stopped_) owner_.on_channel_reading(true);
  }

  void request(PortRequest request) override { port_->request(std::move(request)); }
  void renew(hub::Permit permit) override { port_->renew(std::move(permit)); }
  void collect(net::GatherSink& sink) override { port_->collect(sink); }

  void on_port_output() override { owner_.on_channel_output(); }

  void on_port_reading(bool wanted) override {
    stopped_ = !wanted;
    owner_.on_channel_reading(wanted);
  }

  void on_port_lost(bool returns) override {
    executor_.post([this, returns, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) owner_.on_channel_lost(document_, returns);
    });
  }

 private:
  const base::DocumentId document_;
  base::Executor& executor_;
  ChannelOwner& owner_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool stopped_ = false;
  std::shared_ptr<Port> port_;
};

// --- on two -------------------------------------------------------------------------------------

using batch = std::vector<base::shared_bytes>;

class RemoteChannel;

/// The channel as the other end may reach it; empty once it has gone. The connection's executor.
using channel_slot = std::shared_ptr<RemoteChannel*>;

/// The end on the document's executor.
class RemoteEnd final : public PortOwner, public std::enable_shared_from_this<RemoteEnd> {
 public:
  RemoteEnd(base::Executor& connection, base::Executor& executor, std::size_t batch_bytes_max,
            std::weak_ptr<RemoteChannel*> channel)
      : connection_(connection),
        executor_(executor),
        batch_bytes_max_(batch_bytes_max),
        channel_(std::move(channel)) {}

  void start(const port_maker& make) {
    port_ = make(*this);
    port_->start();
  }

  void request(PortRequest request);
  void renew(hub::Permit permit);
  void taken();
  void end() { port_.reset(); }

  void on_port_output() override;
  void on_port_reading(bool wanted) override;
  void on_port_lost(bool returns) override;

 private:
  void send();
  void tell(std::move_only_function<void(RemoteChannel&)> what);

  base::Executor& connection_;
  base::Executor& executor_;
  const std::size_t batch_bytes_max_;
  const std::weak_ptr<RemoteChannel*> channel_;
  std::shared_ptr<Port> port_;
  bool scheduled_ = false;  ///< send() comes at the end of this turn
  bool under_way_ = false;  ///< a batch has not been taken yet
  bool more_ = false;       ///< something came meanwhile
  bool lost_ = false;       ///< the port has nothing to say behind what it says now
  bool returns_ = false;    ///< and its client may come again
};

class RemoteChannel final : public DocumentChannel {
 public:
  RemoteChannel(const base::DocumentId& document, base::Executor& connection,
                base::Executor& executor, port_maker make, ChannelOwner& owner,
                const RemoteChannelOptions& options)
      : document_(document),
        executor_(executor),
        owner_(owner),
        options_(options),
        end_(std::make_shared<RemoteEnd>(connection, executor, options.batch_bytes_max, slot_)) {
    executor_.post([end = end_, make = std::move(make)] { end->start(make); });
  }

  ~RemoteChannel() override {
    executor_.post([end = std::move(end_)] { end->end(); });
    if (port_stopped_) owner_.on_channel_reading(true);
    if (full_) owner_.on_channel_reading(true);
  }

  void request(PortRequest request) override {
    request_bytes_ += cost_of(request);
    if (!full_ && request_bytes_ > options_.request_bytes_max) {
      full_ = true;
      owner_.on_channel_reading(false);
    }
    executor_.post(
        [end = end_, request = std::move(request)]() mutable { end->request(std::move(request)); });
  }

  void renew(hub::Permit permit) override {
    executor_.post(
        [end = end_, permit = std::move(permit)]() mutable { end->renew(std::move(permit)); });
  }

  void collect(net::GatherSink& sink) override {
    if (batch_.empty()) return;
    if (sink.room() == 0) return owner_.on_channel_output();
    // All of it: a frame may lie in two pieces, and nothing else may come between them.
    for (auto& piece : batch_) sink.add(std::move(piece));
    batch_.clear();
    executor_.post([end = end_] { end->taken(); });
  }

  // What the other end says.
  void on_batch(batch frames) {
    batch_ = std::move(frames);
    owner_.on_channel_output();
  }
  void on_handled(std::size_t bytes) {
    request_bytes_ -= bytes;
    if (full_ && request_bytes_ <= options_.request_bytes_max / 2) {
      full_ = false;
      owner_.on_channel_reading(true);
    }
  }
  void on_reading(bool wanted) {
    port_stopped_ = !wanted;
    owner_.on_channel_reading(wanted);
  }
  void on_lost(bool returns) { owner_.on_channel_lost(document_, returns); }

  /// What a request counts for on its way.
  static std::size_t cost_of(const PortRequest& request) {
    return request.bytes.size() + sizeof(PortRequest);
  }

 private:
  const base::DocumentId document_;
  base::Executor& executor_;
  ChannelOwner& owner_;
  const RemoteChannelOptions options_;
  const channel_slot slot_ = std::make_shared<RemoteChannel*>(this);
  std::shared_ptr<RemoteEnd> end_;
  batch batch_;
  std::size_t request_bytes_ = 0;  ///< on their way
  bool full_ = false;
  bool port_stopped_ = false;
};

void RemoteEnd::tell(std::move_only_function<void(RemoteChannel&)> what) {
  connection_.post([slot = channel_, what = std::move(what)]() mutable {
    if (const auto channel = slot.lock()) what(**channel);
  });
}

void RemoteEnd::request(PortRequest request) {
  const std::size_t bytes = RemoteChannel::cost_of(request);
  if (port_) port_->request(std::move(request));
  tell([bytes](RemoteChannel& channel) { channel.on_handled(bytes); });
}

void RemoteEnd::renew(hub::Permit permit) {
  if (port_) port_->renew(std::move(permit));
}

void RemoteEnd::on_port_output() {
  more_ = true;
  if (scheduled_ || under_way_) return;
  scheduled_ = true;
  executor_.at_turn_end([self = shared_from_this()] { self->send(); });
}

void RemoteEnd::send() {
  scheduled_ = false;
  if (!port_ || under_way_) return;
  more_ = false;
  under_way_ = true;  // the port may ask for another one meanwhile: it waits for this one
  BatchSink sink(batch_bytes_max_);
  port_->collect(sink);
  under_way_ = !sink.frames.empty();
  if (under_way_) {
    tell([frames = std::move(sink.frames)](RemoteChannel& channel) mutable {
      channel.on_batch(std::move(frames));
    });
  }
  if (lost_ && !more_) {
    tell([returns = returns_](RemoteChannel& channel) { channel.on_lost(returns); });
  }
  // Nobody will say that an empty batch was taken.
  if (!under_way_ && more_) on_port_output();
}

void RemoteEnd::taken() {
  under_way_ = false;
  if (more_) on_port_output();
}

void RemoteEnd::on_port_reading(bool wanted) {
  tell([wanted](RemoteChannel& channel) { channel.on_reading(wanted); });
}

void RemoteEnd::on_port_lost(bool returns) {
  lost_ = true;
  returns_ = returns;
  on_port_output();
}

}  // namespace

std::unique_ptr<DocumentChannel> local_channel(const base::DocumentId& document,
                                               base::Executor& executor, const port_maker& make,
                                               ChannelOwner& owner) {
  return std::make_unique<LocalChannel>(document, executor, make, owner);
}

std::unique_ptr<DocumentChannel> remote_channel(const base::DocumentId& document,
                                                base::Executor& connection,
                                                base::Executor& executor, port_maker make,
                                                ChannelOwner& owner,
                                                const RemoteChannelOptions& options) {
  return std::make_unique<RemoteChannel>(document, connection, executor, std::move(make), owner,
                                         options);
}

}  // namespace weft::gateway::socketio
