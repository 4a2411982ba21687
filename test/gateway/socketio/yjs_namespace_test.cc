// What a y-socket.io client hears, from its first packet on.

#include "weft/gateway/socketio/yjs_namespace.h"

#include "gateway/socketio/connection_fixture.h"
#include "hub/hub_fixture.h"
#include "support/spelled_authorizer.h"
#include "weft/base/worker_pool.h"

namespace weft::gateway::socketio {
namespace {

using protocol::testing::strings;
using sim::delete_update;
using sim::insert_update;

const std::string attached = R"([{"_placeholder":true,"num":0}])";
/// A state vector that knows nothing.
const base::byte_vector nothing_known{0};

std::string bytes(base::byte_view of) { return "b:" + std::string(base::as_text(of)); }

/// One client that has asked for one namespace.
class YjsClient {
 public:
  YjsClient(base::Executor& executor, SocketParts parts, const YjsFramings& framings,
            std::string name_space, const std::string& auth)
      : session_(executor),
        name_space_(std::move(name_space)),
        connection_(yjs_namespaces(parts, framings, {}), {},
                    [](std::span<std::uint8_t> out) { std::ranges::fill(out, 1); }) {
    connection_.on_open(session_);
    text("0" + name_space_ + "," + auth);
  }
  ~YjsClient() { connection_.on_closed(engine::close_reason::transport_closed); }

  /// An event with one attachment.
  void say(const std::string& event, base::byte_view attachment, const std::string& id = {}) {
    text("51-" + name_space_ + "," + id + "[\"" + event + "\"," + attached.substr(1));
    connection_.on_message(attachment, true);
  }
  void reply(const std::string& id, base::byte_view attachment) {
    text("61-" + name_space_ + "," + id + attached);
    connection_.on_message(attachment, true);
  }
  void text(const std::string& packet) { connection_.on_message(base::as_bytes(packet), false); }

  strings hear() {
    if (!std::exchange(session_.wants_write, false)) return {};
    engine::testing::Sink sink(1u << 20);
    connection_.on_gather(sink);
    return sink.packets();
  }

  std::string event(const std::string& name, const std::string& id = {}) const {
    return "451-" + name_space_ + "," + id + "[\"" + name + "\"," + attached.substr(1);
  }
  std::string answered(const std::string& id) const {
    return "461-" + name_space_ + "," + id + attached;
  }
  std::string error(const std::string& code) const {
    return "42" + name_space_ + R"(,["protocol-error",{"code":")" + code + "\"";
  }
  std::string sent_away() const { return "41" + name_space_ + ","; }
  bool closed() const { return session_.closed; }
  bool paused() const { return session_.paused; }

 private:
  protocol::testing::MemorySession session_;
  const std::string name_space_;
  protocol::Connection connection_;
};

class YjsNamespaceTest : public hub::testing::HubTest {
 protected:
  ~YjsNamespaceTest() override { pool_.close(); }

  std::unique_ptr<YjsClient> ask(std::string name_space, const std::string& token = {}) {
    return std::make_unique<YjsClient>(
        world_,
        SocketParts{hubs_, history_, framing_, events_, counters_of_gateway_,
                    token.empty() ? nullptr : &authorizer_},
        framings_, std::move(name_space),
        token.empty() ? std::string() : R"({"token":")" + token + R"(","version":"mine"})");
  }

  /// A client that is connected.
  std::unique_ptr<YjsClient> open(std::string name_space = "/yjs|room/doc",
                                  const std::string& token = {}) {
    auto client = ask(name_space, token);
    const auto heard = all(*client);
    EXPECT_EQ(heard.size(), 1u);
    EXPECT_TRUE(!heard.empty() && heard[0].starts_with("40" + name_space + ",")) << name_space;
    return client;
  }

  /// All that is said within a while.
  strings all(YjsClient& client) {
    strings out;
    for (int i = 0; i < 8; ++i) {
      run();
      for (auto& packet : client.hear()) out.push_back(std::move(packet));
    }
    return out;
  }

  /// A client that has been answered and asked.
  std::unique_ptr<YjsClient> joined(std::string name_space = "/yjs|room/doc",
                                    const std::string& token = {}) {
    auto client = open(std::move(name_space), token);
    client->say("sync-step-1", nothing_known, "0");
    EXPECT_GE(all(*client).size(), 4u);
    return client;
  }

