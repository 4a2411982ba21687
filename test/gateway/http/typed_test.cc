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
  EXPECT_EQ(as_json.header("ETag"), "\"3@" + log_name(log->topic_id()) + ";json\"");
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

/// A reader that breaks down on a document that shows "abc", and says how often it did.
class HttpUnreadable : public HttpTyped, public ReadingKeeper {
 protected:
  void SetUp() override {
    HttpTyped::SetUp();
    reading_keeper = this;
    typed_reader = [this](TypedView view, base::byte_view state,
                          std::string_view root) -> base::result<std::string> {
      auto read = read_typed_view(view, state, root);
      if (!read || read->find("abc") == std::string::npos) return read;
      ++breakdowns;
      return base::fail(crdt::errc::failed, "the reader broke down: planted");
    };
  }

  void broke_down(const hub::QuarantineEntry& incident, base::shared_bytes state) override {
    const std::scoped_lock lock(mutex);
    heard.emplace_back(incident, std::move(state));
  }
  void readable_again(const hub::QuarantineEntry&) override { ++ended; }

  std::atomic<int> breakdowns{0}, ended{0};
  std::mutex mutex;
  std::vector<std::pair<hub::QuarantineEntry, base::shared_bytes>> heard;
};

TEST_F(HttpUnreadable, ADocumentThatBreaksTheReaderDownIsMarkedAndGoesOnOtherwise) {
  start();
  const std::string other = "/v1/documents/team/other";
  ASSERT_EQ(ask("POST", other + "/updates", {}, insert_update(1, 0)).status, 201u);
  type(0, 2);
  ASSERT_EQ(publish(insert_update(1, 2)).status, 201u);

  const Reply refused = get(doc + "/json");
  EXPECT_EQ(refused.status, 500u);
  EXPECT_EQ(refused.problem(), "unreadable");
  EXPECT_NE(refused.body.find("planted"), std::string::npos) << refused.body;
  // Asked the same again, it is not tried again; another question is.
  EXPECT_EQ(get(doc + "/json").problem(), "unreadable");
  EXPECT_EQ(breakdowns, 1);
  EXPECT_EQ(get(doc + "/text?root=content").problem(), "unreadable");
  EXPECT_EQ(breakdowns, 2);

  // It is marked where operators look, and the evidence was handed over once.
  const auto marked = get(doc).parsed();
  EXPECT_EQ(marked["state"], "live");
  EXPECT_EQ(marked["problem"], nullptr);
  EXPECT_EQ(marked["unreadable"]["attempts"], 2);
  EXPECT_NE(marked["unreadable"]["reason"].get<std::string>().find("planted"), std::string::npos);
  const auto listed = get("/v1/quarantine").parsed();
  EXPECT_EQ(listed["documents"], json::array());
  ASSERT_EQ(listed["unreadable"].size(), 1u);
  EXPECT_EQ(listed["unreadable"][0]["document"], id.doc_id);
  EXPECT_EQ(gateway->unreadable().size(), 1u);
  EXPECT_EQ(gateway->unreadable().failures(), 2u);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(base::as_text(heard[0].second), get(doc + "/update").body);

  // Updates, edits, its past (the other document has version 0) and other documents are as ever.
  EXPECT_EQ(get(other + "/json").parsed(), json({{"content", "a"}}));
  EXPECT_EQ(get(other).parsed()["unreadable"], nullptr);
  EXPECT_EQ(get(doc + "/text?root=content&at=2").body, "ab");
  EXPECT_EQ(get("/v1/quarantine").parsed()["unreadable"].size(), 1u) << "the past proves nothing";
  EXPECT_EQ(get(doc + "/update?sv=AA").status, 200u);

  // When what broke it down is gone, and every question has been answered, so is the mark.
  ASSERT_EQ(publish(delete_update(1, 2)).status, 201u);
  EXPECT_EQ(get(doc + "/json").status, 200u);
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(get(doc + "/text?root=content").body, "ab");
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(get(doc).parsed()["unreadable"], nullptr);
}

TEST(Unreadable, TheLatestAreRemembered) {
  Unreadable failed;
  for (std::size_t i = 0; i <= Unreadable::keys_max; ++i) {
    failed.broke_down({"r", std::to_string(i), {}}, "json", std::to_string(i), "why", {},
                      static_cast<std::int64_t>(i));
  }
  failed.broke_down({"r", "7", {}}, "json", "7", "why", {}, 7);
  EXPECT_FALSE(failed.is_known("0"));
  EXPECT_TRUE(failed.is_known("1"));
  EXPECT_TRUE(failed.is_known(std::to_string(Unreadable::keys_max)));
  EXPECT_EQ(failed.size(), Unreadable::documents_max);
  EXPECT_FALSE(failed.find({"r", "0", {}}));
  EXPECT_EQ(failed.find({"r", "7", {}})->attempts, 2u);
}

TEST(Unreadable, WhatAnEarlierProcessWroteDownEndsWithAnyAnswer) {
  Unreadable failed;
  failed.restore({{"r", "d", {}}, "read as text content: why", 7, 1});
  EXPECT_EQ(failed.find({"r", "d", {}})->since_ms, 7);
  failed.answered({"r", "other", {}}, "json");
  EXPECT_EQ(failed.size(), 1u);
  failed.answered({"r", "d", {}}, "json");
  EXPECT_EQ(failed.size(), 0u);
}

}  // namespace
}  // namespace weft::gateway::http
