#include "weft/app/inspect.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "crdt/documents.h"
#include "weft/app/update_dump.h"
#include "weft/crdt/reader.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/sync_protocol.h"
#include "weft/yjs/update.h"

namespace weft::app {
namespace {

using nlohmann::json;

std::string inspected(base::byte_view bytes, const InspectOptions& options = {}) {
  const auto text = inspect(bytes, options);
  return text ? *text : "error: " + text.error().message;
}

base::byte_vector small() {
  crdt::Update update;
  yjs::Writer& two = update.section(2, 1);
  two.byte(yjs::string_ref | yjs::origin_bit | yjs::right_origin_bit);
  for (const std::uint64_t id : {1, 0, 1, 1}) two.uint(id);
  crdt::text("-", two);
  yjs::Writer& one = update.section(1, 4);
  crdt::in_root(yjs::string_ref, "t", one);
  crdt::text("ab", one);
  one.byte(yjs::any_ref | yjs::parent_sub_bit);
  one.uint(1);
  crdt::text("m", one);
  crdt::text("key", one);
  one.uint(1);
  one.byte(120);
  one.byte(yjs::skip_ref);
  one.uint(3);
  one.byte(yjs::gc_ref);
  one.uint(2);
  auto bytes = update.finish();
  bytes.pop_back();
  const base::byte_vector deletions{1, 1, 1, 6, 2};
  bytes.insert(bytes.end(), deletions.begin(), deletions.end());
  return bytes;
}

base::byte_vector envelope(base::byte_view payload, protocol::Channel channel) {
  const protocol::EnvelopeWriter writer({"room", "doc", {}}, channel, "somebody");
  const auto bytes = writer.write(1700000000000, payload.size(), [&](std::uint8_t* out) {
    std::copy(payload.begin(), payload.end(), out);
  });
  return {bytes.view().begin(), bytes.view().end()};
}

TEST(Inspect, AnUpdateIsShownStructByStruct) {
  EXPECT_EQ(inspected(small()),
            "update v1, 40 bytes: 5 structs of 2 clients (3 items, 0 deleted, 1 GC, 1 Skip)\n"
            "client 2\n"
            "  0+1 string \"-\"  after 1:0  before 1:1\n"
            "client 1\n"
            "  0+2 string \"ab\"  in \"t\"\n"
            "  2+1 any [true]  in \"m\"  key \"key\"\n"
            "  3+3 skip\n"
            "  6+2 gc\n"
            "deletes of 1: 6+2\n");
}

TEST(Inspect, JsonSaysTheSameForMachines) {
  const auto dump = json::parse(inspected(small(), {.json = true}));
  EXPECT_EQ(dump["structs"], 5);
  EXPECT_EQ(dump["clients"][0]["structs"][0],
            json::parse(R"({"clock":0,"length":1,"kind":"string","origin":[1,0],
                            "rightOrigin":[1,1],"content":"-"})"));
  EXPECT_EQ(dump["clients"][1]["structs"][1],
            json::parse(R"({"clock":2,"length":1,"kind":"any","parent":"m","key":"key",
                            "content":[true]})"));
  EXPECT_EQ(dump["deletions"], json::parse(R"([{"client":1,"ranges":[[6,8]]}])"));
}

TEST(Inspect, EveryKindOfContentIsShown) {
  const auto dump = json::parse(inspected(crdt::every_type(), {.json = true}));
  std::map<std::string, json> first;
  for (const auto& s : dump["clients"][0]["structs"]) {
    if (s.contains("content")) first.try_emplace(s["kind"], s["content"]);
  }
  EXPECT_EQ(first["string"], "H");
  EXPECT_EQ(first["format"], json::parse(R"({"bold":true})"));
  EXPECT_EQ(first["embed"], json::parse(R"({"image":"a.png"})"));
  EXPECT_EQ(first["any"], json::parse("[7]"));
  EXPECT_EQ(first["binary"], "AQL/");
  EXPECT_EQ(first["type"], json::parse(R"({"type":"map"})"));
  EXPECT_EQ(first["doc"], json::parse(R"({"guid":"the-guid","options":{}})"));
}

TEST(Inspect, LongValuesAreShortenedForPeopleOnly) {
  crdt::Update update;
  yjs::Writer& out = update.section(1, 1);
  crdt::in_root(yjs::string_ref, "t", out);
  crdt::text(std::string(1000, 'x') + "é", out);
  const auto bytes = update.finish();
  const std::string lines = inspected(bytes);
  EXPECT_LT(lines.size(), 250u) << lines;
  EXPECT_NE(lines.find("… (943 more)"), std::string::npos) << lines;
  EXPECT_NE(inspected(bytes, {.json = true}).find("xé"), std::string::npos);
}

TEST(Inspect, AnEnvelopeIsTakenApart) {
  const auto update = small();
  const std::string lines =
      inspected(envelope(yjs::encode_sync_update(update), protocol::Channel::doc));
  EXPECT_NE(lines.find(R"("roomId":"room")"), std::string::npos) << lines;
  EXPECT_NE(lines.find("sync update: update v1, 40 bytes"), std::string::npos) << lines;

  const base::byte_vector vector{1, 5, 7};
  const auto step1 = json::parse(
      inspected(envelope(yjs::encode_sync_step1(vector), protocol::Channel::doc), {.json = true}));
  EXPECT_EQ(step1["payload"][0]["stateVector"], json::parse(R"([{"client":5,"clock":7}])"));

  const yjs::AwarenessEntry entry{3, 4, R"({"name":"x"})"};
  const auto presence = yjs::encode_awareness(yjs::encode_awareness_update({&entry, 1}));
  const auto shown =
      json::parse(inspected(envelope(presence, protocol::Channel::awareness), {.json = true}));
  EXPECT_EQ(shown["payload"][0]["states"][0]["state"], R"({"name":"x"})");
}

TEST(Inspect, ContentIsWhatTheDocumentShows) {
  if (!crdt::available()) GTEST_SKIP() << "built without rust/bridge";
  const auto update = crdt::every_type();
  const auto bare = json::parse(inspected(update, {.json = true, .content = true}));
  EXPECT_EQ(bare["content"]["text"], "Hïello world 😀");
  const auto wrapped = envelope(yjs::encode_sync_step2(update), protocol::Channel::doc);
  const auto inside = json::parse(inspected(wrapped, {.json = true, .content = true}));
  EXPECT_EQ(inside["content"], bare["content"]);
  EXPECT_NE(inspected(update, {.content = true}).find("\"two\""), std::string::npos);
}

TEST(Inspect, Base64IsReadOnRequestWithOrWithoutPadding) {
  const std::string text = to_base64(small());
  const std::string expected = inspected(small());
  std::string wrapped = text;
  wrapped.insert(10, "\r\n  ");
  while (!wrapped.empty() && wrapped.back() == '=') wrapped.pop_back();
  for (const std::string& input : {text, text + "\n", wrapped}) {
    EXPECT_EQ(inspected(base::as_bytes(input), {.base64 = true}), expected);
  }
  for (const std::string_view input : {"A", "AA=A", "A*AA"}) {
    EXPECT_NE(inspected(base::as_bytes(input), {.base64 = true}).find("not Base64"),
              std::string::npos);
  }
}

TEST(Inspect, TheCommandSaysWhatIsWrongAndItsExitCode) {
  const auto run = [](const std::string& source, const std::string& input, std::string& problem) {
    std::istringstream in(input);
    std::ostringstream out, problems;
    const int code = run_inspect({.source = source}, in, out, problems);
    problem = problems.str();
    EXPECT_EQ(out.str().empty(), code != 0);
    return code;
  };
  std::string problem;
  const auto good = small();
  EXPECT_EQ(run("-", std::string(good.begin(), good.end()), problem), 0);
  EXPECT_EQ(problem, "");
  EXPECT_EQ(run("-", "", problem), 1);
  EXPECT_NE(problem.find("neither a Yjs update"), std::string::npos) << problem;
  EXPECT_EQ(run("-", "garbage that is longer", problem), 1);
  EXPECT_EQ(run("/nowhere/at/all", "", problem), 1);
  EXPECT_NE(problem.find("cannot read /nowhere/at/all"), std::string::npos) << problem;
}

}  // namespace
}  // namespace weft::app
