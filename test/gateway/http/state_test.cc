// States over HTTP: whole, by state vector, of the past, and conditional.

#include "gateway/http/http_fixture.h"
#include "weft/yjs/update_v2.h"

namespace weft::gateway::http {
namespace {

using testing::delete_update;
using testing::insert_update;
using testing::Reply;

class HttpState : public testing::HttpFixture {};

TEST_F(HttpState, TheStateComesWithItsVersionAndATagThatSavesReadingItAgain) {
  start();
  type(0, 3);
  const Reply state = get(doc + "/update");
  EXPECT_EQ(state.status, 200u);
  EXPECT_EQ(state.header("Content-Type"), "application/octet-stream");
  EXPECT_EQ(state.header("Weft-Version"), "2");
  EXPECT_EQ(state.header("Weft-Log"), log_name(log->topic_id()));
  EXPECT_EQ(state.header("ETag"), "\"2@" + log_name(log->topic_id()) + "\"");
  EXPECT_TRUE(holds(state.body, 1, 3));

  const auto conditional = "If-None-Match: " + state.header("ETag") + "\r\n";
  const Reply unchanged = get(doc + "/update", conditional);
  EXPECT_EQ(unchanged.status, 304u);
  EXPECT_EQ(unchanged.header("ETag"), state.header("ETag"));
  EXPECT_EQ(get(doc + "/update", "If-None-Match: \"x\", W/" + state.header("ETag") + "\r\n").status,
            304u);
  type(3, 1);
  EXPECT_EQ(get(doc + "/update", conditional).status, 200u);
  for (const char* path : {"/update", "/state-vector", "/update?at=1"}) {
    EXPECT_EQ(get(doc + path, "If-None-Match: unquoted\r\n").problem(), "bad-parameter");
    EXPECT_EQ(get(doc + path, "If-None-Match:\r\n").problem(), "bad-parameter");
  }
}

TEST_F(HttpState, HeadTellsTheSameWithoutTheBody) {
  start();
  type(0, 2);
  const Reply state = get(doc + "/update");
  const Reply head = ask("HEAD", doc + "/update");
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.header("Content-Length"), std::to_string(state.body.size()));
  EXPECT_EQ(head.header("ETag"), state.header("ETag"));
}

TEST_F(HttpState, ADocumentThatNobodyWroteIsEmptyAndHasNoVersion) {
  start();
  const Reply state = get(doc + "/update");
  EXPECT_EQ(state.status, 200u);
  EXPECT_EQ(state.body, std::string(2, '\0'));
  EXPECT_EQ(state.header("Weft-Version"), "");
  EXPECT_EQ(state.header("ETag"), "\"none@" + log_name(log->topic_id()) + "\"");
  EXPECT_EQ(get(doc + "/state-vector").body, std::string(1, '\0'));
}

TEST_F(HttpState, ADiffHoldsWhatTheStateVectorLacks) {
  start();
  type(0, 5);
  const base::byte_vector knows_three{1, 1, 3};
  for (const Reply& reply :
       {get(doc + "/update?sv=" + to_base64(knows_three)),
        ask("POST", doc + "/diff", "Content-Type: application/octet-stream\r\n", knows_three)}) {
    ASSERT_EQ(reply.status, 200u) << reply.body;
    const auto lacking = knowledge(reply.body);
    EXPECT_TRUE(lacking.structs.contains(1, {3, 5}));
    EXPECT_FALSE(lacking.structs.contains(1, {2, 3}));
  }
  const Reply vector = get(doc + "/state-vector");
  EXPECT_EQ(vector.body, std::string("\x01\x01\x05"));
  // Who has everything gets the empty update.
  EXPECT_EQ(get(doc + "/update?sv=" + to_base64(base::as_bytes(vector.body))).body,
            std::string(2, '\0'));
  // But for deletions: a state vector does not say which of them are known.
  ASSERT_EQ(publish(delete_update(1, 0)).status, 201u);
  const auto deletions =
      knowledge(get(doc + "/update?sv=" + to_base64(base::as_bytes(vector.body))).body);
  EXPECT_TRUE(deletions.deletions.contains(1, {0, 1}));
}

TEST_F(HttpState, BadStateVectorsAndParametersAreRefusedWithAReason) {
  start();
  type(0, 1);
  for (const std::string& query :
       {std::string("?sv="), std::string("?sv=!!"), std::string("?sv=_w"),
        std::string("?sv=AQEB__"), std::string("?at=x"), std::string("?at=-1"),
        std::string("?at=0@12"), std::string("?format=v3"), std::string("?sv=%zz")}) {
    EXPECT_EQ(get(doc + "/update" + query).problem(), "bad-parameter") << query;
  }
  const base::byte_vector cut_off{2, 1};
  EXPECT_EQ(ask("POST", doc + "/diff", {}, cut_off).problem(), "bad-parameter");
  EXPECT_EQ(ask("POST", doc + "/diff", "Content-Length: 0\r\n").problem(), "bad-body");
  EXPECT_EQ(ask("POST", doc + "/diff", "Content-Type: text/plain\r\n", cut_off).problem(),
            "bad-media-type");
  EXPECT_EQ(get(doc + "/update", "Accept: text/html\r\n").problem(), "not-acceptable");
  EXPECT_EQ(get(doc + "/update", "Accept: text/html, application/*;q=0.5\r\n").status, 200u);
}

TEST_F(HttpState, EverythingComesInFormat2WhenAskedFor) {
  start();
  type(0, 5);
  const auto in_v1 = [](const Reply& reply) {
    const auto bytes = yjs::v2_to_v1(base::as_bytes(reply.body));
    return bytes ? std::string(base::as_text(*bytes)) : "not v2: " + bytes.error().message;
  };
  const Reply v1 = get(doc + "/update");
  const Reply v2 = get(doc + "/update?format=v2");
  EXPECT_EQ(in_v1(v2), v1.body);
  EXPECT_EQ(v2.header("ETag"), "\"4@" + log_name(log->topic_id()) + ";v2\"");
  EXPECT_EQ(get(doc + "/update?format=v2", "If-None-Match: " + v1.header("ETag") + "\r\n").status,
            200u);
  EXPECT_EQ(get(doc + "/update?format=v2", "If-None-Match: " + v2.header("ETag") + "\r\n").status,
            304u);
  EXPECT_EQ(in_v1(get(doc + "/update?sv=AQED&format=v2")), get(doc + "/update?sv=AQED").body);
  EXPECT_EQ(in_v1(get(doc + "/update?at=2&format=v2")), get(doc + "/update?at=2").body);
  EXPECT_EQ(in_v1(get(doc + "/snapshot?format=v2", "Accept: application/octet-stream\r\n")),
            get(doc + "/snapshot", "Accept: application/octet-stream\r\n").body);
  const auto history = get(doc + "/history?since=3&format=v2").parsed();
  EXPECT_EQ(yjs::v2_to_v1(from_base64(history["updates"][0].get<std::string>()).value()).value(),
            insert_update(1, 4));
  EXPECT_EQ(get(doc + "/events?format=v2").problem(), "bad-parameter");
}

TEST_F(HttpState, APastVersionIsReadAsItWas) {
  start();
  type(0, 4);
  ASSERT_EQ(publish(delete_update(1, 1)).status, 201u);
  type(4, 2);
  const auto at_three = get(doc + "/update?at=3");
  ASSERT_EQ(at_three.status, 200u) << at_three.body;
  EXPECT_TRUE(holds(at_three.body, 1, 4));
  EXPECT_TRUE(knowledge(at_three.body).deletions.empty());
  EXPECT_EQ(at_three.header("Weft-Version"), "3");
  EXPECT_TRUE(knowledge(get(doc + "/update?at=4").body).deletions.contains(1, {1, 2}));
  EXPECT_EQ(get(doc + "/update?at=3", "If-None-Match: " + at_three.header("ETag") + "\r\n").status,
            304u);
  // Of the past, too, only what is lacking.
  const auto lacking = knowledge(get(doc + "/update?at=3&sv=AQED").body);
  EXPECT_TRUE(lacking.structs.contains(1, {3, 4}));
  EXPECT_FALSE(lacking.structs.contains(1, {2, 3}));

  EXPECT_EQ(get(doc + "/update?at=7").problem(), "unknown-version");
  EXPECT_EQ(get(doc + "/update?at=3@" + log_name(log->topic_id())).status, 200u);
  EXPECT_EQ(get(doc + "/update?at=3@0000000000000001").problem(), "unknown-version");
  // Offsets of other documents are no versions of this one.
  ASSERT_EQ(ask("POST", "/v1/documents/team/other/updates", {}, insert_update(2, 0)).status, 201u);
  type(6, 1);
  EXPECT_EQ(get(doc + "/update?at=7").problem(), "unknown-version");
}

TEST_F(HttpState, APastVersionIsTheSameFromASnapshotAndFromTheLogAlone) {
  start();
  type(0, 6);
  restart();  // a snapshot covers them all
  type(6, 3);
  EXPECT_TRUE(holds(get(doc + "/update?at=7").body, 1, 8));  // snapshot and two records
  EXPECT_TRUE(holds(get(doc + "/update?at=5").body, 1, 6));  // the snapshot itself
  EXPECT_TRUE(holds(get(doc + "/update?at=2").body, 1, 3));  // older than it
}

TEST_F(HttpState, APastThatCostsTooMuchToReadIsRefused) {
  http_options.replay_bytes_max = 300;
  start();
  type(0, 6);
  EXPECT_EQ(get(doc + "/update?at=0").status, 200u);
  EXPECT_EQ(get(doc + "/update?at=5").problem(), "too-large");
}

TEST_F(HttpState, WhatTheLogHasTrimmedIsGone) {
  start();
  type(0, 4);
  std::promise<bool> trimmed;
  log->trim(id, {2}, loops->loop(0), [&](auto done) { trimmed.set_value(done.has_value()); });
  ASSERT_TRUE(trimmed.get_future().get());
  EXPECT_EQ(get(doc + "/update?at=1").problem(), "history-trimmed");
  EXPECT_EQ(get(doc + "/update").status, 200u);
}

TEST_F(HttpState, AFailedLoadIsAnErrorAndNeverAnEmptyDocument) {
  start();
  type(0, 3);
  restart();
  store->load_fails = store::errc::unavailable;
  for (const char* what :
       {"/update", "/update?at=1", "/update?sv=AA", "/state-vector", "/snapshot", "/history", ""}) {
    const Reply reply = get(doc + what);
    EXPECT_EQ(reply.problem(), "unavailable") << what;
    EXPECT_EQ(reply.header("Retry-After"), "1") << what;
  }
  EXPECT_EQ(publish(insert_update(1, 3)).problem(), "unavailable");
  store->load_fails = store::errc::corrupt;
  EXPECT_EQ(get(doc + "/update").problem(), "document-broken");
  const Reply about = get(doc);
  EXPECT_EQ(about.status, 200u);
  EXPECT_EQ(about.parsed()["state"], "broken");
  EXPECT_EQ(about.parsed()["problem"], "document team/notes: snapshot: the store was told to fail");
  EXPECT_EQ(about.parsed()["quarantine"]["attempts"], 1);
  EXPECT_EQ(get("/v1/quarantine").parsed()["documents"].size(), 1u);
  store->load_fails = store::errc{};
  EXPECT_TRUE(hub_set->at(id).quarantine().retry_now(id));
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 3));
}

