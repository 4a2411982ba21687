// Live events: every edit once, in order, from any version on.

#include <sys/socket.h>

#include "gateway/http/http_fixture.h"

namespace weft::gateway::http {
namespace {

using testing::Event;
using testing::EventClient;
using testing::insert_update;

class HttpEvents : public testing::HttpFixture {
 protected:
  EventClient listen(const std::string& query = {}, const std::string& headers = {}) {
    return EventClient(server->port(), doc + "/events" + query, headers);
  }
  std::string version(const std::string& number) const {
    return number + "@" + log_name(log->topic_id());
  }

  /// The next events must be the edits [from, to) of client 1 at versions of the same number.
  void expect_edits(EventClient& client, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) {
      const Event event = client.next();
      ASSERT_EQ(event.type, "update");
      ASSERT_EQ(event.id, version(std::to_string(i)));
      ASSERT_EQ(event.data["version"], i);
      ASSERT_EQ(event.data["update"], to_base64(insert_update(1, i)));
    }
  }
};

TEST_F(HttpEvents, EachDurableEditIsAnEvent) {
  start();
  type(0, 1);
  auto client = listen();
  EXPECT_NE(client.head.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  const Event begin = client.next();
  EXPECT_EQ(begin.type, "start");
  EXPECT_EQ(begin.id, version("0"));
  EXPECT_EQ(begin.data["version"], 0);
  ASSERT_EQ(ask("POST", doc + "/updates?sender=ada", {}, insert_update(1, 1)).status, 201u);
  const Event edit = client.next();
  EXPECT_EQ(edit.type, "update");
  EXPECT_EQ(edit.id, version("1"));
  EXPECT_EQ(edit.data["senderId"], "ada");
  EXPECT_EQ(edit.data["identity"], "");
  EXPECT_GT(edit.data["timestamp"], 1'600'000'000'000);
  EXPECT_EQ(edit.data["update"], to_base64(insert_update(1, 1)));
  type(2, 3);
  expect_edits(client, 2, 5);
}

TEST_F(HttpEvents, AReaderThatComesBackMissesNothingAndHearsNothingTwice) {
  start();
  type(0, 6);
  auto by_query = listen("?since=2");
  EXPECT_EQ(by_query.next().id, version("2"));
  expect_edits(by_query, 3, 6);
  auto by_header = listen("?since=0", "Last-Event-ID: " + version("4") + "\r\n");
  EXPECT_EQ(by_header.next().id, version("4"));
  expect_edits(by_header, 5, 6);
  type(6, 2);
  expect_edits(by_query, 6, 8);
  expect_edits(by_header, 6, 8);
  // The log remembers what the process has forgotten.
  restart();
  auto later = listen("?since=" + version("5"));
  EXPECT_EQ(later.next().type, "start");
  expect_edits(later, 6, 8);
}

TEST_F(HttpEvents, WhoSawADocumentWithoutARecordHearsItFromTheStart) {
  start();
  auto early = listen();
  const Event begin = early.next();
  EXPECT_EQ(begin.id, version("none"));
  EXPECT_EQ(begin.data["version"], nullptr);
  type(0, 2);
  expect_edits(early, 0, 2);
  auto again = listen({}, "Last-Event-ID: " + begin.id + "\r\n");
  EXPECT_EQ(again.next().type, "start");
  expect_edits(again, 0, 2);
}

TEST_F(HttpEvents, AVersionThatLeadsNowhereIsAReset) {
  start();
  type(0, 3);
  const std::pair<std::string, std::string> cases[] = {
      {"3", "ahead"}, {"1@0000000000000001", "other-log"}, {"none@0000000000000001", "other-log"}};
  std::uint64_t clock = 3;
  for (const auto& [since, reason] : cases) {
    auto client = listen("?since=" + since);
    const Event reset = client.next();
    EXPECT_EQ(reset.type, "reset") << since;
    EXPECT_EQ(reset.data["reason"], reason) << since;
    EXPECT_EQ(reset.data["version"], clock - 1) << since;
    type(clock, 1);
    expect_edits(client, clock, clock + 1);
    ++clock;
    // The next "ahead" must be ahead still.
    if (since == "3") type(clock++, 1);
  }
  for (const char* since : {"x", "", "none@", "none@x", "none"}) {
    EXPECT_EQ(get(doc + "/events?since=" + since).problem(), "bad-parameter") << since;
    // What goes before it makes it no better.
    EXPECT_EQ(get(doc + "/events?since=" + since, "Last-Event-ID: 1\r\n").problem(),
              "bad-parameter");
  }
  EXPECT_EQ(get(doc + "/events", "Last-Event-ID: x\r\n").problem(), "bad-parameter");
  EXPECT_EQ(listen({}, "Last-Event-ID:\r\n").next().type, "start");
  EXPECT_EQ(get(doc + "/events", "Accept: application/json\r\n").problem(), "not-acceptable");
}

TEST_F(HttpEvents, ASlowReaderIsACursorAndGetsEverythingInTheEnd) {
  http_options.event_ring_bytes_max = 4096;
  start();
  EventClient slow(server->port(), doc + "/events?since=none@" + log_name(log->topic_id()), {},
                   4096);
  EXPECT_EQ(slow.next().type, "start");
  auto quick = listen();
  EXPECT_EQ(quick.next().type, "start");
  // Large edits, so that the sockets of the slow one fill up: 60 of 100 KB.
  std::vector<base::byte_vector> updates;
  for (std::uint64_t i = 0; i < 60; ++i) {
    auto update = insert_update(1, i * 100'000);
    update.pop_back();                             // no deletions
    update.erase(update.end() - 2, update.end());  // the text's length and its character
    const std::string text(100'000, 'x');
    update.insert(update.end(), {0xa0, 0x8d, 0x06});
    update.insert(update.end(), text.begin(), text.end());
    update.push_back(0);
    updates.push_back(update);
    ASSERT_EQ(publish(update).status, 201u);
    EXPECT_EQ(quick.next().data["version"], i);
  }
  EXPECT_EQ(gateway->event_streams(), 2u);
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Event event = slow.next();
    ASSERT_EQ(event.data["version"], i);
    ASSERT_EQ(event.data["update"], to_base64(updates[i]));
  }
}

TEST_F(HttpEvents, SilentStreamsSaySoAndGoneReadersAreForgotten) {
  http_options.event_keepalive = std::chrono::milliseconds(20);
  start();
  {
    auto client = listen();
    EXPECT_EQ(client.next().type, "start");
    ASSERT_TRUE(net::testing::eventually([&] { return server->counts().bytes_out > 400; }));
    type(0, 1);
    expect_edits(client, 0, 1);
    EXPECT_GE(client.comments, 1);
    EXPECT_EQ(gateway->event_streams(), 1u);
  }
  EXPECT_TRUE(net::testing::eventually([&] { return gateway->event_streams() == 0; }));
}

TEST_F(HttpEvents, ADrainEndsStreamsWithAWordAndAnOrderlyEnd) {
  start();
  type(0, 1);
  auto client = listen("?since=0");
  EXPECT_EQ(client.next().type, "start");
  type(1, 1);
  drain();
  expect_edits(client, 1, 2);
  const Event end = client.next();
  EXPECT_EQ(end.type, "end");
  EXPECT_EQ(end.data["type"], "urn:weft:problem:draining");
  EXPECT_EQ(client.next().type, "");
}

TEST_F(HttpEvents, MoreStreamsThanConfiguredAreToldToComeBack) {
  http_options.event_streams_max = 1;
  start();
  auto client = listen();
  EXPECT_EQ(client.next().type, "start");
  EXPECT_EQ(get(doc + "/events").problem(), "unavailable");
}

TEST_F(HttpEvents, AHeadRequestOpensNoStream) {
  start();
  EXPECT_EQ(ask("HEAD", doc + "/events").status, 200u);
  EXPECT_TRUE(net::testing::eventually([&] { return gateway->event_streams() == 0; }));
}

}  // namespace
}  // namespace weft::gateway::http
