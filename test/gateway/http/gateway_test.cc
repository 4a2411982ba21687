// What every path has in common: methods, problems, origins, and the paths beside documents.

#include <set>

#include "gateway/http/http_fixture.h"
#include "weft/gateway/http/openapi.h"

namespace weft::gateway::http {
namespace {

using testing::insert_update;
using testing::Reply;

class HttpGateway : public testing::HttpFixture {};

TEST_F(HttpGateway, AWrongMethodIsToldTheRightOnes) {
  start();
  for (const auto& [method, path, allowed] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"POST", doc + "/update", "GET, HEAD, OPTIONS"},
           {"GET", doc + "/updates", "POST, OPTIONS"},
           {"DELETE", doc, "GET, HEAD, OPTIONS"},
           {"PUT", "/v1/documents", "GET, HEAD, OPTIONS"},
           {"PUT", "/v1/documents/team/%zz/updates", "POST, OPTIONS"},
           {"GET", doc + "/versions/%zz/restore", "POST, OPTIONS"},
           {"POST", "/healthz", "GET, HEAD"},
           {"POST", "/page", "GET, HEAD"}}) {
    const Reply reply = ask(method, path);
    EXPECT_EQ(reply.problem(), "bad-method") << method << path;
    EXPECT_EQ(reply.header("Allow"), allowed) << method << path;
  }
  const Reply options = ask("OPTIONS", doc + "/updates");
  EXPECT_EQ(options.status, 204u);
  EXPECT_EQ(options.header("Allow"), "POST, OPTIONS");
}

TEST_F(HttpGateway, UnknownPathsAreProblems) {
  start();
  for (const char* path : {"/v1", "/v1/nothing", "/v1/documents/team", "/nothing"}) {
    EXPECT_EQ(get(path).problem(), "not-found") << path;
  }
  EXPECT_EQ(get(doc + "/nothing").problem(), "not-found");
  EXPECT_EQ(get("/v1/documents/team/%zz/update").problem(), "bad-name");
  EXPECT_EQ(get("/v1/documents?limit=many").problem(), "bad-parameter");
  EXPECT_EQ(get("/v1/documents?after=x").problem(), "bad-parameter");
}

/// As the value of a parameter.
std::string encoded(const std::string& value) {
  std::string out;
  for (const char c : value) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    out += hex;
  }
  return out;
}

TEST_F(HttpGateway, DocumentsAreListedInPages) {
  start();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(ask("POST", "/v1/documents/team/d" + std::to_string(i) + "/updates", {},
                  insert_update(1, 0))
                  .status,
              201u);
  }
  std::set<std::string> seen;
  std::string after;
  for (int pages = 0; pages < 4; ++pages) {
    const auto page = get("/v1/documents?limit=2" + after).parsed();
    for (const auto& line : page["documents"]) {
      EXPECT_EQ(line["room"], "team");
      EXPECT_EQ(line["connections"], 0);
      EXPECT_TRUE(line["version"].is_number());
      EXPECT_TRUE(seen.insert(line["document"]).second);
    }
    if (page["next"].is_null()) break;
    after = "&after=" + page["next"].get<std::string>();
  }
  EXPECT_EQ(seen.size(), 5u);
}

TEST_F(HttpGateway, SubdocumentsAreDocumentsOfTheirOwn) {
  start();
  const auto target = [&](const std::string& route, const std::string& part) {
    return doc + route + "?subdocument=" + part;
  };
  ASSERT_EQ(publish(insert_update(1, 0)).status, 201u);
  for (const char* part : {"one", "two", "a%2Fb"}) {
    ASSERT_EQ(ask("POST", target("/updates", part), {}, insert_update(2, 0)).status, 201u);
  }
  EXPECT_EQ(get(doc).parsed().contains("subdocument"), false);
  EXPECT_EQ(get(target("", "a%2Fb")).parsed()["subdocument"], "a/b");
  EXPECT_NE(get(doc + "/update").body, get(target("/update", "one")).body);
  EXPECT_EQ(get(target("/update", "two")).body, get(target("/update", "one")).body);
  EXPECT_EQ(get(target("", "three")).problem(), "unknown-document");
  EXPECT_EQ(get(target("", "")).problem(), "bad-name");
  EXPECT_EQ(get(target("", "%00")).problem(), "bad-name");

  // The list goes through them one by one, and comes to an end.
  std::vector<std::string> seen;
  std::string next;
  for (int pages = 0; pages < 6; ++pages) {
    const auto page =
        get("/v1/documents?limit=1" + (next.empty() ? "" : "&after=" + encoded(next))).parsed();
    for (const auto& line : page["documents"]) seen.push_back(line.value("subdocument", "-"));
    if (page["next"].is_null()) break;
    next = page["next"].get<std::string>();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"-", "a/b", "one", "two"}));
}

TEST_F(HttpGateway, PagesOfOtherOriginsNeedTheOperatorsConsent) {
  http_options.cors_origins = "http://friend";
  start();
  const auto from = [&](const std::string& origin) {
    return publish(insert_update(1, 0), "Origin: " + origin + "\r\n");
  };
  EXPECT_EQ(from("http://stranger").problem(), "origin-refused");
  EXPECT_EQ(from("http://h").status, 201u);  // the server's own pages
  const Reply friendly = from("http://friend");
  EXPECT_EQ(friendly.status, 201u);
  EXPECT_EQ(friendly.header("Access-Control-Allow-Origin"), "http://friend");
  EXPECT_EQ(get(doc + "/update", "Origin: http://stranger\r\n").status, 200u);
  const Reply preflight = ask("OPTIONS", doc + "/updates",
                              "Origin: http://friend\r\nAccess-Control-Request-Method: POST\r\n");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Methods"), "POST");
}

TEST_F(HttpGateway, StatusAndDescriptionAreServed) {
  start();
  const auto status = get("/v1/status").parsed();
  EXPECT_EQ(status["log"]["id"], log_name(log->id()));
  EXPECT_EQ(status["log"]["writable"], true);
  const Reply description = get("/v1/openapi.yaml");
  EXPECT_EQ(description.header("Content-Type"), "application/yaml; charset=utf-8");
  EXPECT_EQ(description.body, openapi_yaml());
}

TEST_F(HttpGateway, ADrainingServerSaysSo) {
  start();
  type(0, 1);
  for (auto& hub : hubs) {
    std::promise<void> done;
    hub->executor().post([&] { hub->drain([&done] { done.set_value(); }); });
    done.get_future().wait();
  }
  EXPECT_EQ(publish(insert_update(1, 1)).problem(), "draining");
  EXPECT_EQ(get(doc + "/update").problem(), "draining");
}

}  // namespace
}  // namespace weft::gateway::http
