// One session over transports in memory, with a clock that the tests move.

#include <gtest/gtest.h>

#include "gateway/socketio/engine_fixture.h"

namespace weft::gateway::socketio::engine {
namespace {

using strings = std::vector<std::string>;
using EngineSessions = testing::EngineFixture;
using testing::milliseconds;

TEST_F(EngineSessions, TheHandshakeTellsTheClientWhatItNeedsToKnow) {
  const auto session = add(record);
  const auto answer = std::make_shared<testing::Answer>();
  session->open(exchange(answer));
  executor.run();
  EXPECT_EQ(answer->body, R"(0{"sid":"session-1","upgrades":["websocket"],"pingInterval":25000,)"
                          R"("pingTimeout":20000,"maxPayload":1000000})");
  record = std::make_shared<testing::Recorder::Record>();
  EXPECT_EQ(open_socket()->hear(),
            (strings{R"(0{"sid":"session-2","upgrades":[],"pingInterval":25000,)"
                     R"("pingTimeout":20000,"maxPayload":1000000})"}));
}

TEST_F(EngineSessions, NoUpgradeIsOfferedWhereThereIsNoWebSocket) {
  options.websocket = false;
  const auto session = add(record);
  const auto answer = std::make_shared<testing::Answer>();
  session->open(exchange(answer));
  executor.run();
  EXPECT_NE(answer->body.find(R"("upgrades":[])"), std::string::npos) << answer->body;
}

TEST_F(EngineSessions, APollWaitsForSomethingToSay) {
  const auto session = open_polling();
  const auto answer = poll(*session);
  EXPECT_EQ(answer->status, 0u);
  record->say("one");
  record->say("two");
  EXPECT_EQ(answer->status, 0u) << "before the turn's end";
  executor.run();
  EXPECT_EQ(answer->body,
            "4one\x1e"
            "4two");
  EXPECT_EQ(record->gathers, 1u);
}

TEST_F(EngineSessions, NothingIsTakenFromTheHandlerWhileNobodyPolls) {
  const auto session = open_polling();
  record->say("one");
  executor.run();
  EXPECT_EQ(record->gathers, 0u);
  EXPECT_EQ(poll(*session)->body, "4one");
}

TEST_F(EngineSessions, APollBringsAboutAsMuchAsItMay) {
  options.poll_bytes_max = 1000;
  const auto session = open_polling();
  for (int i = 0; i < 10; ++i) record->say(std::string(400, 'x'));
  // The third begins below the bound and is sent whole.
  EXPECT_EQ(poll(*session)->body.size(), 3 * 401u + 2);
  EXPECT_EQ(record->waiting.size(), 7u);
  std::size_t polls = 1;
  while (!record->waiting.empty()) {
    EXPECT_NE(poll(*session)->body, "");
    ++polls;
  }
  EXPECT_EQ(polls, 4u);
}

TEST_F(EngineSessions, APostBringsMessages) {
  const auto session = open_polling();
  const auto answer = post(*session,
                           "4one\x1e"
                           "4two\x1e"
                           "bAQID");
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(record->heard, (strings{"one", "two", "b:\x01\x02\x03"}));
}

TEST_F(EngineSessions, APostIsAnsweredWhenItsMessagesHaveBeenTaken) {
  const auto session = open_polling();
  record->pause_after = 2;
  const auto answer = post(*session,
                           "41\x1e"
                           "42\x1e"
                           "43");
  EXPECT_EQ(record->heard, (strings{"1", "2"}));
  EXPECT_EQ(answer->status, 0u);
  session->resume_reading();
  EXPECT_EQ(record->heard.size(), 2u) << "not inside the call";
  executor.run();
  EXPECT_EQ(record->heard, (strings{"1", "2", "3"}));
  EXPECT_EQ(answer->body, "ok");
}

TEST_F(EngineSessions, TheMessagesOfOnePostLeaveOthersTheirTurn) {
  const auto session = open_polling();
  std::string body = "40";
  strings expected{"0"};
  for (int i = 1; i < 1000; ++i) {
    body +=
        "\x1e"
        "4" +
        std::to_string(i);
    expected.push_back(std::to_string(i));
  }
  std::size_t heard_before_the_other = 0;
  executor.tick = std::chrono::microseconds(10);
  executor.post([&] { heard_before_the_other = record->heard.size(); });
  EXPECT_EQ(post(*session, body)->body, "ok");
  EXPECT_GT(heard_before_the_other, 0u);
  EXPECT_LT(heard_before_the_other, 100u);
  EXPECT_EQ(record->heard, expected);
}

TEST_F(EngineSessions, GarbageEndsTheSession) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  EXPECT_EQ(post(*session,
                 "4fine\x1e"
                 "abc")
                ->status,
            400u);
  executor.run();
  EXPECT_EQ(record->heard, (strings{"fine"}));
  EXPECT_EQ(record->closed, close_reason::parse_error);
  EXPECT_EQ(waiting->body, "1");
  EXPECT_FALSE(table().find(session->id()));
}

TEST_F(EngineSessions, ASecondPollEndsTheSession) {
  const auto session = open_polling();
  const auto first = poll(*session);
  const auto second = poll(*session);
  EXPECT_EQ(first->body, "1");
  EXPECT_EQ(second->status, 400u);
  EXPECT_EQ(record->closed, close_reason::transport_error);
}

TEST_F(EngineSessions, ASecondPostEndsTheSession) {
  const auto session = open_polling();
  record->pause_after = 1;
  const auto first = post(*session,
                          "41\x1e"
                          "42");
  const auto second = post(*session, "43");
  EXPECT_EQ(first->status, 400u);
  EXPECT_EQ(second->status, 400u);
  EXPECT_EQ(record->closed, close_reason::transport_error);
  EXPECT_EQ(record->heard, (strings{"1"}));
}

TEST_F(EngineSessions, APostOfOctetsIsNoneOfThisProtocol) {
  const auto session = open_polling();
  EXPECT_EQ(post(*session, "4a", true)->status, 400u);
  EXPECT_EQ(record->closed, close_reason::transport_error);
}

TEST_F(EngineSessions, PayloadsAreBounded) {
  options.payload_bytes_max = 10;
  options.payload_packets_max = 2;
  const auto session = open_polling();
  EXPECT_EQ(post(*session, "4" + std::string(9, 'x'))->status, 200u);
  EXPECT_EQ(post(*session, "4" + std::string(10, 'x'))->status, 413u);
  EXPECT_FALSE(record->closed);
  EXPECT_EQ(post(*session,
                 "4\x1e"
                 "4\x1e"
                 "4")
                ->status,
            400u);
  EXPECT_EQ(record->closed, close_reason::parse_error);
}

TEST_F(EngineSessions, ALongMessageEndsASocket) {
  options.payload_bytes_max = 10;
  const auto wire = open_socket();
  wire->say("4" + std::string(9, 'x'));
  EXPECT_EQ(record->heard.size(), 1u);
  wire->say_binary(std::string(11, 'x'));
  EXPECT_EQ(record->heard.size(), 1u);
  EXPECT_EQ(wire->closed, net::close_code::too_big);
  EXPECT_EQ(record->closed, close_reason::transport_error);
}

TEST_F(EngineSessions, AClientThatPollsIsPingedAndAnswers) {
  const auto session = open_polling();
  for (int i = 0; i < 3; ++i) {
    const auto waiting = poll(*session);
    executor.advance(options.ping_interval - milliseconds(1));
    EXPECT_EQ(waiting->status, 0u);
    executor.advance(std::chrono::seconds(1));
    EXPECT_EQ(waiting->body, "2");
    EXPECT_EQ(post(*session, "3")->body, "ok");
  }
  EXPECT_FALSE(record->closed);
}

TEST_F(EngineSessions, AClientThatDoesNotPollIsGone) {
  const auto session = open_polling();
  executor.advance(options.ping_interval + options.ping_timeout - milliseconds(1));
  EXPECT_FALSE(record->closed);
  executor.advance(std::chrono::seconds(1) + milliseconds(1));
  EXPECT_EQ(record->closed, close_reason::ping_timeout);
  EXPECT_EQ(executor.timers(), 0u) << "an empty table has no timer";
}

TEST_F(EngineSessions, ARequestThatComesTooLateFindsNoSession) {
  // To the millisecond, though sessions are looked at less often.
  const auto session = open_polling();
  executor.advance(options.ping_interval + options.ping_timeout);
  EXPECT_EQ(poll(*session)->body, R"({"code":1,"message":"Session ID unknown"})");
  EXPECT_EQ(record->closed, close_reason::ping_timeout);
}

TEST_F(EngineSessions, ASocketThatDoesNotAnswerIsClosed) {
  const auto wire = open_socket();
  EXPECT_EQ(wire->hear().size(), 1u);
  executor.advance(options.ping_interval + std::chrono::seconds(1));
  EXPECT_EQ(wire->hear(), (strings{"2"}));
  executor.advance(options.ping_timeout - std::chrono::seconds(1));
  EXPECT_FALSE(wire->closed);
  executor.advance(std::chrono::seconds(2));
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(record->closed, close_reason::ping_timeout);
}

TEST_F(EngineSessions, ASocketThatAnswersStays) {
  const auto wire = open_socket();
  wire->hear();
  for (int i = 0; i < 3; ++i) {
    executor.advance(options.ping_interval + std::chrono::seconds(1));
    EXPECT_EQ(wire->hear(), (strings{"2"}));
    wire->say("3");
  }
  EXPECT_FALSE(wire->closed);
}

TEST_F(EngineSessions, ASocketThatIsFullIsSlowAndNotDead) {
  const auto wire = open_socket();
  wire->hear();
  // The ping has not gone out: nobody can have answered it.
  executor.advance(10 * (options.ping_interval + options.ping_timeout));
  EXPECT_FALSE(record->closed);
  EXPECT_EQ(wire->hear(), (strings{"2"}));
  executor.advance(options.ping_timeout + std::chrono::seconds(1));
  EXPECT_EQ(record->closed, close_reason::ping_timeout);
}

TEST_F(EngineSessions, AClientThatIsNotReadIsNotHeldToItsHeartbeat) {
  const auto session = open_polling();
  session->pause_reading();
  executor.advance(10 * (options.ping_interval + options.ping_timeout));
  EXPECT_FALSE(record->closed);
  session->resume_reading();
  executor.advance(options.ping_timeout + std::chrono::seconds(1));
  EXPECT_EQ(record->closed, close_reason::ping_timeout);
}

TEST_F(EngineSessions, APingOfTheClientIsTheWrongDirection) {
  const auto session = open_polling();
  EXPECT_EQ(post(*session, "2")->status, 400u);
  EXPECT_EQ(record->closed, close_reason::transport_error);
}

TEST_F(EngineSessions, AClientMayCloseWhileItPolls) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  EXPECT_EQ(post(*session,
                 "4bye\x1e"
                 "1\x1e"
                 "4no")
                ->body,
            "ok");
  EXPECT_EQ(waiting->body, "6");
  EXPECT_EQ(record->heard, (strings{"bye"}));
  EXPECT_EQ(record->closed, close_reason::client_closed);
  EXPECT_EQ(poll(*session)->status, 400u);
}