TEST_F(HttpState, ManyReadersAtOnceShareTheWork) {
  start();
  type(0, 40);
  // All ask before the document's loop looks: it is held up.
  std::promise<void> release;
  const auto released = release.get_future().share();
  const std::size_t home = hub_set->index(id);
  loops->loop(home).post([released] { released.wait(); });
  std::vector<std::unique_ptr<net::testing::TestClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<net::testing::TestClient>(server->port()));
    clients.back()->send("GET " + doc + "/update HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  release.set_value();
  for (auto& client : clients) {
    EXPECT_TRUE(holds(client->read_response().body, 1, 40));
  }
  // Requests come in over a few turns; each asks for one compaction at most, most for none.
  EXPECT_LE(counters[home].compactions.load(), 3u);
}

TEST_F(HttpState, MoreReadsThanMayWaitAreToldToComeBack) {
  http_options.reads_waiting_max = 1;
  start();
  type(0, 2);
  std::promise<void> release;
  const auto released = release.get_future().share();
  for (int i = 0; i < 2; ++i) {  // one under way, one waiting
    std::promise<void> begun;
    base::task hold = [&begun, released, i] {
      if (i == 0) begun.set_value();
      released.wait();
    };
    ASSERT_EQ(workers->submit(hold), base::WorkerPool::verdict::accepted);
    if (i == 0) begun.get_future().wait();
  }
  EXPECT_EQ(get(doc + "/update?sv=AQEB").problem(), "unavailable");
  release.set_value();
  EXPECT_TRUE(
      net::testing::eventually([&] { return get(doc + "/update?sv=AQEB").status == 200u; }));
}

}  // namespace
}  // namespace weft::gateway::http
