// The parts of the HTTP gateway that are pure: content negotiation, versions and tags, bodies of
// many updates, origins, routes.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <set>

#include "weft/gateway/base64.h"
#include "weft/gateway/http/accept.h"
#include "weft/gateway/http/entity_tag.h"
#include "weft/gateway/http/openapi.h"
#include "weft/gateway/http/problem.h"
#include "weft/gateway/http/routes.h"
#include "weft/gateway/http/updates_body.h"
#include "weft/gateway/version.h"

namespace weft::gateway::http {
namespace {

// --- Accept -------------------------------------------------------------------------------------

TEST(Accept, TheBestThatIsOfferedIsChosen) {
  const std::string_view offers[] = {"application/json", "application/octet-stream"};
  const std::pair<std::string_view, std::optional<std::size_t>> cases[] = {
      {"", 0},
      {"*/*", 0},
      {"application/octet-stream", 1},
      {"APPLICATION/Octet-Stream", 1},
      {"application/*", 0},
      {"text/html, */*;q=0.1", 0},
      {"application/json;q=0.5, application/octet-stream;q=0.75", 1},
      {"application/json;q=0, */*", 1},  // the closer range counts
      {"application/json; charset=utf-8; q=0.2, application/octet-stream;q=0.1", 0},
      {"text/html", std::nullopt},
      {"*/*;q=0", std::nullopt},
      {"application", std::nullopt},
      {",;,=", std::nullopt},
  };
  for (const auto& [accept, expected] : cases)
    EXPECT_EQ(choose(accept, offers), expected) << accept;
}

TEST(Accept, AMediaTypeIsReadWithoutItsParameters) {
  EXPECT_EQ(media_type("Application/JSON ; charset=utf-8"), "application/json");
  EXPECT_EQ(media_type(""), "");
}

// --- versions and tags --------------------------------------------------------------------------

const base::log_identity log_seven{0xabc7};

TEST(Version, IsShownAndReadWithItsLog) {
  EXPECT_EQ(version_name(base::log_offset{42}, log_seven), "42@000000000000abc7");
  EXPECT_EQ(version_name(std::nullopt, log_seven), "none@000000000000abc7");
  const auto with_log = parse_version("42@000000000000abc7");
  ASSERT_TRUE(with_log);
  EXPECT_EQ(with_log->offset.value, 42u);
  EXPECT_EQ(with_log->log, log_seven);
  EXPECT_FALSE(parse_version("42").value().log);
  for (const char* text :
       {"", "@", "x", "-1", "1@", "1@abc7", "1@000000000000abcg", " 1", "1 ",
        "18446744073709551616", "1@000000000000abc7@", "none@000000000000abc7"}) {
    EXPECT_FALSE(parse_version(text)) << text;
  }
}

TEST(Version, TagsAreReadAsTheStandardSays) {
  const auto tags = parse_tags(" \"a\", W/\"b\" ,\"c;d\"");
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->strong, (std::vector<std::string>{"\"a\"", "\"c;d\""}));
  EXPECT_EQ(tags->weak, (std::vector<std::string>{"\"b\""}));
  EXPECT_TRUE(is_known(*tags, "\"b\""));
  EXPECT_FALSE(is_known(*tags, "\"d\""));
  EXPECT_TRUE(is_known(parse_tags("*").value(), "\"any\""));
  for (const char* text : {"a", "\"a", "\"a\" \"b\"", "W/a", "*, \"a\"", "", " ", ","}) {
    EXPECT_FALSE(parse_tags(text)) << text;
  }
}

TEST(Version, TagsOfARepeatedHeaderCountTogether) {
  net::HttpRequest request;
  EXPECT_FALSE(tags_of(request, "If-Match").value());
  request.headers = {{"If-Match", "\"a\""}, {"Host", "h"}, {"if-match", "W/\"b\", \"c\""}};
  const auto tags = tags_of(request, "If-Match");
  ASSERT_TRUE(tags && *tags);
  EXPECT_EQ((*tags)->strong, (std::vector<std::string>{"\"a\"", "\"c\""}));
  EXPECT_EQ((*tags)->weak, (std::vector<std::string>{"\"b\""}));
  request.headers = {{"If-Match", ""}};
  EXPECT_FALSE(tags_of(request, "If-Match"));
}

TEST(Version, AConditionHoldsForStrongTagsWithTheirLog) {
  const auto condition = condition_of(
      parse_tags("\"3@000000000000abc7\", \"none@000000000000abc7\", W/\"4@000000000000abc7\", "
                 "\"5@000000000000abc8\", \"6\", \"9@000000000000abc7;json\", \"junk\", "
                 "\"18446744073709551615@000000000000abc7\"")
          .value());
  EXPECT_FALSE(condition.any);
  const base::log_identity other{log_seven.value + 1};
  EXPECT_EQ(condition.ends,
            (std::vector<hub::PublishCondition::End>{
                {log_seven, {4}}, {log_seven, {0}}, {other, {6}}, {log_seven, {10}}}));
}

// --- bodies -------------------------------------------------------------------------------------

base::shared_bytes bytes(base::byte_vector of) { return base::shared_bytes::adopt(std::move(of)); }

TEST(UpdatesBody, FramedUpdatesComeBack) {
  std::vector<base::byte_vector> updates{
      {1}, {}, base::byte_vector(200, 7), base::byte_vector(20'000, 8)};
  base::byte_vector body;
  for (const auto& update : updates) append_framed(update, body);
  const auto cut = cut_framed(bytes(body), 4);
  ASSERT_TRUE(cut) << cut.error().message;
  ASSERT_EQ(cut->size(), updates.size());
  for (std::size_t i = 0; i < updates.size(); ++i) {
    EXPECT_TRUE(base::equal((*cut)[i], updates[i]));
  }
  EXPECT_FALSE(cut_framed(bytes(body), 3));
  for (std::size_t cut_off = 1; cut_off < 150; cut_off += 7) {
    EXPECT_FALSE(cut_framed(bytes({body.begin(), body.end() - cut_off}), 4));
  }
  EXPECT_FALSE(cut_framed(bytes(base::byte_vector(12, 0xff)), 4));
}

std::string why_not(std::string_view body, std::size_t count_max = 10) {
  const auto read = read_json(base::as_bytes(body), count_max);
  return read ? "read" : read.error().message;
}

TEST(UpdatesBody, JsonIsReadStrictlyWhereItMatters) {
  const auto read = read_json(
      base::as_bytes(R"({"a":[{"updates":["!"]}],"updates":["AAA=","AQ"],"b":{"c":null}})"), 2);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_TRUE(base::equal((*read)[0], base::byte_vector{0, 0}));
  EXPECT_TRUE(base::equal((*read)[1], base::byte_vector{1}));
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "no JSON"},
      {"[]", "must be an object"},
      {"\"AAA=\"", "must be an object"},
      {"{}", "has no \"updates\""},
      {R"({"updates":{}})", "must be an array"},
      {R"({"updates":"AAA="})", "must be an array"},
      {R"({"updates":[1]})", "Base64 strings only"},
      {R"({"updates":[["AAA="]]})", "Base64 strings only"},
      {R"({"updates":[{}]})", "Base64 strings only"},
      {R"({"updates":["AAA=","?"]})", "updates[1] is not Base64"},
      {R"({"updates":[],"updates":[]})", "twice"},
      {R"({"updates":[]}x)", "no JSON from byte"},
      {R"({"updates":["AAA="]})", "read"},
  };
  for (const auto& [body, part] : cases) {
    EXPECT_NE(why_not(body).find(part), std::string::npos) << body << ": " << why_not(body);
  }
  EXPECT_NE(why_not(R"({"updates":["AA","AA"]})", 1).find("http.batch_updates_max"),
            std::string::npos);
}

TEST(UpdatesBody, DeeplyNestedJsonCostsNothing) {
  const std::string deep = "{\"a\":" + std::string(5'000'000, '[');
  EXPECT_NE(why_not(deep).find("no JSON"), std::string::npos);
}

// --- routes -------------------------------------------------------------------------------------

TEST(Routes, PathsNameDocumentsAndWhatIsAskedOfThem) {
  const std::string documents = "/v1/documents/";
  const auto target = [&](const std::string& rest) { return find_target(documents + rest); };
  const std::string of_document = "/v1/documents/{room}/{document}";
  struct Case {
    std::string rest, path, room, doc;
  };
  const Case cases[] = {
      {"team/notes/update", of_document + "/update", "team", "notes"},
      {"team/a/b/update", of_document + "/update", "team", "a/b"},
      {"team/a%2Fb", of_document, "team", "a/b"},
      {"team/update", of_document, "team", "update"},
      {"t%C3%A9/n/state-vector", of_document + "/state-vector", "t\u00e9", "n"},
      {"team/update/update", of_document + "/update", "team", "update"},
      // As the description writes it, which is a name like any other.
      {"{room}/{document}", of_document, "{room}", "{document}"},
      {"{room}/{document}/update", of_document + "/update", "{room}", "{document}"},
  };
  for (const auto& [rest, path, room, doc] : cases) {
    const auto found = target(rest);
    ASSERT_TRUE(found) << rest << ": " << found.error().detail;
    EXPECT_EQ(found->path, path) << rest;
    EXPECT_EQ(found->document, (base::DocumentId{room, doc, {}})) << rest;
  }
  const auto restore = target("team/a/versions/4%40x/restore");
  ASSERT_TRUE(restore);
  EXPECT_EQ(restore->path, of_document + "/versions/{version}/restore");
  EXPECT_EQ(restore->document.doc_id, "a");
  EXPECT_EQ(restore->version, "4@x");
  EXPECT_FALSE(target("team/versions/4/restore"));
  EXPECT_EQ(find_target("/v1/documents/")->path, "/v1/documents");
  EXPECT_EQ(find_target("/v1/status")->path, "/v1/status");
  for (const auto& [rest, type] : std::vector<std::pair<std::string, std::string>>{
           {"team", "not-found"},
           {"team/notes/nothing", "not-found"},
           {"team/", "bad-name"},
           {"/notes/update", "bad-name"},
           {"team//update", "bad-name"},
           {"team/%zz", "bad-name"},
           {"team/%00", "bad-name"},
           {"team/%ff", "bad-name"},
           {std::string(1025, 'x') + "/notes", "bad-name"}}) {
    const auto found = target(rest);
    ASSERT_FALSE(found) << rest;
    EXPECT_EQ(found.error().type.name, type) << rest;
  }
  EXPECT_FALSE(find_target("/v1"));
  EXPECT_FALSE(find_target("/v1/documentsx"));
}

TEST(Routes, MethodsAreTold) {
  EXPECT_EQ(methods_of("/v1/documents/{room}/{document}/updates"), "POST");
  EXPECT_EQ(methods_of("/v1/documents"), "GET, HEAD");
  EXPECT_NE(find_route("/v1/documents", "HEAD"), nullptr);
  EXPECT_EQ(find_route("/v1/documents", "DELETE"), nullptr);
}

TEST(Routes, TheDescriptionHasEveryRouteAndNoOther) {
  const YAML::Node description = YAML::Load(std::string(openapi_yaml()));
  std::set<std::string> described, served;
  for (const auto& path : description["paths"]) {
    for (const auto& entry : path.second) {
      const auto method = entry.first.as<std::string>();
      if (method == "parameters") continue;
      described.insert(method + " " + path.first.as<std::string>());
    }
  }
  for (const Route& route : routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), [](char c) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    served.insert(method + " " + std::string(route.path));
  }
  EXPECT_EQ(described, served);
}

TEST(Problems, TheDescriptionListsEveryTypeAndNoOther) {
  const YAML::Node description = YAML::Load(std::string(openapi_yaml()));
  std::set<std::string> described, known{"about:blank"};
  for (const auto& type :
       description["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]) {
    described.insert(type.as<std::string>());
  }
  for (const auto& type : problem_types()) {
    known.insert("urn:weft:problem:" + std::string(type.name));
  }
  EXPECT_EQ(described, known);
}

}  // namespace
}  // namespace weft::gateway::http
