#include <atomic>

#include "net/server_fixture.h"
#include "weft/net/deflate.h"

namespace weft::net {
namespace {

using testing::TestClient;

constexpr std::string_view offer =
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
constexpr std::string_view agreed =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover\r\n";

std::string deflated(std::string_view text) {
  base::byte_vector room(text.size() + 64);
  const auto size = deflate_message({base::as_bytes(text)}, room);
  return std::string(base::as_text(base::byte_view(room).first(size.value())));
}

/// Echoes in frames that are compressed when that was negotiated.
class Echo final : public WebSocketHandler {
 public:
  void on_open(WebSocketConnection& connection) override { connection_ = &connection; }
  void on_message(base::byte_view message, bool) override {
    base::byte_vector room(message.size());
    const auto size = connection_->compression()
                          ? write_deflated_frame(opcode::binary, {message}, room)
                          : std::nullopt;
    waiting_.push_back(size ? base::shared_bytes::copy_of(base::byte_view(room).first(*size))
                            : make_frame(opcode::binary, message));
    connection_->want_write();
  }
  void on_gather(GatherSink& sink) override {
    for (auto& frame : waiting_) sink.add(std::move(frame));
    waiting_.clear();
  }
  void on_closed(std::uint16_t) override {}

 private:
  WebSocketConnection* connection_ = nullptr;
  std::vector<base::shared_bytes> waiting_;
};

class WebSocketDeflate : public testing::EitherFixture {
 protected:
  void SetUp() override {
    EitherFixture::SetUp();
    options.compression = true;
    options.message_bytes_max = 1'000'000;
    decide = [this](const HttpRequest&) -> UpgradeDecision {
      return UpgradeAccept{std::make_unique<Echo>(), &loops->loop(0)};
    };
  }

  ServerOptions options;
};

TEST_P(WebSocketDeflate, IsAgreedToWithThoseWhoOfferIt) {
  start(options);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/", {}, offer));
  EXPECT_NE(client.upgrade_head().find(agreed), std::string::npos) << client.upgrade_head();
  TestClient other = connect();
  ASSERT_TRUE(other.upgrade("/"));
  EXPECT_EQ(other.upgrade_head().find("Extensions"), std::string::npos);
  EXPECT_EQ(server->counts().websockets_open, 2U);
  EXPECT_EQ(server->counts().websockets_compressed, 1U);

  const std::string text(20'000, 'x');
  client.send(TestClient::encode(opcode::binary, deflated(text), true, true));
  const auto echo = client.read_frame();
  EXPECT_TRUE(echo.deflated);
  EXPECT_LT(echo.payload.size(), 200U);
  Inflater inflater;
  EXPECT_EQ(base::as_text(inflater.inflate(base::as_bytes(echo.payload), 20'000).bytes), text);
  // Both kinds of frames on one connection, and only plain ones on the other.
  client.send_frame(opcode::binary, "short");
  EXPECT_EQ(client.read_frame().payload, "short");
  other.send_frame(opcode::binary, text);
  EXPECT_EQ(other.read_frame().payload, text);
}

TEST_P(WebSocketDeflate, IsOffUnlessConfigured) {
  options.compression = false;
  start(options);
  TestClient client = connect();
  ASSERT_TRUE(client.upgrade("/", {}, offer));
  EXPECT_EQ(client.upgrade_head().find("Extensions"), std::string::npos);
  client.send(TestClient::encode(opcode::binary, deflated("text"), true, true));
  EXPECT_EQ(client.read_close(), close_code::protocol_error);
}

TEST_P(WebSocketDeflate, BombsAndBrokenDataEndTheirOwnConnection) {
  start(options);
  TestClient good = connect();
  ASSERT_TRUE(good.upgrade("/", {}, offer));
  const std::pair<std::string, int> cases[] = {
      {deflated(std::string(100'000'000, 'x')), close_code::too_big},
      {deflated(std::string(1'000'001, 'x')), close_code::too_big},
      {"no deflater made this", close_code::invalid_data},
      {deflated(std::string(1000, 'y')).substr(0, 5), close_code::invalid_data},
  };
  for (const auto& [payload, code] : cases) {
    TestClient bad = connect();
    ASSERT_TRUE(bad.upgrade("/", {}, offer));
    bad.send(TestClient::encode(opcode::binary, payload, true, true));
    EXPECT_EQ(bad.read_close(), code);
    good.send(TestClient::encode(opcode::binary, deflated("still here"), true, true));
    EXPECT_EQ(good.read_frame().payload, "still here");
  }
}

INSTANTIATE_TEST_SUITE_P(Either, WebSocketDeflate, testing::plain_and_tls(), testing::name_of);

}  // namespace
}  // namespace weft::net
