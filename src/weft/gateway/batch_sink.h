#pragma once

#include <algorithm>
#include <vector>

#include "weft/net/websocket_session.h"

namespace weft::gateway {

/// Keeps what a document has to say to a connection of another executor until it is sent there.
/// Full at about `bytes_max`: what is added at once is kept whole.
class BatchSink final : public net::GatherSink {
 public:
  explicit BatchSink(std::size_t bytes_max) : room_(bytes_max) {}

  void add(base::shared_bytes framed) override {
    if (framed.empty()) return;
    room_ -= std::min(room_, framed.size());
    frames.push_back(std::move(framed));
  }
  std::size_t room() const override { return room_; }

  std::vector<base::shared_bytes> frames;

 private:
  std::size_t room_;
};

}  // namespace weft::gateway
