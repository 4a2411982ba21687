// Namespaces, events and acknowledgements on a session in memory.

#include "weft/gateway/socketio/protocol/connection.h"

#include <gtest/gtest.h>

#include "gateway/socketio/connection_fixture.h"
#include "weft/gateway/socketio/protocol/errc.h"

namespace weft::gateway::socketio::protocol {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using strings = std::vector<std::string>;

using SocketConnection = testing::ConnectionFixture;
using testing::RecordingHandler;
using testing::SocketRecord;

TEST_F(SocketConnection, ANamespaceIsAskedForAndAccepted) {
  open();
  say(R"(0{"token":"x"})");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].first.name_space, "/");
  EXPECT_EQ(asked[0].first.auth, json::parse(R"({"token":"x"})"));
  EXPECT_TRUE(hear().empty()) << "not decided yet";
  const auto record = std::make_shared<SocketRecord>();
  asked[0].second.accept(std::make_unique<RecordingHandler>(record));
  ASSERT_TRUE(record->socket);
  EXPECT_EQ(record->socket->id().size(), 20u);
  EXPECT_EQ(hear(), (strings{R"(40{"sid":")" + record->socket->id() + R"("})"}));
  close(engine::close_reason::transport_closed);
  EXPECT_EQ(record->disconnected, disconnect_reason::connection_lost);
}

TEST_F(SocketConnection, WithoutAuthThereIsAnEmptyObject) {
  open();
  say("0/custom,");
  EXPECT_EQ(asked.at(0).first.name_space, "/custom");
  EXPECT_EQ(asked.at(0).first.auth, json::object());
}

TEST_F(SocketConnection, ARefusalSaysWhy) {
  open();
  say("0/a,");
  asked.at(0).second.refuse(invalid_namespace);
  EXPECT_EQ(hear(), (strings{R"(44/a,{"message":"Invalid namespace"})"}));
  asked.clear();
  say("0");
  asked.at(0).second.refuse("no", {{"code", 7}});
  EXPECT_EQ(hear(), (strings{R"(44{"data":{"code":7},"message":"no"})"}));
  asked.clear();
  say("0");
  asked.clear();
  EXPECT_EQ(hear(), (strings{R"(44{"message":"the server has not decided"})"}));
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketConnection, AnAnswerThatComesTooLateIsHarmless) {
  open();
  say("0");
  say("0/left,");
  say("1/left,");
  auto late = std::move(asked);
  close(engine::close_reason::ping_timeout);
  const auto record = std::make_shared<SocketRecord>();
  late[0].second.accept(std::make_unique<RecordingHandler>(record));
  late[1].second.refuse("no");
  EXPECT_FALSE(record->socket);
  EXPECT_FALSE(record->disconnected);
}

TEST_F(SocketConnection, WhoeverAsksForNothingIsClosed) {
  open();
  executor.advance(options.connect_timeout - milliseconds(1));
  EXPECT_FALSE(session.closed);
  executor.advance(milliseconds(1));
  EXPECT_TRUE(session.closed);
}

TEST_F(SocketConnection, WhoeverHasAskedMayWait) {
  open();
  say("0");
  executor.advance(2 * options.connect_timeout);
  EXPECT_FALSE(session.closed);
  EXPECT_EQ(executor.timers(), 0u);
}

TEST_F(SocketConnection, EventsComeWithTheirArguments) {
  open();
  const auto record = connect();
  say(R"(2["move",1,"2",{"3":[true]}])");
  say(R"(2["alone"])");
  say(R"(2[5,"numbers are names too"])");
  say(R"(52-["files",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])");
  say_binary("first");
  say_binary("second");
  EXPECT_EQ(record->heard,
            (strings{R"(move[1,"2",{"3":[true]}])", "alone[]", R"(5["numbers are names too"])",
                     R"(files[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])"
                     "+first+second"}));
  EXPECT_TRUE(record->acks.empty());
}

TEST_F(SocketConnection, EventsAreAcknowledgedOnce) {
  open();
  const auto record = connect("/a");
  say(R"(2/a,7["q"])");
  say(R"(2/a,0["q"])");
  ASSERT_EQ(record->acks.size(), 2u);
  record->acks[1].reply(json::array({placeholder(0), "x"}),
                        {base::shared_bytes::copy_of(base::as_bytes("bytes"))});
  record->acks[0].reply(json::array());
  record->acks[0].reply(json::array({"again"}));
  EXPECT_EQ(hear(),
            (strings{R"(461-/a,0[{"_placeholder":true,"num":0},"x"])", "b:bytes", "43/a,7[]"}));
  say(R"(2/a,8["q"])");
  close(engine::close_reason::transport_closed);
  record->acks[2].reply(json::array());
}

