// One client of the namespace "/" and its token: what connecting and a new token open, and what
// not.

#include "weft/gateway/socketio/document_socket.h"

#include "gateway/socketio/connection_fixture.h"
#include "gateway/socketio/port_fixture.h"
#include "support/spelled_authorizer.h"
#include "weft/gateway/document_name.h"
#include "weft/gateway/socketio/gateway.h"

namespace weft::gateway::socketio {
namespace {

using protocol::testing::strings;

class DocumentSocketTest : public testing::ChannelTest {
 protected:
  ~DocumentSocketTest() override { close(); }

  /// Asks for the namespace with this `auth`.
  void connect(const std::string& auth) {
    connection_ = std::make_unique<protocol::Connection>(
        document_namespaces({hubs_, history_, framing_, events_, counted_, &spelled_}, options_,
                            {}),
        protocol::ConnectionOptions{},
        [](std::span<std::uint8_t> out) { std::ranges::fill(out, 1); });
    connection_->on_open(session_);
    say("0" + auth);
  }
  void close() {
    if (connection_) connection_->on_closed(engine::close_reason::transport_closed);
    connection_.reset();
  }

  void say(const std::string& packet) { connection_->on_message(base::as_bytes(packet), false); }
  void join(const std::string& doc) { say(R"(2["sync-request",{"docId":")" + doc + R"("}])"); }
  void authorize(const std::string& token, int id) {
    say("2" + std::to_string(id) + R"(["authorize",{"token":")" + token + R"("}])");
  }

  /// All that is said within a while, text packets alone.
  strings all() {
    strings out;
    for (int i = 0; i < 8; ++i) {
      run();
      if (!connection_ || !std::exchange(session_.wants_write, false)) continue;
      engine::testing::Sink sink(1u << 20);
      connection_->on_gather(sink);
      for (auto& packet : sink.packets()) {
        if (!packet.starts_with("b:")) out.push_back(std::move(packet));
      }
    }
    return out;
  }
  std::string last() {
    const auto said = all();
    return said.empty() ? "" : said.back();
  }

  const hub::HubSet hubs_{{&hub_}};
  const SocketOptions options_;
  SocketCounters counted_;
  weft::testing::SpelledAuthorizer spelled_;
  protocol::testing::MemorySession session_{world_};
  std::unique_ptr<protocol::Connection> connection_;
};

TEST_F(DocumentSocketTest, ATokenThatDoesNotOpenTheHandshakesDocumentIsAConnectError) {
  connect(R"({"roomId":"room","docId":"doc","token":"nonsense"})");
  const auto said = all();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(said[0].starts_with("44{")) << said[0];
  EXPECT_TRUE(said[0].contains(R"("code":"unauthenticated")")) << said[0];
}

TEST_F(DocumentSocketTest, AClientMayGoWhileItsTokenIsLookedAt) {
  spelled_.hold = true;
  connect(R"({"roomId":"room","docId":"doc","token":"rw:ada"})");
  run();
  EXPECT_EQ(spelled_.asked, 1);
  close();
  spelled_.release(world_);
  run();
  EXPECT_EQ(counted_.connections.load(), 0u);
}

TEST_F(DocumentSocketTest, WhatIsKeptOfAClientIsBounded) {
  const std::string long_text(hub::token_bytes_max + 1, 'x');
  connect(R"({"roomId":"room","token":")" + long_text + R"("})");
  EXPECT_TRUE(last().contains(R"("code":"bad-metadata")"));
  close();
  connect(R"({"roomId":"room","senderId":")" + std::string(sender_bytes_max + 1, 'x') + R"("})");
  EXPECT_TRUE(last().contains(R"("code":"bad-metadata")"));
  close();
  connect(R"({"roomId":"room","token":"rw:ada"})");
  all();
  authorize(long_text, 1);
  EXPECT_TRUE(last().contains(R"("code":"bad-arguments")"));
}

TEST_F(DocumentSocketTest, ANewTokenIsTakenByAllDocumentsOrByNone) {
  connect(R"({"roomId":"room","token":"ra:ada"})");
  join("one");
  join("two");
  all();
  authorize("rw:ada", 1);
  const auto said = all();
  EXPECT_EQ(std::ranges::count_if(said, [](const auto& s) { return s.contains("control"); }), 2);
  EXPECT_TRUE(std::ranges::find(said, R"(431[{}])") != said.end());
}

TEST_F(DocumentSocketTest, ATokenThatIsNoGoodCostsOneQuestionAndChangesNothing) {
  connect(R"({"roomId":"room","token":"rwac:ada"})");
  for (const char* doc : {"one", "two", "three"}) join(doc);
  all();
  const int asked = spelled_.asked;
  for (const char* token : {"nonsense", "wac:ada"}) {  // the second one allows no reading
    authorize(token, 1);
    EXPECT_TRUE(last().starts_with(R"(431[{"error":{"code":")")) << token;
  }
  EXPECT_EQ(spelled_.asked, asked + 2);
  join("four");  // the first token is still the one that opens documents
  EXPECT_TRUE(last().contains(R"("docId":"four")"));
}

TEST_F(DocumentSocketTest, ADocumentThatIsJoinedMeanwhileTakesTheNewTokenToo) {
  connect(R"({"roomId":"room","token":"ra:ada"})");
  join("one");
  all();
  spelled_.hold = true;
  authorize("rw:ada", 1);
  run();
  spelled_.hold = false;
  join("two");
  all();
  authorize("rw:eve", 2);
  EXPECT_TRUE(last().contains(R"("code":"unavailable")"));  // one at a time
  spelled_.release(world_);
  const auto said = all();
  EXPECT_EQ(std::ranges::count_if(said, [](const auto& s) { return s.contains("control"); }), 2);
  EXPECT_TRUE(std::ranges::find(said, R"(431[{}])") != said.end());
}

TEST_F(DocumentSocketTest, AClientMayGoWhileItsNewTokenIsLookedAt) {
  connect(R"({"roomId":"room","token":"rw:ada"})");
  join("one");
  all();
  spelled_.hold = true;
  authorize("rw:ada", 1);
  run();
  close();
  spelled_.release(world_);
  run();
  EXPECT_EQ(counted_.channels.load(), 0u);
}

}  // namespace
}  // namespace weft::gateway::socketio
