#pragma once

#include <algorithm>
#include <string>

#include "weft/base/bytes.h"
#include "weft/net/websocket_session.h"

namespace weft::testing {

/// A socket that takes so many bytes, and what it took.
class TextSink final : public net::GatherSink {
 public:
  explicit TextSink(std::size_t room = 1u << 20) : room_(room) {}

  void add(base::shared_bytes framed) override {
    ++slices;
    text.append(base::as_text(framed));
    room_ -= std::min(room_, framed.size());
  }
  std::size_t room() const override { return room_; }

  std::string text;
  int slices = 0;

 private:
  std::size_t room_;
};

}  // namespace weft::testing
