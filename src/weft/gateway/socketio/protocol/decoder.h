#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/base/result.h"
#include "weft/gateway/socketio/protocol/packet.h"

namespace weft::gateway::socketio::protocol {

struct DecoderLimits {
  std::size_t attachments_max = 10;  ///< of one packet
  /// What a packet may keep of its attachments until the last one has come.
  std::size_t attachment_bytes_max = 4 * 1024 * 1024;
  std::size_t namespace_bytes_max = 512;
  std::size_t json_depth_max = 100;  ///< arrays and objects inside one another
};

/// A whole packet. Everything in it is valid until the decoder's next call.
struct Packet {
  packet_type type = packet_type::event;  ///< never a binary one: they become event and ack
  std::string_view name_space;
  std::optional<std::uint64_t> id;
  /// connect: an object or null. event: an array that begins with the event's name (a string, or a
  /// number). ack: an array. connect_error: an object or a string. Where an attachment belongs is a
  /// placeholder.
  nlohmann::json data;
  std::span<const base::byte_view> attachments;
};

/// Which attachment stands in the place of `value`; none when it is no placeholder.
std::optional<std::size_t> attachment_number(const nlohmann::json& value);

/// What stands for attachment `number` in JSON.
nlohmann::json placeholder(std::size_t number);

/// Joins the messages of one client into packets: a text and the binary messages that it announces.
///
/// Shape: the last attachment is handed out as a view of its message; those before it are copied,
/// because their messages do not last.
/// Errors: malformed, also for placeholders that do not name each attachment once, for text in the
/// place of an attachment and for binary messages that nothing announced; too_large. After an error
/// the decoder must not be used.
/// Thread: any one at a time.
class Decoder {
 public:
  explicit Decoder(DecoderLimits limits) : limits_(limits) {}

  /// `message` is UTF-8, as both transports see to.
  base::result<std::optional<Packet>> text(base::byte_view message);
  base::result<std::optional<Packet>> binary(base::byte_view message);

  /// Frees what the packet handed out last was made of.
  void release_delivered();

  /// Bytes of attachments that are kept of a packet that has come in part.
  std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  base::result<nlohmann::json> read_data(const PacketText& packet) const;

  const DecoderLimits limits_;
  Packet packet_;           ///< that waits for attachments
  std::string name_space_;  ///< its
  std::size_t wanted_ = 0;  ///< how many attachments it has; 0: none waits
  std::vector<base::byte_vector> kept_;
  std::size_t kept_bytes_ = 0;
  std::vector<base::byte_view> views_;
};

}  // namespace weft::gateway::socketio::protocol
