#include <algorithm>
#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/result.h"
#include "weft/net/deflate.h"

namespace weft::fuzz {

namespace {

struct seen {
  net::frame_event::kind what;
  std::uint16_t code;
  bool binary;
  std::string payload;
  bool operator==(const seen&) const = default;
};

constexpr std::size_t message_bytes_max = 4096;

std::vector<seen> decode(net::FrameDecoder::peer role, net::Inflater* inflater,
                         base::byte_vector bytes, std::size_t piece) {
  using kind = net::frame_event::kind;
  net::FrameDecoder decoder(role, message_bytes_max, inflater);
  std::vector<seen> out;
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    std::span<std::uint8_t> rest(bytes.data() + from, std::min(piece, bytes.size() - from));
    while (!rest.empty()) {
      const auto event = decoder.next(rest);
      WEFT_CHECK(event.consumed <= rest.size());
      WEFT_CHECK(event.consumed > 0 || event.what == kind::violation);
      WEFT_CHECK(event.payload.size() <= message_bytes_max);
      WEFT_CHECK(decoder.buffered_bytes() <= 2 * message_bytes_max + 256);
      rest = rest.subspan(event.consumed);
      if (event.what == kind::need_more) {
        WEFT_CHECK(rest.empty());
        continue;
      }
      // What a violation leaves in the payload is of no meaning.
      const bool violated = event.what == kind::violation;
      out.push_back({event.what, event.code, event.binary,
                     violated ? std::string() : std::string(base::as_text(event.payload))});
      if (violated) return out;
    }
    decoder.release_delivered();
  }
  return out;
}

}  // namespace

void websocket_frames(base::byte_view input) {
  if (input.empty()) return;
  const auto role =
      (input[0] & 1) != 0 ? net::FrameDecoder::peer::client : net::FrameDecoder::peer::server;
  net::Inflater shared;
  net::Inflater* inflater = (input[0] & 2) != 0 ? &shared : nullptr;
  const std::size_t piece = 1 + (input[0] >> 2);
  const base::byte_vector bytes(input.begin() + 1, input.end());
  const auto whole = decode(role, inflater, bytes, bytes.size() + 1);
  WEFT_CHECK(decode(role, inflater, bytes, piece) == whole);
  WEFT_CHECK(decode(role, inflater, bytes, 1) == whole);
}

}  // namespace weft::fuzz
