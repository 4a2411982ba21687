// Restoring versions over HTTP.

#include "gateway/http/http_fixture.h"
#include "weft/yjs/revert.h"

namespace weft::gateway::http {
namespace {

using testing::delete_update;
using testing::insert_update;
using testing::Reply;

class HttpRestore : public testing::HttpFixture {
 protected:
  Reply restore(const std::string& version, const std::string& headers = {}) {
    return ask("POST", doc + "/versions/" + version + "/restore", headers);
  }
  /// Whether the document shows now what it showed at a version.
  bool shows(int version) {
    const Reply now = get(doc + "/update");
    const Reply then = get(doc + "/update?at=" + std::to_string(version));
    return yjs::same_appearance(base::as_bytes(now.body), base::as_bytes(then.body)).value();
  }
};

TEST_F(HttpRestore, ARestoreIsANewEditAndHistoryStays) {
  start();
  type(0, 3);                                            // versions 0 to 2
  ASSERT_EQ(publish(delete_update(1, 1)).status, 201u);  // 3
  type(3, 1);                                            // 4
  ASSERT_FALSE(shows(2));
  const Reply restored = restore("2");
  ASSERT_EQ(restored.status, 201u) << restored.body;
  EXPECT_EQ(restored.parsed()["version"], 5);
  EXPECT_EQ(restored.parsed()["restored"], 2);
  EXPECT_EQ(restored.parsed()["changed"], true);
  EXPECT_TRUE(shows(2));
  // All that was is there to be read and to go back to.
  EXPECT_EQ(get(doc + "/versions").parsed()["versions"].size(), 6u);
  EXPECT_TRUE(get(doc + "/versions?since=4")
                  .parsed()["versions"][0]["senderId"]
                  .get<std::string>()
                  .starts_with("restore of 2, http "));
  ASSERT_EQ(restore("4").status, 201u);
  EXPECT_TRUE(shows(4));
  // What is there already needs no edit.
  const Reply again = restore("4@" + log_name(log->topic_id()));
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(again.parsed()["changed"], false);
  EXPECT_EQ(again.parsed()["version"], 6);
}

TEST_F(HttpRestore, ItWorksAcrossSnapshotsAndRestarts) {
  start();
  type(0, 4);
  ASSERT_EQ(publish(delete_update(1, 0)).status, 201u);
  restart();
  type(4, 2);
  restart();
  ASSERT_EQ(restore("1").status, 201u);
  EXPECT_TRUE(shows(1));
  ASSERT_EQ(restore("6").status, 201u);
  EXPECT_TRUE(shows(6));
}

TEST_F(HttpRestore, ReadersHearOfIt) {
  start();
  type(0, 2);
  testing::EventClient client(server->port(), doc + "/events");
  EXPECT_EQ(client.next().type, "start");
  ASSERT_EQ(ask("POST", doc + "/versions/0/restore?sender=ada").status, 201u);
  const auto event = client.next();
  EXPECT_EQ(event.type, "update");
  EXPECT_EQ(event.data["senderId"], "ada");
}

TEST_F(HttpRestore, WhatCannotBeRestoredIsSaid) {
  start();
  EXPECT_EQ(restore("0").problem(), "unknown-version");
  type(0, 3);
  EXPECT_EQ(restore("3").problem(), "unknown-version");
  EXPECT_EQ(restore("x").problem(), "bad-parameter");
  EXPECT_EQ(restore("%zz").problem(), "bad-parameter");
  EXPECT_EQ(restore("1@0000000000000001").problem(), "unknown-version");
  EXPECT_EQ(restore("0", "If-Match: \"0@" + log_name(log->topic_id()) + "\"\r\n").problem(),
            "version-changed");
  EXPECT_EQ(restore("0", "If-Match:\r\n").problem(), "bad-parameter");
  EXPECT_EQ(restore("0", "Origin: http://stranger\r\n").problem(), "origin-refused");
  EXPECT_TRUE(shows(2));
  EXPECT_EQ(restore("0", "If-Match: \"2@" + log_name(log->topic_id()) + "\"\r\n").status, 201u);
  std::promise<void> trimmed;
  log->trim(id, {2}, loops->loop(0), [&](auto) { trimmed.set_value(); });
  trimmed.get_future().wait();
  EXPECT_EQ(restore("0").problem(), "history-trimmed");
}

TEST_F(HttpRestore, ADocumentBeyondTheLimitIsLeftAlone) {
  http_options.restore_bytes_max = 20;
  start();
  type(0, 20);
  EXPECT_EQ(restore("1").problem(), "too-large");
  EXPECT_TRUE(shows(19));
}

TEST_F(HttpRestore, WhatALogLostIsAtItsBeginningAgain) {
  start();
  type(0, 4);
  stop();
  // The log is recreated beside an old snapshot: what that holds is put back before anything else.
  std::filesystem::remove_all(directory_.path() / "log");
  start();
  ASSERT_EQ(publish(insert_update(2, 0)).status, 201u);
  ASSERT_EQ(publish(insert_update(2, 1)).status, 201u);
  ASSERT_EQ(restore("0").status, 201u);
  EXPECT_TRUE(shows(0));
  EXPECT_TRUE(knowledge(get(doc + "/update").body).structs.contains(1, {0, 4}));
  // A new snapshot takes the old one's place, and the log still tells what was there at 0.
  restart();
  EXPECT_EQ(restore("0").status, 200u);  // that is what it shows
  EXPECT_TRUE(knowledge(get(doc + "/update").body).structs.contains(1, {0, 4}));
}

}  // namespace
}  // namespace weft::gateway::http