  base::WorkerPool pool_{1, 16};
  hub::DocumentHistory history_{log_, log_, pool_, {}};
  const hub::HubSet hubs_{{&hub_}};
  const SocketFraming framing_;
  const YjsFramings framings_;
  SocketCounters counters_of_gateway_;
  weft::testing::SpelledAuthorizer authorizer_;
};

TEST(YjsName, NamespacesNameDocumentsAsTheyAre) {
  const std::vector<std::pair<std::string, base::DocumentId>> cases{
      {"/yjs|notes", {"default", "notes", {}}},
      {"/yjs|default/notes", {"default", "notes", {}}},
      {"/yjs|team/a/b", {"team", "a/b", {}}},
      {"/yjs|team/100%", {"team", "100%", {}}},
  };
  for (const auto& [name_space, document] : cases) {
    const auto name = read_yjs_namespace(name_space);
    ASSERT_TRUE(name) << name_space;
    EXPECT_EQ(name->document, document);
    EXPECT_EQ(name->name_space(), name_space);
  }
  const std::string long_name(base::document_name_bytes_max + 1, 'x');
  for (const std::string& wrong : {std::string(), std::string("/doc"), std::string("room/"),
                                   std::string("a\0b", 3), std::string("\xff"), long_name}) {
    EXPECT_FALSE(read_yjs_namespace("/yjs|" + wrong)) << wrong;
  }
  EXPECT_FALSE(is_yjs_namespace("/yjs"));
  EXPECT_FALSE(is_yjs_namespace("/other"));
}

TEST_F(YjsNamespaceTest, AClientIsAnsweredByEditsAndAskedOnceItHasThem) {
  const auto update = insert_update(1, 0);
  ASSERT_TRUE(publish(update));
  const auto client = open();
  EXPECT_EQ(all(*client), strings{}) << "nothing before it asks";
  client->say("sync-step-1", nothing_known, "7");
  const base::byte_vector vector{1, 1, 1}, empty{0, 0};
  EXPECT_EQ(all(*client),
            (strings{client->event("sync-update"), bytes(update), client->answered("7"),
                     bytes(empty), client->event("sync-step-1", "0"), bytes(vector)}));
  // Again, with what it has: the same without a question.
  client->say("sync-step-1", vector, "8");
  const auto again = all(*client);
  ASSERT_GE(again.size(), 2u);
  EXPECT_EQ(again[again.size() - 2], client->answered("8"));
}

TEST_F(YjsNamespaceTest, AClientThatWantsNoAnswerIsAskedAllTheSame) {
  const auto client = open();
  client->say("sync-step-1", nothing_known);
  const auto heard = all(*client);
  ASSERT_GE(heard.size(), 2u);
  EXPECT_EQ(heard[heard.size() - 2], client->event("sync-step-1", "0"));
}

TEST_F(YjsNamespaceTest, QuestionsThatOverlapAreAllAnswered) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  const auto client = open();
  for (const char* id : {"1", "2", "3"}) client->say("sync-step-1", nothing_known, id);
  const auto heard = all(*client);
  std::size_t at = 0;
  for (const char* id : {"1", "2", "3"}) {
    const auto found = std::find(heard.begin() + static_cast<std::ptrdiff_t>(at), heard.end(),
                                 client->answered(id));
    ASSERT_NE(found, heard.end()) << id;
    at = static_cast<std::size_t>(found - heard.begin());
  }
  EXPECT_EQ(std::ranges::count(heard, client->event("sync-step-1", "0")), 1);
}

TEST_F(YjsNamespaceTest, EditsGoToTheOthersUnderTheNameThatEachUses) {
  const auto writer = joined("/yjs|notes"), reader = joined("/yjs|default/notes");
  const auto update = insert_update(1, 0);
  writer->say("sync-update", update);
  EXPECT_EQ(all(*reader), (strings{reader->event("sync-update"), bytes(update)}));
  EXPECT_EQ(all(*writer), strings{}) << "it has its own";
}

TEST_F(YjsNamespaceTest, AnEditThatComesBeforeTheDocumentIsLoadedWaits) {
  const auto client = ask("/yjs|room/doc");
  client->say("sync-update", insert_update(1, 0));
  run();
  EXPECT_EQ(disk_.durable.size(), 1u);
  EXPECT_FALSE(client->paused());
}

