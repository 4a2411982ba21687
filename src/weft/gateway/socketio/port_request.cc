#include "weft/gateway/socketio/port_request.h"

#include "weft/base/result.h"

namespace weft::gateway::socketio {

std::expected<AddressedRequest, Refusal> read_message(std::optional<std::uint64_t> ack,
                                                      base::shared_bytes envelope) {
  const auto parts = weft::protocol::split_envelope(envelope);
  auto metadata = parts ? weft::protocol::decode_metadata(parts->metadata)
                        : base::fail(base::error(parts.error()));
  if (!metadata) return std::unexpected(Refusal{"bad-envelope", metadata.error().message});
  AddressedRequest out{std::move(metadata->document),
                       {PortRequest::kind::message, ack, std::move(envelope)}};
  out.request.channel = metadata->channel;
  return out;
}

}  // namespace weft::gateway::socketio
