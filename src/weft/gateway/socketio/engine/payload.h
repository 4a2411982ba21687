#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/gateway/socketio/engine/packet.h"
#include "weft/net/websocket_session.h"

namespace weft::gateway::socketio::engine {

/// Takes the packets out of the body of a POST, one by one: packets with 0x1e between them, binary
/// messages as 'b' and their Base64.
///
/// Shape: a body of any bytes; at most `packets_max` packets of it are read. What one packet costs
/// is in proportion to its own length.
/// Thread: any one at a time.
class PayloadReader {
 public:
  PayloadReader(base::byte_vector body, std::size_t packets_max)
      : body_(std::move(body)), packets_left_(packets_max) {}

  /// The next packet, valid until the next call; none when all have been read. Errors: malformed,
  /// also for text that is no UTF-8; too_many. After an error nothing more may be read.
  base::result<std::optional<Packet>> next();

 private:
  base::byte_vector body_;
  base::byte_vector binary_;  ///< the decoded data of the latest packet
  std::size_t at_ = 0;
  std::size_t packets_left_;
  bool ended_ = false;
};

/// Collects frames as a WebSocket's sink does, and rewrites them as the body of an answer to a
/// poll.
///
/// The frames come as a stream of bytes: several of them in one piece, or one in several pieces.
/// They are unfragmented, unmasked and uncompressed, text or binary; text packets hold no 0x1e,
/// which this transport cannot express. Frames that are not so are a broken invariant.
class PayloadWriter final : public net::GatherSink {
 public:
  explicit PayloadWriter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(base::shared_bytes framed) override;
  /// Never 0 inside a frame.
  std::size_t room() const override;

  bool empty() const { return payload_.empty() && header_bytes_ == 0; }
  /// The payload. All frames must have been added whole.
  std::string take();

 private:
  base::byte_view take_header(base::byte_view bytes);
  void open_packet();
  base::byte_view take_body(base::byte_view bytes);
  void add_binary(base::byte_view bytes);

  const std::size_t bytes_max_;
  std::string payload_;
  std::array<std::uint8_t, 10> header_{};  ///< of the frame that is coming
  std::uint8_t header_bytes_ = 0;
  std::uint64_t body_left_ = 0;
  bool in_body_ = false;
  bool binary_ = false;
  std::array<std::uint8_t, 3> group_{};  ///< bytes that do not fill a group of Base64 yet
  std::uint8_t group_bytes_ = 0;
};

}  // namespace weft::gateway::socketio::engine