TEST_F(YjsNamespaceTest, WhatTheServerLacksIsStoredOnce) {
  const auto client = joined();
  client->reply("0", insert_update(1, 0));
  all(*client);
  EXPECT_EQ(disk_.durable.size(), 1u);
  client->reply("0", insert_update(1, 0));
  client->reply("1", insert_update(1, 1));  // nobody has asked by that name
  all(*client);
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(YjsNamespaceTest, AfterAFailedAppendTheServerAsksAgain) {
  const auto client = joined();
  faults_.append_fails_one_in = 1;
  client->say("sync-update", insert_update(1, 0));
  run();
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(2));
  EXPECT_EQ(std::ranges::count(all(*client), client->event("sync-step-1", "0")), 1);
  client->reply("0", insert_update(1, 0));
  all(*client);
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(YjsNamespaceTest, ARefusedEditSendsTheClientAway) {
  const auto client = joined();
  client->say("sync-update", base::as_bytes("garbage"));
  client->say("sync-update", insert_update(1, 0));
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_TRUE(heard[0].starts_with(client->error("invalid-update"))) << heard[0];
  EXPECT_EQ(heard[1], client->sent_away());
  EXPECT_EQ(disk_.durable.size(), 0u);
  EXPECT_FALSE(client->closed()) << "other namespaces go on";
}

TEST_F(YjsNamespaceTest, AnEventThatCarriesNoBytesSendsTheClientAway) {
  const auto client = joined();
  client->text(R"(2/yjs|room/doc,["sync-update","text"])");
  client->say("sync-update", insert_update(1, 0));
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_TRUE(heard[0].starts_with(client->error("bad-arguments"))) << heard[0];
  EXPECT_EQ(heard[1], client->sent_away());
  EXPECT_EQ(disk_.durable.size(), 0u);
}

TEST_F(YjsNamespaceTest, AnUnknownEventIsRefusedAlone) {
  const auto client = joined();
  client->text(R"(2/yjs|room/doc,["greeting","text"])");
  client->say("sync-update", insert_update(1, 0));
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].starts_with(client->error("unknown-event"))) << heard[0];
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(YjsNamespaceTest, PresenceGoesToOthersAndIsWithdrawn) {
  auto one = joined();
  const auto two = joined();
  const yjs::AwarenessEntry entry{1, 1, R"({"name":"A"})"}, gone{1, 2, "null"};
  one->say("awareness-update", yjs::encode_awareness_update({&entry, 1}));
  EXPECT_EQ(all(*two), (strings{two->event("awareness-update"),
                                bytes(yjs::encode_awareness_update({&entry, 1}))}));
  // What is none is refused, and nothing else.
  two->say("awareness-update", base::as_bytes("\x05"));
  const auto heard = all(*two);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].starts_with(two->error("invalid-update"))) << heard[0];
  one.reset();
  EXPECT_EQ(all(*two), (strings{two->event("awareness-update"),
                                bytes(yjs::encode_awareness_update({&gone, 1}))}));
}

TEST_F(YjsNamespaceTest, ADocumentThatEndsForAWhileDropsTheConnectionSoThatClientsComeAgain) {
  const auto client = joined();
  bool drained = false;
  hub_.drain([&] { drained = true; });
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 1u) << "it is not sent away";
  EXPECT_TRUE(heard[0].starts_with(client->error("draining"))) << heard[0];
  EXPECT_TRUE(client->closed());
  EXPECT_TRUE(drained);
}

TEST_F(YjsNamespaceTest, WhatIsNoDocumentIsRefused) {
  for (const auto* name_space : {"/yjs|", "/yjs|/doc", "/other"}) {
    const auto client = ask(name_space);
    const auto heard = all(*client);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_TRUE(heard[0].starts_with("44" + std::string(name_space) + ",{")) << heard[0];
  }
}

TEST_F(YjsNamespaceTest, ATokenThatIsNoGoodIsRefused) {
  const auto client = ask("/yjs|room/doc", "nonsense");
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].starts_with("44/yjs|room/doc,{")) << heard[0];
  EXPECT_TRUE(heard[0].contains(R"("code":"unauthenticated")")) << heard[0];
}

TEST_F(YjsNamespaceTest, WhatIsStoredSaysWhoWroteIt) {
  const auto client = joined("/yjs|room/doc", "rwac:ada");
  client->say("sync-update", insert_update(1, 0));
  all(*client);
  ASSERT_EQ(disk_.durable.size(), 1u);
  EXPECT_EQ(disk_.durable.front().entry.record.identity, "ada");
}

TEST_F(YjsNamespaceTest, AReaderReadsOnUntilItWrites) {
  const auto writer = joined("/yjs|room/doc", "rwac:ada");
  const auto reader = joined("/yjs|room/doc", "r:eve");
  // It was asked, which is what makes it synced; its answer and its presence are let lie.
  reader->reply("0", insert_update(2, 0));
  const yjs::AwarenessEntry entry{2, 1, "{}"};
  reader->say("awareness-update", yjs::encode_awareness_update({&entry, 1}));
  EXPECT_EQ(all(*reader), strings{});
  EXPECT_EQ(all(*writer), strings{});
  writer->say("sync-update", insert_update(1, 0));
  EXPECT_EQ(all(*reader).size(), 2u);
  // What says nothing new does no harm.
  reader->say("sync-update", insert_update(1, 0));
  EXPECT_EQ(all(*reader), strings{});
  reader->say("sync-update", insert_update(2, 0));
  const auto heard = all(*reader);
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_TRUE(heard[0].starts_with(reader->error("forbidden"))) << heard[0];
  EXPECT_EQ(heard[1], reader->sent_away());
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(YjsNamespaceTest, AnEditAfterThePermissionHasExpiredDropsTheConnection) {
  const auto client = joined("/yjs|room/doc", "rwac:ada:500");
  run(std::chrono::milliseconds(600));
  client->say("sync-update", insert_update(1, 0));
  const auto heard = all(*client);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_TRUE(heard[0].starts_with(client->error("expired"))) << heard[0];
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(disk_.durable.size(), 0u);
}

TEST_F(YjsNamespaceTest, AnswersThatNobodyTakesStopTheReading) {
  const auto client = joined();
  for (int i = 0; !client->paused(); ++i) {
    ASSERT_LT(i, 1000);
    client->say("sync-step-1", nothing_known, std::to_string(i));
  }
  all(*client);
  EXPECT_FALSE(client->paused());
}

}  // namespace
}  // namespace weft::gateway::socketio
