// Presence of clients that speak HTTP alone.

#include "gateway/http/http_fixture.h"
#include "support/spelled_authorizer.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::gateway::http {
namespace {

using testing::Event;
using testing::EventClient;
using testing::Reply;

/// That client 7 is there, or with "null" is not, at this clock.
base::byte_vector update_of(std::uint64_t clock, std::string_view state) {
  const yjs::AwarenessEntry entry{7, clock, state};
  return yjs::encode_awareness_update({&entry, 1});
}

/// Of so many bytes.
std::string state_of(std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; }

std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }

class HttpPresence : public testing::HttpFixture {
 protected:
  void TearDown() override { stop(); }  // before the authorizer goes

  void authorize() { authorizer = &spelled_; }

  EventClient listen(const std::string& query = "?awareness=1") {
    return EventClient(server->port(), doc + "/events" + query);
  }
  EventClient listen_as(const std::string& token) { return listen("?awareness=1&token=" + token); }
  Reply show(const std::string& stream, const base::byte_vector& update,
             const std::string& headers = {}) {
    return ask("POST", doc + "/awareness?stream=" + stream, headers, update);
  }
  std::future<Reply> show_later(const std::string& stream, const base::byte_vector& update) {
    return std::async(std::launch::async, [=, this] { return show(stream, update); });
  }
  static bool is_there(const std::future<Reply>& reply) {
    return reply.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  /// Of two that are shown while the document is loading, the one that waits; the other may not.
  std::future<Reply> show_and_wait(const std::string& stream) {
    auto one = show_later(stream, update_of(1, "{}"));
    auto other = show_later(stream, update_of(1, "{}"));
    EXPECT_TRUE(net::testing::eventually([&] { return is_there(one) || is_there(other); }));
    if (is_there(one)) std::swap(one, other);
    EXPECT_EQ(other.get().problem(), "unavailable");
    return one;
  }
  static std::string stream_of(EventClient& client) {
    return client.next().data.value("stream", "");
  }
  /// The next presence that somebody is told of.
  static std::string seen_by(EventClient& client) {
    for (;;) {
      const Event event = client.next();
      if (event.type.empty()) return "(the stream ended)";
      if (event.type != "awareness") continue;
      const auto bytes = from_base64(event.data["update"].get<std::string>()).value();
      const auto entries = yjs::decode_awareness(bytes).value();
      if (!entries.empty()) return std::string(entries[0].state);
    }
  }
  /// What the document's hub has for a live document, asked where it lives.
  template <class What>
  auto at_home(What what) {
    hub::Hub& hub = hub_set->at(id);
    std::promise<decltype(what(hub))> out;
    hub.executor().post([&] { out.set_value(what(hub)); });
    return out.get_future().get();
  }
  std::size_t sessions() {
    return at_home([this](hub::Hub& hub) {
      const auto status = hub.status(id);
      return status ? status->sessions : 0;
    });
  }

 private:
  weft::testing::SpelledAuthorizer spelled_;
};

TEST_F(HttpPresence, IsSeenByOthersUntilItsStreamEnds) {
  start();
  auto watcher = listen();
  ASSERT_NE(stream_of(watcher), "");
  {
    auto shown = listen();
    const auto reply = show(stream_of(shown), update_of(1, "{}"));
    EXPECT_EQ(reply.status, 204u) << reply.body;
    EXPECT_EQ(reply.body, "");
    EXPECT_EQ(seen_by(watcher), "{}");
    // Who comes later is told of those who are there.
    auto late = listen();
    EXPECT_EQ(seen_by(late), "{}");
  }
  EXPECT_EQ(seen_by(watcher), "null");
}

TEST_F(HttpPresence, OneWaitsWhileTheDocumentIsLoading) {
  start();
  store->hold_loads();
  auto watcher = listen();
  auto shown = listen();
  auto waits = show_and_wait(stream_of(shown));
  EXPECT_FALSE(is_there(waits));
  store->release_loads();
  EXPECT_EQ(waits.get().status, 204u);
  EXPECT_EQ(seen_by(watcher), "{}");
}

TEST_F(HttpPresence, WhoWaitsIsToldWhenNothingComesOfIt) {
  start();
  store->hold_loads();
  auto shown = listen();
  auto waits = show_and_wait(stream_of(shown));
  store->load_fails = store::errc::unavailable;
  store->release_loads();
  EXPECT_EQ(waits.get().problem(), "unavailable");
  EXPECT_EQ(shown.next().type, "end");
}

TEST_F(HttpPresence, WhoWaitsIsToldThatTheStreamHasEnded) {
  start();
  store->hold_loads();
  std::future<Reply> waits;
  {
    auto shown = listen();
    waits = show_and_wait(stream_of(shown));
  }
  const auto reply = waits.get();
  EXPECT_EQ(reply.problem(), "unavailable");
  EXPECT_NE(reply.body.find("the event stream has ended"), std::string::npos) << reply.body;
  store->release_loads();
}

TEST_F(HttpPresence, EditsComeOnceBesideIt) {
  start();
  auto watcher = listen();
  ASSERT_NE(stream_of(watcher), "");
  type(0, 3);
  for (const std::uint64_t clock : {0, 1, 2}) {
    const Event event = watcher.next();
    EXPECT_EQ(event.type, "update");
    EXPECT_EQ(event.data["version"], clock);
  }
  auto shown = listen();
  const auto stream = stream_of(shown);
  EXPECT_EQ(show(stream, update_of(1, "1")).status, 204u);
  EXPECT_EQ(seen_by(watcher), "1");
  type(3, 1);
  EXPECT_EQ(watcher.next().data["version"], 3);
  // One's own presence does not come back, edits do.
  EXPECT_EQ(shown.next().data["version"], 3);
  EXPECT_EQ(show(stream, update_of(2, "2")).status, 204u);
  EXPECT_EQ(seen_by(watcher), "2");
}

TEST_F(HttpPresence, WhoDoesNotAskForItHearsAndIsNothing) {
  start();
  auto without = listen("");
  EXPECT_FALSE(without.next().data.contains("stream"));
  auto zero = listen("?awareness=0");
  EXPECT_FALSE(zero.next().data.contains("stream"));
  auto watcher = listen();
  ASSERT_NE(stream_of(watcher), "");
  auto shown = listen();
  EXPECT_EQ(show(stream_of(shown), update_of(1, "{}")).status, 204u);
  EXPECT_EQ(seen_by(watcher), "{}");
  EXPECT_EQ(sessions(), 2u);
  type(0, 1);
  EXPECT_EQ(without.next().type, "update");
  EXPECT_EQ(zero.next().type, "update");
  EXPECT_EQ(get(doc + "/events?awareness=yes").problem(), "bad-parameter");
  EXPECT_EQ(get(doc + "/events?awareness=2").problem(), "bad-parameter");
}

TEST_F(HttpPresence, NeedsAnOpenStreamOfItsDocument) {
  start();
  auto other = EventClient(server->port(), "/v1/documents/team/other/events?awareness=1");
  EXPECT_EQ(show(stream_of(other), update_of(1, "{}")).problem(), "unknown-stream");
  EXPECT_EQ(show("nonsense", update_of(1, "{}")).problem(), "unknown-stream");
  EXPECT_EQ(show(std::string(65, 'x'), update_of(1, "{}")).problem(), "bad-parameter");
  EXPECT_EQ(ask("POST", doc + "/awareness", {}, update_of(1, "{}")).problem(), "bad-parameter");
  EXPECT_EQ(get(doc + "/awareness").problem(), "bad-method");
  auto watcher = listen();
  stream_of(watcher);
  std::string ended;
  {
    auto client = listen();
    ended = stream_of(client);
    ASSERT_EQ(show(ended, update_of(1, "{}")).status, 204u);
    ASSERT_EQ(seen_by(watcher), "{}");
  }
  // The name goes with the presence.
  ASSERT_EQ(seen_by(watcher), "null");
  EXPECT_EQ(show(ended, update_of(9, "{}")).problem(), "unknown-stream");
}

TEST_F(HttpPresence, BadPresenceIsRefused) {
  start();
  auto client = listen();
  const auto stream = stream_of(client);
  EXPECT_EQ(show(stream, {9, 9, 9}).problem(), "invalid-update");
  EXPECT_EQ(show(stream, {}).problem(), "invalid-update");
  EXPECT_EQ(show(stream, update_of(1, "{")).problem(), "invalid-update");
  EXPECT_EQ(show(stream, update_of(1, "{}"), "Content-Type: text/plain\r\n").problem(),
            "bad-media-type");
  EXPECT_EQ(show(stream, update_of(1, "{}"), "Origin: https://elsewhere.example\r\n").problem(),
            "origin-refused");
  // None of it has ended anything.
  EXPECT_EQ(show(stream, update_of(1, "{}")).status, 204u);
}

TEST_F(HttpPresence, IsBoundedInBytesAndClients) {
  http_options.awareness_bytes_max = 300;
  hub_options.awareness_state_bytes_max = 100;
  hub_options.awareness_clients_max = 1;
  start();
  auto client = listen();
  const auto stream = stream_of(client);
  EXPECT_EQ(show(stream, update_of(1, state_of(100))).status, 204u);
  EXPECT_EQ(show(stream, update_of(2, state_of(101))).problem(), "too-large");
  const auto body = show(stream, update_of(3, state_of(400)));
  EXPECT_EQ(body.problem(), "too-large");
  EXPECT_NE(body.body.find("http.awareness_bytes_max"), std::string::npos) << body.body;
  const yjs::AwarenessEntry another{8, 1, "{}"};
  EXPECT_EQ(show(stream, yjs::encode_awareness_update({&another, 1})).problem(), "too-large");
  auto watcher = listen();
  EXPECT_EQ(seen_by(watcher), state_of(100));
}

TEST_F(HttpPresence, StreamsWithItCountAmongAllStreams) {
  http_options.event_streams_max = 1;
  start();
  auto watcher = listen();
  ASSERT_NE(stream_of(watcher), "");
  EXPECT_EQ(get(doc + "/events?awareness=1").problem(), "unavailable");
  EXPECT_EQ(sessions(), 1u);
}

TEST_F(HttpPresence, IsNotWithdrawnThroughAnotherStream) {
  start();
  auto watcher = listen();
  stream_of(watcher);
  auto shown = listen();
  ASSERT_EQ(show(stream_of(shown), update_of(5, "{}")).status, 204u);
  ASSERT_EQ(seen_by(watcher), "{}");
  {
    // Clients withdraw others whom they have lost sight of: it is passed over, here as elsewhere.
    auto other = listen();
    ASSERT_EQ(show(stream_of(other), update_of(5, "null")).status, 204u);
  }
  ASSERT_TRUE(net::testing::eventually([&] { return sessions() == 2; }));
  auto late = listen();
  EXPECT_EQ(seen_by(late), "{}");
}

TEST_F(HttpPresence, AStreamIsItsOwnersAlone) {
  authorize();
  start();
  auto watcher = listen_as("r:watcher");
  stream_of(watcher);
  auto ada = listen_as("ra:ada");
  const auto stream = stream_of(ada);
  // Not even who has come by its name.
  EXPECT_EQ(show(stream, update_of(1, "1"), bearer("ra:eve")).problem(), "unknown-stream");
  EXPECT_EQ(show(stream, update_of(1, "2")).problem(), "unauthenticated");
  EXPECT_EQ(show(stream, update_of(1, "3"), bearer("ra:ada")).status, 204u);
  EXPECT_EQ(seen_by(watcher), "3");
}

TEST_F(HttpPresence, HasItsOwnRight) {
  authorize();
  start();
  auto reader = listen_as("r:ada");
  const auto of_reader = stream_of(reader);
  EXPECT_EQ(show(of_reader, update_of(1, "1"), bearer("r:ada")).problem(), "forbidden");
  EXPECT_EQ(show(of_reader, update_of(1, "2"), bearer("rw:ada")).problem(), "forbidden");
  // A stream may show what its own token allows: a better one opens another.
  EXPECT_EQ(show(of_reader, update_of(1, "3"), bearer("ra:ada")).problem(), "forbidden");
  // Who may not write may be seen, as with every other protocol.
  auto seen = listen_as("ra:ada");
  EXPECT_EQ(show(stream_of(seen), update_of(1, "4"), bearer("ra:ada")).status, 204u);
  EXPECT_EQ(seen_by(reader), "4");
  EXPECT_EQ(get(doc + "/events?awareness=1&token=a:ada").problem(), "forbidden");
}

TEST_F(HttpPresence, IsWithdrawnWhenItsTokenExpires) {
  authorize();
  start();
  auto watcher = listen_as("r:watcher");
  stream_of(watcher);
  auto shown = listen_as("ra:ada:2000");
  const auto stream = stream_of(shown);
  EXPECT_EQ(show(stream, update_of(1, "{}"), bearer("ra:ada:0")).problem(), "unauthenticated");
  ASSERT_EQ(show(stream, update_of(1, "{}"), bearer("ra:ada")).status, 204u);
  EXPECT_EQ(seen_by(watcher), "{}");
  // A new token is for a new stream: this one ends all the same.
  EXPECT_EQ(seen_by(watcher), "null");
  EXPECT_EQ(show(stream, update_of(2, "{}"), bearer("ra:ada")).problem(), "unknown-stream");
  Event last = shown.next();
  while (last.type == "awareness") last = shown.next();
  EXPECT_EQ(last.type, "end");
  EXPECT_EQ(last.data["type"], "urn:weft:problem:unauthenticated");
}

TEST_F(HttpPresence, AStreamEndsWhenItsDocumentCannotBeLoaded) {
  start();
  type(0, 1);
  restart();
  store->load_fails = store::errc::unavailable;
  auto client = listen();
  ASSERT_NE(stream_of(client), "");
  const Event last = client.next();
  EXPECT_EQ(last.type, "end");
  EXPECT_EQ(last.data["type"], "urn:weft:problem:unavailable");
  // Edits alone need no live document.
  auto without = listen("?since=none@" + log_name(log->topic_id()));
  EXPECT_EQ(without.next().type, "start");
  EXPECT_EQ(without.next().type, "update");
}

TEST_F(HttpPresence, ASlowReaderGetsTheLatestOfAll) {
  start();
  EventClient slow(server->port(), doc + "/events?awareness=1", {}, 4096);
  auto fast = listen();
  ASSERT_NE(stream_of(fast), "");
  auto shown = listen();
  const auto stream = stream_of(shown);
  // More than sockets take, and each state has to go out on its own.
  const std::size_t bytes = 60'000;
  for (std::uint64_t clock = 1; clock <= 100; ++clock) {
    const char mark = static_cast<char>('a' + clock % 26);
    const std::string state = '"' + std::string(bytes, mark) + '"';
    ASSERT_EQ(show(stream, update_of(clock, state)).status, 204u);
    ASSERT_EQ(seen_by(fast), state);
  }
  ASSERT_EQ(show(stream, update_of(101, "\"last\"")).status, 204u);
  int states = 0;
  std::string seen;
  for (; seen != "\"last\""; ++states) seen = seen_by(slow);
  EXPECT_LT(states, 101);
}

TEST_F(HttpPresence, ADrainEndsIt) {
  start();
  auto client = listen();
  ASSERT_EQ(show(stream_of(client), update_of(1, "{}")).status, 204u);
  drain();
  Event last = client.next();
  while (last.type == "awareness") last = client.next();
  EXPECT_EQ(last.type, "end");
  EXPECT_EQ(last.data["type"], "urn:weft:problem:draining");
}

}  // namespace
}  // namespace weft::gateway::http
