// Presence of clients that speak HTTP alone.

#include "gateway/http/http_fixture.h"
#include "support/spelled_authorizer.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::gateway::http {
namespace {

using testing::Event;
using testing::EventClient;
using testing::insert_update;

/// That client 7 is there, or with "null" is not, at this clock.
base::byte_vector update_of(std::uint8_t clock, std::string_view state) {
  base::byte_vector out{1, 7, clock, static_cast<std::uint8_t>(state.size())};
  out.insert(out.end(), state.begin(), state.end());
  return out;
}

class HttpPresence : public testing::HttpFixture {
 protected:
  EventClient listen(const std::string& query = "?awareness=1") {
    return EventClient(server->port(), doc + "/events" + query);
  }
  Reply show(const std::string& stream, const base::byte_vector& update,
             const std::string& headers = {}) {
    return ask("POST", doc + "/awareness?stream=" + stream, headers, update);
  }
  static std::string stream_of(EventClient& client) {
    return client.next().data.value("stream", "");
  }
  /// The next presence that is somebody's.
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
};

TEST_F(HttpPresence, IsSeenByOthersUntilItsStreamEnds) {
  start();
  auto watcher = listen();
  EXPECT_EQ(stream_of(watcher).size(), 32u);
  {
    auto shown = listen();
    const auto stream = stream_of(shown);
    // The document may still be loading when the stream is there.
    auto reply = show(stream, update_of(1, "{}"));
    while (reply.status == 503) reply = show(stream, update_of(1, "{}"));
    EXPECT_EQ(reply.status, 204u) << reply.body;
    EXPECT_EQ(seen_by(watcher), "{}");
  }
  EXPECT_EQ(seen_by(watcher), "null");
}

TEST_F(HttpPresence, EditsComeOnceBesideIt) {
  start();
  auto watcher = listen();
  const auto stream = stream_of(watcher);
  type(0, 3);
  for (const std::uint64_t clock : {0, 1, 2}) {
    Event event = watcher.next();
    while (event.type == "awareness") event = watcher.next();
    EXPECT_EQ(event.data["version"], clock);
  }
}

TEST_F(HttpPresence, NeedsAStreamOfItsDocument) {
  start();
  auto without = listen("");
  EXPECT_EQ(stream_of(without), "");
  auto other = EventClient(server->port(), "/v1/documents/team/other/events?awareness=1");
  EXPECT_EQ(show(stream_of(other), update_of(1, "{}")).problem(), "unknown-stream");
  EXPECT_EQ(show("nonsense", update_of(1, "{}")).problem(), "unknown-stream");
  EXPECT_EQ(ask("POST", doc + "/awareness", {}, update_of(1, "{}")).problem(), "bad-parameter");
  EXPECT_EQ(get(doc + "/events?awareness=yes").problem(), "bad-parameter");
}

TEST_F(HttpPresence, BadPresenceIsRefused) {
  start();
  auto client = listen();
  const auto stream = stream_of(client);
  auto reply = show(stream, {9, 9, 9});
  while (reply.status == 503) reply = show(stream, {9, 9, 9});
  EXPECT_EQ(reply.problem(), "invalid-update");
  EXPECT_EQ(show(stream, update_of(1, "{}"), "Content-Type: text/plain\r\n").problem(),
            "bad-media-type");
}

TEST_F(HttpPresence, HasItsOwnRight) {
  weft::testing::SpelledAuthorizer spelled;
  authorizer = &spelled;
  start();
  auto client = listen("?awareness=1&token=r:ada");
  EXPECT_EQ(
      show(stream_of(client), update_of(1, "{}"), "Authorization: Bearer r:ada\r\n").problem(),
      "forbidden");
  client = listen("?awareness=1&token=ra:ada");
  const auto stream = stream_of(client);
  auto reply = show(stream, update_of(1, "{}"), "Authorization: Bearer ra:ada\r\n");
  while (reply.status == 503) {
    reply = show(stream, update_of(1, "{}"), "Authorization: Bearer ra:ada\r\n");
  }
  EXPECT_EQ(reply.status, 204u);
  stop();  // before the authorizer goes
}

}  // namespace
}  // namespace weft::gateway::http
