#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>

#include "net/server_fixture.h"

namespace weft::net {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct Quiet final : WebSocketHandler {
  explicit Quiet(std::atomic<int>& count) : messages(count) {}
  void on_open(WebSocketConnection&) override {}
  void on_message(base::byte_view, bool) override { ++messages; }
  void on_gather(GatherSink&) override {}
  void on_closed(std::uint16_t) override {}
  std::atomic<int>& messages;
};

/// A compressed message as long as the others, in a block that is stored as it is.
const std::string incompressible = [] {
  const std::size_t size = 3000;
  const auto low = static_cast<char>(size & 255);
  const auto high = static_cast<char>(size >> 8);
  return std::string{0, low, high, static_cast<char>(~low), static_cast<char>(~high)} +
         std::string(size, 'x') + std::string(1, 0);
}();

class IdleMemory : public testing::ServerFixture {
 protected:
  struct Bytes {
    std::size_t allocated;
    std::size_t resident;
  };

  /// What one connection costs that has had traffic and is idle now.
  void measure(Bytes& out, std::string_view headers = {}) {
    constexpr int connections = 1000;
    std::atomic<int> messages{0};
    decide = [&](const HttpRequest&) -> UpgradeDecision {
      return UpgradeAccept{std::make_unique<Quiet>(messages), &loops->loop(0)};
    };
    ServerOptions options;
    options.compression = true;
    start(options, 1);
    std::vector<unique_fd> clients;
    clients.reserve(2 * connections);
    // The traffic comes in pieces at that.
    const auto open_some = [&] {
      for (int i = 0; i < connections; ++i) {
        testing::TestClient client = connect();
        ASSERT_TRUE(client.upgrade("/", {}, headers));
        const bool deflated = !headers.empty();
        const std::string frame = testing::TestClient::encode(
            opcode::binary, deflated ? incompressible : std::string(3000, 'x'), true, deflated);
        client.send(frame.substr(0, 1000));
        client.send(frame.substr(1000));
        // The client's own end of TLS goes here, unbeknown to the server.
        clients.push_back(client.release());
      }
      const int expected = static_cast<int>(clients.size());
      ASSERT_TRUE(testing::eventually([&] { return messages == expected; }));
      run_on(loops->loop(0), [] {});
    };
    open_some();  // warms the allocator and the loop's own tables
    const std::size_t resident = resident_bytes();
    const std::size_t allocated = ::mallinfo2().uordblks;
    open_some();
    out.allocated = (::mallinfo2().uordblks - allocated) / connections;
    out.resident = resident_bytes() > resident ? (resident_bytes() - resident) / connections : 0;
    std::cout << "allocated per connection: " << out.allocated
              << " bytes, resident: " << out.resident << " bytes\n";
    TearDown();
  }
};

TEST_F(IdleMemory, AnIdleWebSocketOwnsLittle) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator counts otherwise";
  Bytes each{};
  measure(each);
  EXPECT_LE(each.allocated, 1024U);
  EXPECT_LE(each.resident, 4096U);
}

TEST_F(IdleMemory, AnIdleCompressedWebSocketOwnsNoMore) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator counts otherwise";
  Bytes each{};
  measure(each, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  EXPECT_LE(each.allocated, 1024U);
  EXPECT_LE(each.resident, 4096U);
}

TEST_F(IdleMemory, AnIdleTlsWebSocketOwnsWhatOpensslKeepsAndNoBuffers) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator counts otherwise";
  use_tls();
  Bytes each{};
  measure(each);
  EXPECT_LE(each.allocated, 16U * 1024);
  EXPECT_LE(each.resident, 24U * 1024);
}

}  // namespace
}  // namespace weft::net