TEST_F(SocketConnection, WhatIsEmittedGoesOutInOrder) {
  open();
  const auto record = connect("/a");
  auto& socket = *record->socket;
  record->gather = [](net::GatherSink& sink) {
    sink.add(packet_frame({packet_type::event, 0, "/a", {}, R"(["ready"])"}));
  };
  socket.want_write();
  EXPECT_TRUE(socket.emit("one", json::array({1, "x"})));
  EXPECT_TRUE(socket.emit("two", json::array({placeholder(0), placeholder(1)}),
                          {base::shared_bytes::copy_of(base::as_bytes("abc")), {}}));
  EXPECT_TRUE(socket.emit("th\"ree", json::array()));
  EXPECT_EQ(hear(), (strings{R"(42/a,["one",1,"x"])",
                             R"(452-/a,["two",{"_placeholder":true,"num":0},)"
                             R"({"_placeholder":true,"num":1}])",
                             "b:abc", "b:", R"(42/a,["th\"ree"])", R"(42/a,["ready"])"}));
  EXPECT_FALSE(session.wants_write);
}

TEST_F(SocketConnection, APacketIsNotTornApart) {
  open();
  const auto record = connect();
  const auto bytes = base::shared_bytes::copy_of(base::as_bytes(std::string(100, 'x')));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(record->socket->emit("e", json::array({placeholder(0)}), {bytes}));
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(hear(1).size(), 2u);
  EXPECT_TRUE(hear(1).empty());
}

TEST_F(SocketConnection, SocketsThatDoNotFitAreAskedAgain) {
  open();
  const auto a = connect("/a");
  const auto b = connect("/b");
  for (const auto& record : {a, b}) {
    record->gather = [&record = *record](net::GatherSink& sink) {
      sink.add(packet_frame({packet_type::event, 0, record.socket->name_space(), {}, "[\"e\"]"}));
    };
    record->socket->want_write();
    record->socket->want_write();
  }
  EXPECT_EQ(hear(1), (strings{"42/a,[\"e\"]"}));
  EXPECT_EQ(hear(1), (strings{"42/b,[\"e\"]"}));
  EXPECT_TRUE(hear(1).empty());
}

TEST_F(SocketConnection, AClientAnswersOurEvents) {
  open();
  const auto record = connect();
  strings answers;
  const auto note = [&answers](base::result<Reply> reply) {
    if (!reply) return answers.push_back(reply.error().code.message());
    auto text = reply->arguments.dump();
    for (const auto& bytes : reply->attachments) text += "+" + std::string(base::as_text(bytes));
    answers.push_back(text);
  };
  EXPECT_TRUE(record->socket->emit("q", json::array({1}), {}, milliseconds(100), note));
  EXPECT_TRUE(record->socket->emit("q", json::array(), {}, milliseconds(100), note));
  EXPECT_TRUE(record->socket->emit("q", json::array(), {}, milliseconds(200), note));
  EXPECT_TRUE(record->socket->emit("q", json::array(), {}, milliseconds(300), note));
  EXPECT_EQ(hear(), (strings{R"(420["q",1])", R"(421["q"])", R"(422["q"])", R"(423["q"])"}));
  say(R"(61-1[{"_placeholder":true,"num":0}])");
  say_binary("bytes");
  say(R"(30["fine"])");
  say(R"(30["again"])");
  say(R"(39[])");
  EXPECT_EQ(answers, (strings{R"([{"_placeholder":true,"num":0}]+bytes)", R"(["fine"])"}));
  executor.advance(milliseconds(200));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2], make_error_code(errc::timed_out).message());
  say("32[]");
  close(engine::close_reason::transport_closed);
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[3], make_error_code(errc::disconnected).message());
  EXPECT_EQ(executor.timers(), 0u);
}

TEST_F(SocketConnection, ANamespaceIsLeft) {
  open();
  const auto main = connect();
  const auto custom = connect("/custom");
  say("1/custom,");
  EXPECT_EQ(custom->disconnected, disconnect_reason::client_left);
  EXPECT_FALSE(main->disconnected);
  say(R"(2["e"])");
  EXPECT_EQ(main->heard, (strings{"e[]"}));
  say("1");
  EXPECT_FALSE(session.closed) << "a client may connect again";
  connect();
}

TEST_F(SocketConnection, AServerLeavesANamespace) {
  open();
  const auto main = connect();
  const auto custom = connect("/custom");
  custom->socket->disconnect();
  EXPECT_FALSE(custom->disconnected) << "not inside the call";
  say(R"(2/custom,["the client does not know yet"])");
  EXPECT_FALSE(custom->socket->emit("e", json::array()));
  EXPECT_EQ(hear(), (strings{"41/custom,"}));
  executor.run();
  EXPECT_EQ(custom->disconnected, disconnect_reason::server_left);
  EXPECT_TRUE(custom->heard.empty());
  say(R"(2/custom,["nor now"])");
  say("1/custom,");
  EXPECT_FALSE(session.closed);
  const auto again = connect("/custom");
  say(R"(2/custom,["e"])");
  EXPECT_EQ(again->heard, (strings{"e[]"}));
}

