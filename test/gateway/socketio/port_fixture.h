#pragma once

#include "hub/hub_fixture.h"
#include "support/text_sink.h"
#include "weft/base/worker_pool.h"
#include "weft/gateway/socketio/document_channel.h"
#include "weft/net/websocket_frame.h"

namespace weft::gateway::socketio::testing {

/// What frames say, one line each: text packets as they are; behind them, indented, the payload of
/// a binary one ("step1", "step2 <bytes>", "update <bytes>", "awareness", or its text).
inline std::string lines_of(std::string_view bytes) {
  base::byte_vector wire(bytes.begin(), bytes.end());
  std::span<std::uint8_t> rest(wire);
  net::FrameDecoder decoder(net::FrameDecoder::peer::server, 1u << 24);
  std::string out;
  while (!rest.empty()) {
    const auto event = decoder.next(rest);
    EXPECT_EQ(event.what, net::frame_event::kind::message);
    if (event.what != net::frame_event::kind::message) return out;
    rest = rest.subspan(event.consumed);
    if (!event.binary) {
      out += std::string(base::as_text(event.payload)) + "\n";
      continue;
    }
    std::size_t consumed = 0;
    const auto message = yjs::decode_message(event.payload, consumed);
    if (!message || consumed != event.payload.size()) {
      out += "  " + std::string(base::as_text(event.payload)) + "\n";
    } else if (message->type == yjs::message_type::awareness) {
      out += "  awareness\n";
    } else {
      const std::string_view names[] = {"step1", "step2", "update"};
      out += "  " + std::string(names[static_cast<std::size_t>(message->sync)]);
      if (message->sync != yjs::sync_type::step1) out += " " + std::to_string(message->body.size());
      out += "\n";
    }
  }
  return out;
}

/// An envelope whose payload is `payload`, as a client makes it.
inline base::shared_bytes envelope(std::string_view channel, base::byte_view payload,
                                   std::string_view more = {}) {
  const std::string metadata = R"({"roomId":"room","docId":"doc","channel":")" +
                               std::string(channel) + "\"" + std::string(more) + "}";
  return weft::protocol::write_envelope(
      base::as_bytes(metadata), payload.size(),
      [&](std::uint8_t* out) { std::memcpy(out, payload.data(), payload.size()); });
}

/// The request that such a message makes.
inline PortRequest request_of(std::string_view channel, base::byte_view payload,
                              std::optional<std::uint64_t> ack) {
  return read_message(ack, envelope(channel, payload)).value().request;
}

inline PortRequest edit(base::byte_view update, std::optional<std::uint64_t> ack) {
  return request_of("doc", yjs::encode_sync_update(update), ack);
}

/// A hub, its history and a connection that counts.
class ChannelTest : public hub::testing::HubTest, public ChannelOwner {
 protected:
  ~ChannelTest() override { pool_.close(); }

  void on_channel_output() override { ++outputs_; }
  void on_channel_reading(bool wanted) override { stops_ += wanted ? -1 : 1; }
  void on_channel_lost(const base::DocumentId&, bool) override { ++lost_; }

  port_maker maker() {
    return [this](PortOwner& owner) {
      return std::make_shared<DocumentPort>(hub_, history_, framing_, document_,
                                            PortClient{"someone", token_, authorizer_}, owner);
    };
  }

  static std::string sent(DocumentChannel& channel, std::size_t room = 1u << 20) {
    weft::testing::TextSink sink(room);
    channel.collect(sink);
    return lines_of(sink.text);
  }

  base::WorkerPool pool_{1, 16};
  hub::DocumentHistory history_{log_, log_, pool_, {}};
  const SocketFraming framing_;
  std::string token_;
  hub::Authorizer* authorizer_ = nullptr;
  int outputs_ = 0, stops_ = 0, lost_ = 0;
};

}  // namespace weft::gateway::socketio::testing
