// A session goes over from polling to a WebSocket.

#include <gtest/gtest.h>

#include "gateway/socketio/engine_fixture.h"
#include "weft/base/random.h"

namespace weft::gateway::socketio::engine {
namespace {

using strings = std::vector<std::string>;
using EngineUpgrade = testing::EngineFixture;
using testing::milliseconds;

TEST_F(EngineUpgrade, AProbeLetsTheWaitingPollGo) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  const auto wire = offer_socket(session);
  EXPECT_EQ(waiting->status, 0u);
  wire->say("2probe");
  executor.run();
  EXPECT_EQ(wire->hear(), (strings{"3probe"}));
  EXPECT_EQ(waiting->body, "6");
  EXPECT_EQ(poll(*session)->body, "6") << "one that comes meanwhile";
  wire->say("5");
  wire->say("4hello");
  EXPECT_EQ(record->heard, (strings{"hello"}));
  record->say("back");
  EXPECT_EQ(wire->hear(), (strings{"4back"}));
}

TEST_F(EngineUpgrade, WhatWaitsGoesToThePollBeforeTheUpgradeAndToTheSocketBehindIt) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  record->say("early");
  wire->say("2probe");
  EXPECT_EQ(wire->hear(), (strings{"3probe"})) << "the socket carries nothing yet";
  EXPECT_EQ(poll(*session)->body, "4early");
  record->say("late");
  wire->say("5");
  EXPECT_EQ(wire->hear(), (strings{"4late"}));
}

TEST_F(EngineUpgrade, APollThatStillWaitsIsLetGo) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  const auto wire = offer_socket(session);
  wire->say("5");
  executor.run();
  EXPECT_EQ(waiting->body, "6");
  record->say("x");
  EXPECT_EQ(wire->hear(), (strings{"4x"}));
}

TEST_F(EngineUpgrade, RequestsBesideTheSocketAreRefused) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  wire->say("2probe");
  wire->say("5");
  const auto refused = R"({"code":3,"message":"Bad request"})";
  EXPECT_EQ(poll(*session)->body, refused);
  EXPECT_EQ(post(*session, "4x")->body, refused);
  const auto second = offer_socket(session);
  EXPECT_TRUE(second->closed);
  second->say("4x");
  EXPECT_TRUE(record->heard.empty());
  EXPECT_FALSE(record->closed);
}

TEST_F(EngineUpgrade, OneSocketAtATimeMayAsk) {
  const auto session = open_polling();
  const auto first = offer_socket(session);
  const auto second = offer_socket(session);
  EXPECT_FALSE(first->closed);
  EXPECT_TRUE(second->closed);
  first->end();
  const auto third = offer_socket(session);
  EXPECT_FALSE(third->closed);
}

TEST_F(EngineUpgrade, ASocketThatDoesNotProbeIsClosedAndTheSessionGoesOn) {
  const auto session = open_polling();
  for (const char* wrong : {"4hello", "2", "2prob", "3probe", "abc", ""}) {
    const auto wire = offer_socket(session);
    wire->say(wrong);
    EXPECT_TRUE(wire->closed) << wrong;
  }
  const auto binary = offer_socket(session);
  binary->say_binary("2probe");
  EXPECT_TRUE(binary->closed);
  EXPECT_TRUE(record->heard.empty());
  EXPECT_EQ(post(*session, "4still here")->body, "ok");
  EXPECT_EQ(record->heard, (strings{"still here"}));
}

TEST_F(EngineUpgrade, AnUpgradeHasItsTime) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  wire->say("2probe");
  executor.advance(options.upgrade_timeout - milliseconds(1));
  EXPECT_FALSE(wire->closed);
  executor.advance(std::chrono::seconds(1) + milliseconds(1));
  EXPECT_TRUE(wire->closed);
  EXPECT_FALSE(record->closed);
  EXPECT_EQ(poll(*session)->status, 0u) << "polls wait again";
}

TEST_F(EngineUpgrade, ASocketThatGoesBeforeItTookOverTakesNothingAlong) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  wire->say("2probe");
  wire->end();
  record->say("kept");
  EXPECT_EQ(poll(*session)->body, "4kept");
}

TEST_F(EngineUpgrade, APingIsNotLostOnTheWay) {
  const auto session = open_polling();
  executor.advance(options.ping_interval + std::chrono::seconds(1));
  const auto wire = offer_socket(session);
  wire->say("2probe");
  wire->say("5");
  EXPECT_EQ(wire->hear(), (strings{"3probe", "2"}));
  wire->say("3");
  executor.advance(options.ping_timeout);
  EXPECT_FALSE(record->closed);
}