TEST_F(EngineSessions, AClientMayCloseItsSocket) {
  const auto wire = open_socket();
  wire->say("1");
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(record->closed, close_reason::client_closed);
}

TEST_F(EngineSessions, ASocketThatIsGoneEndsItsSession) {
  const auto wire = open_socket();
  wire->end();
  EXPECT_EQ(record->closed, close_reason::transport_closed);
}

TEST_F(EngineSessions, AClientThatGivesUpItsPollIsGone) {
  const auto session = open_polling();
  auto waiting = poll(*session);
  waiting.reset();
  record->say("for whom");
  executor.run();
  EXPECT_EQ(record->gathers, 0u) << "nothing is given to nobody";
  EXPECT_EQ(record->closed, close_reason::transport_closed);
}

TEST_F(EngineSessions, AClientThatGaveUpItsPollIsNoticedSoon) {
  const auto session = open_polling();
  poll(*session).reset();
  executor.advance(std::chrono::seconds(1));
  EXPECT_EQ(record->closed, close_reason::transport_closed);
}

TEST_F(EngineSessions, TheServerClosesAfterWhatItHadToSay) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  record->say("last");
  session->close();
  session->close();
  EXPECT_FALSE(record->closed) << "not inside the call";
  executor.run();
  EXPECT_EQ(waiting->body,
            "4last\x1e"
            "1");
  EXPECT_EQ(record->closed, close_reason::server_closed);
}

