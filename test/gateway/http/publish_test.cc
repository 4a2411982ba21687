// Publishing over HTTP: one update, many, on a condition.

#include "gateway/http/http_fixture.h"
#include "weft/gateway/http/updates_body.h"
#include "weft/yjs/update_v2.h"

namespace weft::gateway::http {
namespace {

using testing::delete_update;
using testing::insert_update;
using testing::json;
using testing::Reply;

class HttpPublish : public testing::HttpFixture {
 protected:
  Reply publish_framed(const std::vector<base::byte_vector>& updates,
                       const std::string& headers = {}) {
    base::byte_vector body;
    for (const auto& update : updates) append_framed(update, body);
    return ask("POST", doc + "/updates", "Content-Type: application/vnd.weft.updates\r\n" + headers,
               body);
  }
  Reply publish_json(const std::string& body) {
    return ask("POST", doc + "/updates", "Content-Type: application/json; charset=utf-8\r\n",
               base::as_bytes(body));
  }
};

/// An update by client 1 at `clock` with another character than type() writes.
base::byte_vector conflicting_update(std::uint64_t clock) {
  auto out = insert_update(1, clock);
  out[out.size() - 2] = 'Z';
  return out;
}

TEST_F(HttpPublish, OneUpdateIsAnsweredWithItsPosition) {
  start();
  const Reply first = publish(insert_update(1, 0));
  EXPECT_EQ(first.status, 201u);
  EXPECT_EQ(first.parsed(), json({{"topic", "sync-team"},
                                  {"partition", 0},
                                  {"offset", 0},
                                  {"version", 0},
                                  {"log", log_name(log->topic_id())}}));
  EXPECT_EQ(publish(insert_update(1, 1)).parsed()["version"], 1);
  EXPECT_EQ(publish(insert_update(1, 0)).parsed()["version"], 1);  // again: harmless
  // curl says form data unless told otherwise; others say nothing.
  EXPECT_EQ(ask("POST", doc + "/updates", "Content-Type: application/x-www-form-urlencoded\r\n",
                insert_update(1, 2))
                .status,
            201u);
  EXPECT_EQ(ask("POST", doc + "/updates", {}, insert_update(1, 3)).status, 201u);
}

TEST_F(HttpPublish, WhatCarriesNothingIsTakenAndGetsNoVersionInAnEmptyDocument) {
  start();
  const base::byte_vector empty{0, 0};
  EXPECT_EQ(publish(empty).parsed()["version"], nullptr);
  type(0, 2);
  EXPECT_EQ(publish(empty).parsed()["version"], 1);
}

TEST_F(HttpPublish, BadBodiesAreRefusedWithTheirReason) {
  start();
  type(0, 1);
  EXPECT_EQ(publish(base::byte_vector{1, 2, 3}).problem(), "invalid-update");
  EXPECT_EQ(publish(conflicting_update(0)).problem(), "conflicting-ids");
  EXPECT_EQ(ask("POST", doc + "/updates", "Content-Length: 0\r\n").problem(), "bad-body");
  EXPECT_EQ(
      ask("POST", doc + "/updates", "Content-Type: text/plain\r\n", insert_update(1, 1)).problem(),
      "bad-media-type");
  EXPECT_EQ(ask("POST", doc + "/updates?sender=%ff", {}, insert_update(1, 1)).problem(),
            "bad-parameter");
  EXPECT_EQ(publish_json("{").problem(), "bad-body");
  EXPECT_EQ(publish_json("{\"updates\":[]}").problem(), "bad-body");
  EXPECT_EQ(publish_json("{\"updates\":[\"!\"]}").problem(), "bad-body");
  EXPECT_EQ(ask("POST", doc + "/updates", "Content-Type: application/vnd.weft.updates\r\n",
                base::byte_vector{9, 1})
                .problem(),
            "bad-body");
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 1));
}

TEST_F(HttpPublish, ManyUpdatesAreAnsweredWithAllTheirPositions) {
  start();
  const Reply framed = publish_framed({insert_update(1, 0), insert_update(1, 1)});
  ASSERT_EQ(framed.status, 201u) << framed.body;
  EXPECT_EQ(framed.parsed()["version"], 1);
  EXPECT_EQ(framed.parsed()["results"][0]["outcome"], "durable");
  EXPECT_EQ(framed.parsed()["results"][0]["position"]["version"], 0);
  EXPECT_EQ(framed.parsed()["results"][1]["position"]["version"], 1);

  json body = {{"updates", {to_base64(insert_update(1, 2)), to_base64(delete_update(1, 0))}},
               {"note", {{"nested", {1, 2}}}}};
  const Reply as_json = publish_json(body.dump());
  ASSERT_EQ(as_json.status, 201u) << as_json.body;
  EXPECT_EQ(as_json.parsed()["version"], 3);
  const auto state = knowledge(get(doc + "/update").body);
  EXPECT_TRUE(state.structs.contains(1, {0, 3}));
  EXPECT_TRUE(state.deletions.contains(1, {0, 1}));
}

TEST_F(HttpPublish, TheFirstRefusalEndsABatchAndEachItemIsAccountedFor) {
  start();
  type(0, 1);
  const Reply reply = publish_framed(
      {insert_update(1, 1), insert_update(1, 2), conflicting_update(0), insert_update(1, 3)});
  EXPECT_EQ(reply.problem(), "conflicting-ids");
  const json body = reply.parsed();
  EXPECT_TRUE(body["detail"].get<std::string>().starts_with("updates[2]: ")) << body;
  ASSERT_EQ(body["results"].size(), 4u);
  EXPECT_EQ(body["results"][0]["position"]["version"], 1);
  EXPECT_EQ(body["results"][1]["position"]["version"], 2);
  EXPECT_EQ(body["results"][2]["outcome"], "refused");
  EXPECT_EQ(body["results"][2]["problem"]["type"], "urn:weft:problem:conflicting-ids");
  EXPECT_EQ(body["results"][3]["outcome"], "not-tried");
  // What was said to be durable is there, and nothing else.
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 3));
}