TEST_F(EngineUpgrade, APingOfThePollIsAnsweredByTheSocket) {
  const auto session = open_polling();
  const auto waiting = poll(*session);
  executor.advance(options.ping_interval + std::chrono::seconds(1));
  EXPECT_EQ(waiting->body, "2");
  const auto wire = offer_socket(session);
  wire->say("2probe");
  wire->say("5");
  wire->say("3");
  executor.advance(options.ping_timeout + std::chrono::seconds(2));
  EXPECT_FALSE(record->closed);
}

TEST_F(EngineUpgrade, APauseHoldsTheSocketToo) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  session->pause_reading();
  wire->say("2probe");
  EXPECT_FALSE(wire->paused) << "a probe is no message";
  wire->say("5");
  EXPECT_TRUE(wire->paused);
  session->resume_reading();
  EXPECT_FALSE(wire->paused);
}

TEST_F(EngineUpgrade, WhatAPostBroughtGoesBeforeWhatTheSocketBrings) {
  const auto session = open_polling();
  record->pause_after = 1;
  const auto answer = post(*session,
                           "41\x1e"
                           "42");
  const auto wire = offer_socket(session);
  wire->say("5");
  EXPECT_TRUE(wire->paused);
  session->resume_reading();
  EXPECT_TRUE(wire->paused) << "until the POST has been taken";
  executor.run();
  EXPECT_FALSE(wire->paused);
  wire->say("43");
  EXPECT_EQ(record->heard, (strings{"1", "2", "3"}));
  EXPECT_EQ(answer->body, "ok");
}

TEST_F(EngineUpgrade, ASessionThatClosesClosesTheSocketThatAsks) {
  const auto session = open_polling();
  const auto wire = offer_socket(session);
  session->close();
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(poll(*session)->body, "1");
}

/// Both sides talk all the time, the client goes over at a random moment: each hears everything
/// that the other said, in order.
TEST_F(EngineUpgrade, NothingIsLostOrReordered) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::random random(seed);
    options.poll_bytes_max = 8 + random.below(100);
    record = std::make_shared<testing::Recorder::Record>();
    const auto session = open_polling();
    std::unique_ptr<testing::Wire> wire;
    std::shared_ptr<testing::Answer> waiting;
    strings to_client, to_server, client_heard;
    bool probed = false, answered = false, upgraded = false;
    const auto hear = [&](const std::string& packet) {
      if (packet[0] == '4') client_heard.push_back(packet.substr(1));
      if (packet == "3probe") answered = true;
    };
    const auto take_poll = [&] {
      if (!waiting || waiting->status == 0) return;
      std::string_view rest = waiting->body;
      for (;;) {
        const auto end = std::min(rest.find('\x1e'), rest.size());
        hear(std::string(rest.substr(0, end)));
        if (end == rest.size()) break;
        rest.remove_prefix(end + 1);
      }
      waiting.reset();
    };
    const auto step = [&] {
      switch (random.below(6)) {
        case 0:
          to_client.push_back("s" + std::to_string(to_client.size()));
          record->say(to_client.back());
          break;
        case 1: {
          const auto message = "c" + std::to_string(to_server.size());
          to_server.push_back(message);
          if (upgraded) {
            wire->say("4" + message);
          } else {
            EXPECT_EQ(post(*session, "4" + message)->body, "ok");
          }
          break;
        }
        case 2:
          executor.run();
          take_poll();
          break;
        case 3:
          // Once the probe is answered, the client polls no more.
          if (!waiting && !answered && !upgraded) waiting = poll(*session);
          break;
        case 4:
          if (wire) {
            for (const auto& packet : wire->hear(1 + random.below(40))) hear(packet);
          }
          break;
        default:
          if (!wire) {
            wire = offer_socket(session);
          } else if (!probed) {
            wire->say("2probe");
            probed = true;
          } else if (answered && !waiting && !upgraded) {
            wire->say("5");
            upgraded = true;
          }
      }
    };
    for (int i = 0; i < 300; ++i) step();
    while (!upgraded) step();
    executor.run();
    while (wire->wants_write) {
      for (const auto& packet : wire->hear()) hear(packet);
    }
    EXPECT_EQ(client_heard, to_client);
    EXPECT_EQ(record->heard, to_server);
    wire->end();
  }
}

}  // namespace
}  // namespace weft::gateway::socketio::engine