TEST_F(EngineSessions, TheNextPollIsToldOfTheClose) {
  const auto session = open_polling();
  record->say("last");
  session->close();
  EXPECT_EQ(post(*session, "4ignored")->body, "ok");
  EXPECT_TRUE(record->heard.empty());
  EXPECT_EQ(poll(*session)->body,
            "4last\x1e"
            "1");
  EXPECT_EQ(record->closed, close_reason::server_closed);
}

TEST_F(EngineSessions, AClientThatIsNeverToldOfTheCloseIsForgotten) {
  const auto session = open_polling();
  session->close();
  executor.advance(options.close_timeout + std::chrono::seconds(1));
  EXPECT_EQ(record->closed, close_reason::server_closed);
  EXPECT_EQ(slots->taken(), 1u) << "only this test holds it";
}

TEST_F(EngineSessions, AHandlerMayCloseInTheMiddleOfAPost) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  record->close_after = 1;
  EXPECT_EQ(post(*session,
                 "41\x1e"
                 "42")
                ->body,
            "ok");
  EXPECT_EQ(record->heard, (strings{"1"}));
  EXPECT_EQ(waiting->body, "1");
}

TEST_F(EngineSessions, AServerThatGoesDownTellsWhoCanBeTold) {
  const auto polls = open_polling();
  const auto waiting = poll(*polls);
  auto idle = std::make_shared<testing::Recorder::Record>();
  auto on_socket = std::make_shared<testing::Recorder::Record>();
  const auto first = std::exchange(record, idle);
  const auto silent = open_polling();
  record = on_socket;
  const auto wire = open_socket();
  table().shut_down();
  executor.run();
  EXPECT_EQ(waiting->body, "1");
  EXPECT_EQ(first->closed, close_reason::shutting_down);
  EXPECT_EQ(idle->closed, close_reason::shutting_down);
  EXPECT_EQ(wire->closed, net::close_code::going_away);
  wire->end();
  EXPECT_EQ(on_socket->closed, close_reason::shutting_down);
}

}  // namespace
}  // namespace weft::gateway::socketio::engine