TEST_F(HttpPublish, UpdatesOfFormat2AreTakenAsTheyAreMeant) {
  start();
  const auto v2 = [](const base::byte_vector& update) { return yjs::v1_to_v2(update).value(); };
  const auto publish_v2 = [&](const std::string& type, const base::byte_vector& body) {
    return ask("POST", doc + "/updates?format=v2", "Content-Type: " + type + "\r\n", body);
  };
  EXPECT_EQ(publish_v2("application/octet-stream", v2(insert_update(1, 0))).status, 201u);
  EXPECT_EQ(publish_v2("application/octet-stream", insert_update(1, 1)).problem(),
            "invalid-update");
  base::byte_vector body;
  append_framed(v2(insert_update(1, 1)), body);
  append_framed(base::byte_vector{7}, body);
  append_framed(v2(insert_update(1, 2)), body);
  const Reply mixed = publish_v2("application/vnd.weft.updates", body);
  EXPECT_EQ(mixed.problem(), "invalid-update");
  const json results = mixed.parsed()["results"];
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0]["position"]["version"], 1);
  EXPECT_EQ(results[1]["outcome"], "refused");
  EXPECT_EQ(results[2]["outcome"], "not-tried");
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 2));
}

TEST_F(HttpPublish, ABatchLargerThanTheDocumentLetsWaitGoesThroughInParts) {
  hub_options.inflight_bytes_max = 500;
  start();
  std::vector<base::byte_vector> updates;
  for (std::uint64_t i = 0; i < 100; ++i) updates.push_back(insert_update(1, i));
  const Reply reply = publish_framed(updates);
  ASSERT_EQ(reply.status, 201u) << reply.body;
  EXPECT_EQ(reply.parsed()["version"], 99);
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 100));
}

TEST_F(HttpPublish, MoreUpdatesThanConfiguredAreRefusedBeforeAnyIsTried) {
  http_options.batch_updates_max = 2;
  start();
  const Reply reply =
      publish_framed({insert_update(1, 0), insert_update(1, 1), insert_update(1, 2)});
  EXPECT_EQ(reply.problem(), "bad-body");
  EXPECT_NE(reply.body.find("http.batch_updates_max"), std::string::npos);
  EXPECT_EQ(get(doc + "/update").body, std::string(2, '\0'));
}

TEST_F(HttpPublish, AConditionIsHeldAgainstTheVersionOfTheDocument) {
  start();
  const auto if_match = [&](const std::string& tag, std::uint64_t clock) {
    return publish(insert_update(1, clock), "If-Match: " + tag + "\r\n");
  };
  const std::string of_log = "@" + log_name(log->topic_id());
  EXPECT_EQ(if_match("*", 0).problem(), "version-changed");  // there is nothing yet
  EXPECT_EQ(if_match("\"none" + of_log + "\"", 0).status, 201u);
  EXPECT_EQ(if_match("\"none" + of_log + "\"", 1).problem(), "version-changed");
  EXPECT_EQ(if_match("\"0" + of_log + ";json\"", 1).status, 201u);  // of any representation
  EXPECT_EQ(if_match("\"0" + of_log + "\"", 2).problem(), "version-changed");
  EXPECT_EQ(if_match("W/\"1" + of_log + "\"", 2).problem(), "version-changed");
  EXPECT_EQ(if_match("\"1@0000000000000001\"", 2).problem(), "version-changed");
  EXPECT_EQ(if_match("\"7\", \"1" + of_log + "\"", 2).status, 201u);
  EXPECT_EQ(if_match("*", 3).status, 201u);
  EXPECT_EQ(if_match("1", 4).problem(), "bad-parameter");
  // Somebody meant a condition: it must not be taken for none.
  EXPECT_EQ(if_match("", 4).problem(), "bad-parameter");
  EXPECT_TRUE(holds(get(doc + "/update").body, 1, 4));
}

TEST_F(HttpPublish, OfTwoPublishersWithOneConditionOneWins) {
  start();
  type(0, 1);
  const std::string condition = "If-Match: \"0@" + log_name(log->topic_id()) + "\"\r\n";
  std::vector<std::future<unsigned>> statuses;
  for (std::uint64_t client = 2; client < 10; ++client) {
    statuses.push_back(std::async(std::launch::async, [&, client] {
      return publish(insert_update(client, 0), condition).status;
    }));
  }
  int won = 0, lost = 0;
  for (auto& status : statuses) {
    const unsigned got = status.get();
    won += got == 201;
    lost += got == 412;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

TEST_F(HttpPublish, TheSenderIsWhoSaysSo) {
  start();
  ASSERT_EQ(ask("POST", doc + "/updates?sender=ada%20l", {}, insert_update(1, 0)).status, 201u);
  ASSERT_EQ(publish(insert_update(1, 1)).status, 201u);
  const auto versions = get(doc + "/versions").parsed()["versions"];
  EXPECT_EQ(versions[0]["senderId"], "ada l");
  EXPECT_TRUE(versions[1]["senderId"].get<std::string>().starts_with("http 127.0.0.1:"));
}

}  // namespace
}  // namespace weft::gateway::http
