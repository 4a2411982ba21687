// Documents as JSON, text, delta and XML.

#include "gateway/http/http_fixture.h"
#include "weft/crdt/reader.h"

namespace weft::gateway::http {
namespace {

using testing::delete_update;
using testing::insert_update;
using testing::json;
using testing::Reply;

class HttpTyped : public testing::HttpFixture {
 protected:
  void SetUp() override {
    if (!crdt::available()) GTEST_SKIP() << "a build without rust/bridge";
  }
};

TEST_F(HttpTyped, ADocumentIsReadAsPeopleSeeIt) {
  start();
  type(0, 3);  // "abc" in the text "content"
  ASSERT_EQ(publish(delete_update(1, 1)).status, 201u);
  const Reply as_json = get(doc + "/json");
  EXPECT_EQ(as_json.status, 200u) << as_json.body;
  EXPECT_EQ(as_json.header("Content-Type"), "application/json");
  EXPECT_EQ(as_json.header("ETag"), "\"3@" + log_name(log->id()) + ";json\"");
  EXPECT_EQ(as_json.parsed(), json({{"content", "ac"}}));
  const Reply text = get(doc + "/text?root=content");
  EXPECT_EQ(text.body, "ac");
  EXPECT_EQ(text.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(get(doc + "/delta?root=content").parsed(), json::array({{{"insert", "ac"}}}));
  // Of the past, too; and only when it is news.
  EXPECT_EQ(get(doc + "/text?root=content&at=2").body, "abc");
  EXPECT_EQ(
      get(doc + "/text?root=content", "If-None-Match: " + text.header("ETag") + "\r\n").status,
      304u);
  EXPECT_EQ(get(doc + "/json", "If-None-Match: " + text.header("ETag") + "\r\n").status, 200u);
}

TEST_F(HttpTyped, WhatCannotBeReadIsSaid) {
  http_options.typed_bytes_max = 60;
  start();
  type(0, 3);
  EXPECT_EQ(get(doc + "/text").problem(), "bad-parameter");
  EXPECT_EQ(get(doc + "/text?root=nothing").problem(), "unknown-root");
  EXPECT_EQ(get(doc + "/text?root=content&at=9").problem(), "unknown-version");
  EXPECT_EQ(get(doc + "/json", "Accept: text/plain\r\n").problem(), "not-acceptable");
  EXPECT_EQ(get("/v1/documents/team/nobody/json").parsed(), json::object());
  type(3, 60);
  EXPECT_EQ(get(doc + "/json").problem(), "too-large");
}

TEST_F(HttpTyped, ALongReadHoldsUpNobodyElse) {
  start();
  type(0, 3);
  std::promise<void> release;
  base::task hold = [released = release.get_future().share()] { released.wait(); };
  ASSERT_EQ(typed_readers->submit(hold), base::WorkerPool::verdict::accepted);
  auto waiting = std::async(std::launch::async, [&] { return get(doc + "/json").status; });
  EXPECT_EQ(get(doc + "/update?sv=AQEB").status, 200u);
  EXPECT_EQ(publish(insert_update(1, 3)).status, 201u);
  release.set_value();
  EXPECT_EQ(waiting.get(), 200u);
}

TEST(FailedReads, TheLatestAreRemembered) {
  FailedReads failed;
  for (std::size_t i = 0; i <= FailedReads::count_max; ++i) failed.add(std::to_string(i));
  failed.add("7");
  EXPECT_FALSE(failed.contains("0"));
  EXPECT_TRUE(failed.contains("1"));
  EXPECT_TRUE(failed.contains(std::to_string(FailedReads::count_max)));
}

}  // namespace
}  // namespace weft::gateway::http
