#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz_one.h"
#include "weft/base/random.h"
#include "weft/net/websocket_frame.h"

namespace weft::fuzz {
namespace {

const std::vector<std::string>& http_seeds() {
  static const std::vector<std::string> seeds{
      "\x07GET /a?token=%41+b HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
      "\x01POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n",
      "\x02POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
      "\x03GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  };
  return seeds;
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
TEST(FuzzNet, HttpRequestSeeds) { run(http_seeds(), http_requests); }

}  // namespace
}  // namespace weft::fuzz