TEST_F(SocketConnection, AServerLeavesAltogether) {
  open();
  const auto main = connect();
  const auto custom = connect("/custom");
  main->socket->close_connection();
  EXPECT_TRUE(session.closed);
  EXPECT_EQ(hear(), (strings{"41", "41/custom,"}));
  executor.run();
  close(engine::close_reason::server_closed);
  EXPECT_EQ(main->disconnected, disconnect_reason::server_left);
  EXPECT_EQ(custom->disconnected, disconnect_reason::server_left);
}

TEST_F(SocketConnection, AServerDropsAConnectionWithoutLeaving) {
  open();
  const auto main = connect();
  ASSERT_TRUE(main->socket->emit("last", json::array()));
  main->socket->drop_connection();
  EXPECT_TRUE(session.closed);
  EXPECT_EQ(hear(), (strings{R"(42["last"])"})) << "what was said before goes out";
  EXPECT_FALSE(main->disconnected);
  close(engine::close_reason::server_closed);
  EXPECT_EQ(main->disconnected, disconnect_reason::server_left);
}

TEST_F(SocketConnection, AnAcknowledgementThatNoEmitWaitsForGoesToTheHandler) {
  open();
  const auto record = connect();
  std::optional<json> answer;
  ASSERT_TRUE(record->socket->emit("question", json::array(), {}, milliseconds(10),
                                   [&](auto reply) { answer = reply->arguments; }));
  say(R"(37["own"])");
  say(R"(30["waited for"])");
  say(R"(30["late"])");
  EXPECT_EQ(answer, json::array({"waited for"}));
  EXPECT_EQ(record->heard, (strings{R"(reply 7["own"])", R"(reply 0["late"])"}));
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketConnection, AHandlerMayLeaveWhileItHears) {
  open();
  const auto record = connect();
  record->on_event = [&](const Event&) { record->socket->disconnect(); };
  say(R"(2["e"])");
  executor.run();
  EXPECT_EQ(record->disconnected, disconnect_reason::server_left);
}

TEST_F(SocketConnection, WhatIsOutOfPlaceEndsTheSession) {
  const strings wrong = {"abc", "2{}", R"(2abc["e"])",  R"(2/unknown,["e"])", "1/unknown,",
                         "0",   "4{}", "3/unknown,1[]", R"(51-["e"])",        "2[\"connect\"]"};
  for (const auto& text : wrong) {
    SCOPED_TRACE(text);
    session.closed = false;
    open();
    const auto record = connect();
    say(text);
    EXPECT_TRUE(session.closed);
    EXPECT_EQ(record->disconnected, disconnect_reason::invalid_packet);
    say(R"(2["e"])");
    EXPECT_TRUE(record->heard.empty());
    close(engine::close_reason::server_closed);
  }
}

TEST_F(SocketConnection, NothingIsHeardBeforeANamespaceIsAccepted) {
  open();
  say("0");
  say(R"(2["e"])");
  EXPECT_TRUE(session.closed);
}

TEST_F(SocketConnection, ABinaryMessageByItselfEndsTheSession) {
  open();
  connect();
  say_binary("x");
  EXPECT_TRUE(session.closed);
}

TEST_F(SocketConnection, NamespacesAreBounded) {
  options.namespaces_max = 2;
  open();
  connect("/1");
  connect("/2");
  say("0/3,");
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(hear(), (strings{R"(44/3,{"message":"Too many namespaces"})"}));
  say("1/1,");
  connect("/3");
}

TEST_F(SocketConnection, AClientThatDoesNotReadIsNotRead) {
  options.output_bytes_max = 100;
  open();
  const auto record = connect();
  EXPECT_TRUE(record->socket->emit("e", json::array({std::string(200, 'x')})));
  EXPECT_TRUE(session.paused);
  const auto refused = record->socket->emit("e", json::array());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  EXPECT_EQ(hear().size(), 1u);
  EXPECT_FALSE(session.paused);
  EXPECT_TRUE(record->socket->emit("e", json::array()));
}

TEST_F(SocketConnection, EventsThatWaitForAnAnswerAreBounded) {
  options.acks_pending_max = 2;
  open();
  const auto record = connect();
  const auto ask = [&] {
    return record->socket->emit("q", json::array(), {}, milliseconds(10),
                                [](base::result<Reply>) {});
  };
  EXPECT_TRUE(ask());
  EXPECT_TRUE(ask());
  const auto refused = ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  executor.advance(milliseconds(10));
  EXPECT_TRUE(ask());
}

TEST_F(SocketConnection, ReadingGoesOnWhenEverybodyWantsTo) {
  open();
  const auto a = connect("/a");
  const auto b = connect("/b");
  a->socket->pause_reading();
  a->socket->pause_reading();
  b->socket->pause_reading();
  a->socket->resume_reading();
  EXPECT_TRUE(session.paused);
  // One that goes while it pauses holds up nobody.
  b->socket->disconnect();
  executor.run();
  EXPECT_FALSE(session.paused);
}

}  // namespace
}  // namespace weft::gateway::socketio::protocol
