// Recovery and history over HTTP: snapshots, pages, versions that lead nowhere.

#include "gateway/http/http_fixture.h"

namespace weft::gateway::http {
namespace {

using testing::delete_update;
using testing::insert_update;
using testing::json;
using testing::Reply;

class HttpHistory : public testing::HttpFixture {
 protected:
  /// A client that knows nothing but these answers.
  void apply(const json& history) {
    if (!history["snapshot"].is_null()) take(history["snapshot"]);
    for (const auto& update : history["updates"]) take(update);
    EXPECT_EQ(history["updates"].size(), history["records"].size());
  }
  void take(const std::string& base64) {
    const auto bytes = from_base64(base64);
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(yjs::learn(*bytes, replica_));
  }
  base::byte_vector replica_vector() const { return yjs::encode_state_vector(replica_.structs); }

  yjs::Knowledge replica_;
};

TEST_F(HttpHistory, ASnapshotComesWithTheVersionItCovers) {
  start();
  type(0, 3);
  // None is stored yet: the present state.
  Reply reply = get(doc + "/snapshot");
  ASSERT_EQ(reply.status, 200u) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.parsed()["version"], 2);
  take(reply.parsed()["snapshot"]);
  EXPECT_EQ(replica_vector(), (base::byte_vector{1, 1, 3}));

  restart();
  type(3, 2);
  reply = get(doc + "/snapshot");
  EXPECT_EQ(reply.parsed()["version"], 2);  // the stored one
  EXPECT_EQ(reply.parsed()["latestVersion"], 4);
  EXPECT_EQ(reply.parsed()["log"], log_name(log->topic_id()));
  const Reply raw = get(doc + "/snapshot", "Accept: application/octet-stream\r\n");
  EXPECT_EQ(raw.header("Weft-Version"), "2");
  EXPECT_TRUE(holds(raw.body, 1, 3));
  EXPECT_EQ(get(doc + "/snapshot", "Accept: image/png\r\n").problem(), "not-acceptable");

