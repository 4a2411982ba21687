#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "entries.h"
#include "weft/base/random.h"
#include "weft/net/deflate.h"

namespace weft::fuzz {
namespace {

const std::vector<std::string>& http_seeds() {
  static const std::vector<std::string> seeds{
      "\x07GET /a?token=%41+b HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
      "\x01POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n",
      "\x02POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
      "\x04GET /ws HTTP/1.1\r\nHost: h:80\r\nOrigin: http://h\r\nX-Forwarded-For: 1.2.3.4, "
      "10.0.0.1, "
      "[::1]:9\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15, "
      "x\r\n\r\n",
      "\x03GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  };
  return seeds;
}

std::string deflated(std::string_view text) {
  base::byte_vector frame(text.size() + 64);
  const auto size = net::write_deflated_frame(net::opcode::binary, {base::as_bytes(text)}, frame);
  return std::string(base::as_text(base::byte_view(frame).first(size.value_or(0))));
}

/// A frame without its FIN, and what follows it: the second half of its short payload.
std::string first_half(std::string frame) {
  const std::size_t payload = frame.size() - 2;
  const std::string rest = frame.substr(2 + payload / 2);
  frame[0] = static_cast<char>(frame[0] & 0x7f);
  frame[1] = static_cast<char>(payload / 2);
  return frame.substr(0, 2 + payload / 2) + "\x80" + static_cast<char>(rest.size()) + rest;
}

std::vector<std::string> message_seeds() {
  std::vector<std::string> out{
      std::string("\xff\xff\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 10),
      std::string("\x01\x03\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 15),
      std::string("\x10\x10\x00\x05\x00\xfa\xffHello\x00", 13)};
  for (const std::size_t size : {20U, 300U, 40'000U}) {
    out.push_back("\x7f\x80" + deflated(std::string(size, 'w')).substr(2));
  }
  return out;
}

std::vector<std::string> frame_seeds() {
  const auto frame = [](net::opcode code, std::string_view payload, bool fin) {
    const auto bytes = net::make_frame(code, base::as_bytes(payload));
    std::string out(base::as_text(bytes));
    if (!fin) out[0] = static_cast<char>(out[0] & 0x7f);
    return out;
  };
  // An even first byte decodes as a client does: frames without masks.
  return {
      "\x06" + frame(net::opcode::text, "one", false) + frame(net::opcode::ping, "p", true) +
          frame(net::opcode::continuation, "two", true) +
          frame(net::opcode::close,
                "\x03\xe8"
                "bye",
                true),
      "\x10" + frame(net::opcode::binary, std::string(300, 'x'), true) +
          frame(net::opcode::pong, "", true) + frame(net::opcode::binary, "", true),
      // Compressed: in one frame, in two with a ping between them, and where it may not be.
      "\x06" + deflated("Hello, Hello, Hello, Hello") + frame(net::opcode::ping, "p", true),
      "\x0a" + first_half(deflated(std::string(9000, 'x'))) + frame(net::opcode::ping, "p", true),
      "\x06" + deflated("one") + "\xc9" + std::string(1, '\0'),
      std::string("\x07\x82\x85"
                  "abcd"
                  "\x01\x02\x03\x04\x05\x81\x80"
                  "mask",
                  17),
  };
}

/// Flips, cuts, and repeats what is in a seed.
std::string mutated(std::string seed, base::random& random) {
  for (std::uint64_t i = 0; i < 1 + random.below(4) && !seed.empty(); ++i) {
    const std::size_t at = random.below(seed.size());
    switch (random.below(4)) {
      case 0:
        seed[at] = static_cast<char>(random.next());
        break;
      case 1:
        seed.erase(at, 1 + random.below(5));
        break;
      case 2:
        seed.insert(at, seed.substr(random.below(seed.size()), 1 + random.below(20)));
        break;
      default:
        seed[at] = static_cast<char>(seed[at] ^ (1 << random.below(8)));
    }
  }
  return seed;
}

template <typename Entry>
void run(const std::vector<std::string>& seeds, Entry entry) {
  base::random random(1);
  for (const std::string& seed : seeds) {
    entry(base::as_bytes(seed));
    for (int i = 0; i < 500; ++i) entry(base::as_bytes(mutated(seed, random)));
  }
}

TEST(FuzzNet, WebsocketFrameSeeds) { run(frame_seeds(), websocket_frames); }
TEST(FuzzNet, DeflatedMessageSeeds) { run(message_seeds(), deflated_messages); }
TEST(FuzzNet, HttpRequestSeeds) { run(http_seeds(), http_requests); }

}  // namespace
}  // namespace weft::fuzz
