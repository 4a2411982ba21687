#pragma once

#include <utility>
#include <vector>

#include "weft/net/connection.h"
#include "weft/net/websocket_session.h"

/// Internal to net.
namespace weft::net {

/// Collects what one flush sends, up to what one system call takes.
class FlushSink final : public GatherSink {
 public:
  /// `listener` is set to who wants to hear of the flush.
  explicit FlushSink(std::vector<base::shared_bytes>& slices, FlushListener** listener = nullptr)
      : slices_(slices), listener_(listener) {}

  void add(base::shared_bytes framed) override {
    if (framed.empty()) return;
    bytes_ += framed.size();
    slices_.push_back(std::move(framed));
  }

  std::size_t room() const override {
    if (slices_.size() >= LoopConnections::slices_max) return 0;
    return bytes_ < LoopConnections::flush_bytes_max ? LoopConnections::flush_bytes_max - bytes_
                                                     : 0;
  }

  void tell(FlushListener& listener) override {
    if (listener_) *listener_ = &listener;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  std::vector<base::shared_bytes>& slices_;
  FlushListener** listener_;
  std::size_t bytes_ = 0;
};

}  // namespace weft::net
