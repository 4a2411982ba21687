#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weft/base/bytes.h"

/// RFC 6455 frames (with RFC 7692 compression) as a pure codec: no sockets, no clock, no allocation
/// for whole messages.
namespace weft::net {

class Inflater;

enum class opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// Close codes that this server uses itself (RFC 6455, section 7.4.1).
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t no_status = 1005;  ///< never on the wire: the peer gave none
inline constexpr std::uint16_t abnormal = 1006;   ///< never on the wire: no closing handshake
inline constexpr std::uint16_t invalid_data = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t try_again_later = 1013;
}  // namespace close_code

/// Whether an endpoint may send `code` in a close frame.
bool is_sendable_close_code(std::uint16_t code);

/// Whether `bytes` are UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool is_utf8(base::byte_view bytes);

/// XORs `bytes` with the four mask bytes, the first byte with mask byte `phase` modulo 4.
void unmask(std::span<std::uint8_t> bytes, const std::array<std::uint8_t, 4>& mask,
            std::size_t phase);

inline constexpr std::size_t frame_header_bytes_max = 10;
inline constexpr std::size_t control_payload_bytes_max = 125;

/// Writes the header of an unmasked, unfragmented frame to `out`, which has room for
/// frame_header_bytes_max, and returns its length: 2, 4 or 10. `deflated` marks its payload as
/// compressed.
std::size_t frame_header(opcode code, std::uint64_t payload_bytes, std::uint8_t* out,
                         bool deflated = false);

/// A whole frame in one allocation, to be shared by all who send it.
base::shared_bytes make_frame(opcode code, base::byte_view payload);

/// A close frame. no_status gives an empty one; `reason` is cut to what fits, at a character.
base::shared_bytes make_close_frame(std::uint16_t code, std::string_view reason);

/// What FrameDecoder::next found.
struct frame_event {
  enum class kind : std::uint8_t {
    need_more,  ///< everything was taken in; nothing is complete
    message,    ///< a whole message in `payload`
    ping,       ///< answer with a pong of `payload`
    pong,
    close,      ///< the peer closes: `code` (no_status when it gave none), `payload` its reason
    violation,  ///< fail the connection with `code`; `reason` says why. Decode no further.
  };
  kind what = kind::need_more;
  bool binary = false;
  bool deflated = false;  ///< the message came compressed
  std::uint16_t code = 0;
  std::size_t consumed = 0;  ///< how many of the bytes given are done with
  base::byte_view payload;   ///< in the bytes given or in the decoder; valid until the next call
  std::string_view reason;   ///< static text
};

/// Turns the bytes of a peer into messages, however they arrive.
///
/// Shape: an unfragmented message that lies whole in the bytes given is unmasked in place and
/// handed out as a view of them. Anything else is gathered in a buffer of the decoder's own, which
/// grows with the bytes that have come, never with the length that was claimed, and is released
/// once handed out; an idle decoder owns no allocation.
/// Errors: a violation event, after which the decoder must not be used.
/// Thread: any one at a time.
/// Source: RFC 6455, sections 5 and 7.4; RFC 7692, sections 6 and 7.
///
/// Compressed messages are taken when an inflater is given: permessage-deflate without context
/// takeover was negotiated. They are inflated whole, so both their lengths are at most
/// message_bytes_max, and a bomb costs no more memory than that.
class FrameDecoder {
 public:
  /// Whether the peer must mask its frames (clients) or must not (servers).
  enum class peer : std::uint8_t { client, server };

  /// `inflater` outlives the decoder; others of the same thread may use it too. Each use ends the
  /// life of the message that came from it before.
  FrameDecoder(peer role, std::size_t message_bytes_max, Inflater* inflater = nullptr)
      : message_bytes_max_(message_bytes_max), inflater_(inflater), role_(role) {}

  /// Decodes up to the next event. Call again with the rest while some is left.
  frame_event next(std::span<std::uint8_t> bytes);

  /// Frees the buffer behind the last event, if there is one. next() does it too; call this when
  /// no bytes are left.
  void release_delivered();

  /// Whether a frame or message has come in part.
  bool in_progress() const { return in_frame_ || in_message_ || header_size_ != 0; }

  /// Bytes of own memory beyond sizeof(FrameDecoder).
  std::size_t buffered_bytes() const { return message_.capacity() + control_.capacity(); }

 private:
  bool take_header(std::span<std::uint8_t> bytes, std::size_t& at);
  bool open_frame(frame_event& event);
  frame_event control_event(base::byte_view payload, frame_event event);
  frame_event message_event(base::byte_view payload, frame_event event);
  void append(base::byte_vector& buffer, std::span<std::uint8_t> bytes);
  bool is_control() const { return (static_cast<std::uint8_t>(frame_opcode_) & 8) != 0; }

  base::byte_vector message_;  ///< the fragments so far, or a frame that came in pieces
  base::byte_vector control_;  ///< a control frame that came in pieces
  std::size_t message_bytes_max_;
  Inflater* inflater_;
  std::uint64_t frame_bytes_left_ = 0;
  std::array<std::uint8_t, 14> header_{};
  std::uint8_t header_size_ = 0;
  std::array<std::uint8_t, 4> mask_{};
  std::uint8_t mask_phase_ = 0;
  opcode frame_opcode_ = opcode::continuation;
  peer role_;
  bool in_frame_ = false;
  bool fin_ = false;
  bool in_message_ = false;  ///< a data frame without FIN has been seen
  bool binary_ = false;
  bool deflated_ = false;  ///< this message is
  bool message_delivered_ = false;
  bool control_delivered_ = false;
};

}  // namespace weft::net