  const Reply nobody = get("/v1/documents/team/nobody/snapshot");
  EXPECT_EQ(nobody.parsed()["version"], nullptr);
  EXPECT_EQ(nobody.parsed()["latestVersion"], nullptr);
  EXPECT_EQ(nobody.parsed()["snapshot"], "AAA=");
}

TEST_F(HttpHistory, AClientWithoutAVersionRecoversFromSnapshotAndPages) {
  start();
  type(0, 5);
  restart();
  type(5, 7);
  json page = get(doc + "/history?limit=3").parsed();
  EXPECT_EQ(page["recovery"], "full");
  EXPECT_EQ(page["reason"], "no-version");
  EXPECT_EQ(page["snapshotVersion"], 4);
  apply(page);
  int pages = 1;
  while (page["more"]) {
    EXPECT_EQ(page["updates"].size(), 3u);
    page = get(doc + "/history?limit=3&since=" + page["version"].dump()).parsed();
    EXPECT_EQ(page["recovery"], "history");
    EXPECT_EQ(page["snapshot"], nullptr);
    apply(page);
    ++pages;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(page["version"], 11);
  EXPECT_EQ(page["latestVersion"], 11);
  EXPECT_EQ(replica_vector(), (base::byte_vector{1, 1, 12}));
}

TEST_F(HttpHistory, RecordsSayWhoAndWhen) {
  start();
  type(0, 2);
  const json page = get(doc + "/history?since=0").parsed();
  ASSERT_EQ(page["records"].size(), 1u);
  const json& record = page["records"][0];
  EXPECT_EQ(record["version"], 1);
  EXPECT_GT(record["timestamp"], 1'600'000'000'000);
  EXPECT_EQ(record["identity"], "");
  EXPECT_EQ(record["bytes"], insert_update(1, 1).size());
  EXPECT_EQ(page["updates"][0], to_base64(insert_update(1, 1)));
}

TEST_F(HttpHistory, AVersionThatLeadsNowhereGetsTheFullAnswer) {
  start();
  type(0, 2);
  ASSERT_EQ(ask("POST", "/v1/documents/team/other/updates", {}, insert_update(2, 0)).status, 201u);
  type(2, 2);  // versions 0, 1, 3, 4
  const auto reason = [&](const std::string& since) {
    const json page = get(doc + "/history?since=" + since).parsed();
    replica_ = {};
    apply(page);
    // Full or not: who applies it has everything since what it had.
    if (page["recovery"] == "full") {
      EXPECT_EQ(replica_vector(), (base::byte_vector{1, 1, 4})) << since;
    }
    EXPECT_EQ(page["version"], 4) << since;
    return page["reason"];
  };
  EXPECT_EQ(reason("1"), nullptr);
  EXPECT_EQ(reason("1@" + log_name(log->topic_id())), nullptr);
  EXPECT_EQ(reason("4"), nullptr);
  EXPECT_EQ(reason("2"), "unknown");
  EXPECT_EQ(reason("5"), "ahead");
  EXPECT_EQ(reason("999999"), "ahead");
  EXPECT_EQ(reason("1@0000000000000001"), "other-log");
  EXPECT_EQ(reason("start"), nullptr);
  std::promise<void> trimmed;
  log->trim(id, {3}, loops->loop(0), [&](auto) { trimmed.set_value(); });
  trimmed.get_future().wait();
  EXPECT_EQ(reason("1"), "trimmed");
  EXPECT_EQ(get(doc + "/history?since=start").problem(), "history-trimmed");
  EXPECT_EQ(get(doc + "/history?since=x").problem(), "bad-parameter");
  EXPECT_EQ(get(doc + "/history?since=1&limit=0").problem(), "bad-parameter");
}

TEST_F(HttpHistory, AfterTheLogWasRecreatedNothingIsMissing) {
  start();
  type(0, 4);
  stop();
  std::filesystem::remove_all(directory_.path() / "log");
  start();
  // Content of the snapshot, which is put back into the new log, and positions of that.
  const json before = get(doc + "/history?since=3").parsed();
  EXPECT_EQ(before["reason"], "ahead");
  apply(before);
  EXPECT_EQ(before["version"], 0);
  EXPECT_EQ(replica_vector(), (base::byte_vector{1, 1, 4}));
  type(4, 1);
  EXPECT_TRUE(holds(get(doc + "/update?at=0").body, 1, 4));
  EXPECT_TRUE(holds(get(doc + "/update?at=1").body, 1, 5));
  EXPECT_EQ(get(doc).parsed()["snapshot"]["version"], nullptr);
}

TEST_F(HttpHistory, PagesAreBoundedByBytesToo) {
  http_options.page_bytes_max = 400;
  start();
  type(0, 12);
  const json page = get(doc + "/history?since=start").parsed();
  EXPECT_TRUE(page["more"]);
  EXPECT_GE(page["updates"].size(), 1u);
  EXPECT_LT(page["updates"].size(), 12u);
}

TEST_F(HttpHistory, VersionsAreListedInPages) {
  start();
  type(0, 5);
  json page = get(doc + "/versions?limit=2").parsed();
  std::vector<int> versions;
  for (;;) {
    for (const auto& version : page["versions"]) versions.push_back(version["version"]);
    if (page["next"].is_null()) break;
    page = get(doc + "/versions?limit=2&since=" + page["next"].get<std::string>()).parsed();
  }
  EXPECT_EQ(versions, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(get(doc + "/versions?since=1@0000000000000001").problem(), "unknown-version");
  EXPECT_EQ(get(doc + "/versions?limit=1001").problem(), "bad-parameter");
  EXPECT_TRUE(get("/v1/documents/team/nobody/versions").parsed()["versions"].empty());
}

TEST_F(HttpHistory, ADocumentIsDescribedWithoutOpeningIt) {
  start();
  EXPECT_EQ(get(doc).problem(), "unknown-document");
  type(0, 3);
  json about = get(doc).parsed();
  EXPECT_EQ(about["state"], "live");
  EXPECT_EQ(about["version"], 2);
  EXPECT_EQ(about["memory"]["editsSinceCompaction"], 3);
  EXPECT_EQ(about["snapshot"], nullptr);
  restart();
  about = get(doc).parsed();
  EXPECT_EQ(about["state"], "stored");
  EXPECT_EQ(about["memory"], nullptr);
  EXPECT_EQ(about["snapshot"]["version"], 2);
  EXPECT_GT(about["snapshot"]["bytes"], 0);
  EXPECT_GT(about["snapshot"]["timestamp"], 1'600'000'000'000);
  std::uint64_t loads = 0;
  for (const auto& counter : counters) loads += counter.loads.load();
  EXPECT_EQ(loads, 0u);
}

}  // namespace
}  // namespace weft::gateway::http
