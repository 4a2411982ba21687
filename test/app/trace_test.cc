// One edit followed through a whole server: the order of its steps, its position, and what each
// step costs. Times depend on the machine and are not judged here.

#include "weft/app/trace.h"

#include <cstdio>
#include <future>
#include <map>
#include <sstream>

#include "app/node_fixture.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::app {
namespace {

using net::testing::TestClient;
using nlohmann::json;

class Trace : public testing::NodeFixture {
 protected:
  struct Outcome {
    int code = 0;
    std::string out, problems;
  };

  Outcome run(TraceOptions options, const ThreadMeter* meter = nullptr) const {
    Config config = config_;
    if (!port_.empty()) config.listen = "127.0.0.1:" + port_;
    std::ostringstream out, problems;
    const int code = run_trace(config, options, meter, out, problems);
    return {code, out.str(), problems.str()};
  }

  static void message(TestClient& client, yjs::sync_type type, base::byte_view body) {
    std::string out(yjs::sync_header_bytes_max, '\0');
    out.resize(
        yjs::write_sync_header(type, body.size(), reinterpret_cast<std::uint8_t*>(out.data())));
    client.send_frame(net::opcode::binary, out + std::string(base::as_text(body)));
  }
  static void take(TestClient& client, yjs::sync_type type) {
    for (;;) {
      const auto frame = client.read_frame();
      ASSERT_EQ(frame.code, net::opcode::binary);
      if (frame.payload[0] == 0 && frame.payload[1] == static_cast<char>(type)) return;
    }
  }
  std::unique_ptr<TestClient> join(const std::string& document) {
    auto out = std::make_unique<TestClient>(static_cast<std::uint16_t>(std::stoul(port_)));
    EXPECT_TRUE(out->upgrade("/ws/" + document));
    message(*out, yjs::sync_type::step1, yjs::empty_state_vector());
    take(*out, yjs::sync_type::step2);
    return out;
  }

  /// What `weft trace` says while an editor types for so many readers.
  Outcome follow_typing(bool as_json, std::size_t readers_count) {
    const auto editor = join("team/traced");
    std::vector<std::unique_ptr<TestClient>> readers;
    for (std::size_t i = 0; i < readers_count; ++i) readers.push_back(join("team/traced"));
    auto outcome = std::async(std::launch::async, [&] {
      TraceOptions options;
      options.document = "team/traced";
      options.json = as_json;
      return run(options);
    });
    for (std::uint64_t clock = 0;
         outcome.wait_for(std::chrono::seconds(0)) != std::future_status::ready; ++clock) {
      message(*editor, yjs::sync_type::update, sim::insert_update(1, clock));
      for (const auto& reader : readers) take(*reader, yjs::sync_type::update);
    }
    return outcome.get();
  }

  static std::vector<std::string> names(const json& trace) {
    std::vector<std::string> out;
    for (const auto& step : trace["steps"]) out.push_back(step["step"]);
    return out;
  }
};

const std::vector<std::string> all_steps{"received",     "admitted",   "accepted",  "appended",
                                         "commit_begun", "durable",    "committed", "applied",
                                         "framed",       "first_sent", "last_sent"};

TEST_F(Trace, StepsAreInOrderAndThePositionIsTheLogs) {
  start();
  const auto outcome = follow_typing(true, 3);
  ASSERT_EQ(outcome.code, 0) << outcome.problems;
  const json trace = json::parse(outcome.out);
  EXPECT_EQ(names(trace), all_steps);
  double before_us = 0;
  for (const auto& step : trace["steps"]) {
    EXPECT_GE(step["us"].get<double>(), before_us) << step;
    EXPECT_FALSE(step.contains("allocations")) << "nothing counts here";
    before_us = step["us"];
  }
  EXPECT_EQ(trace["receivers"], json({{"all", 3}, {"sent", 3}, {"blocked", 0}, {"left", 0}}));
  ASSERT_EQ(trace["frames"].size(), 1u);
  EXPECT_EQ(trace["frames"][0]["receivers"], 3);

  // What the log holds at that position is that edit.
  const auto version = trace["position"]["version"].get<std::uint64_t>();
  const auto versions = get("/v1/documents/team/traced/versions?limit=1" +
                            (version == 0 ? "" : "&since=" + std::to_string(version - 1)));
  EXPECT_EQ(trace["position"]["log"], versions["log"]);
  ASSERT_EQ(versions["versions"].size(), 1u);
  EXPECT_EQ(versions["versions"][0]["version"], version);
  EXPECT_EQ(versions["versions"][0]["bytes"], trace["updateBytes"]);
  EXPECT_EQ(versions["versions"][0]["senderId"], trace["sender"]);
}

TEST_F(Trace, PeopleGetTheSameAsLines) {
  start();
  const auto outcome = follow_typing(false, 1);
  ASSERT_EQ(outcome.code, 0) << outcome.problems;
  EXPECT_TRUE(outcome.out.starts_with("team/traced, version ")) << outcome.out;
  EXPECT_NE(outcome.out.find(" for 1 receiver\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("  durable\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("1 receiver: sent to 1 (0 with a full socket), 0 left before"),
            std::string::npos)
      << outcome.out;
}

struct Cost {
  const char* step;
  std::uint64_t allocations_max;
  std::uint64_t copies;
  std::uint64_t system_calls;
};
constexpr std::uint64_t receivers = 8;
/// In words: one receive; one copy into the record; into RocksDB's batch, file buffer and memory
/// table, a write and a sync; one wake-up; one copy into the frame; one send for each receiver,
/// with nothing allocated and nothing copied. RocksDB's allocations are its own.
constexpr Cost costs[] = {
    {"admitted", 0, 0, 1}, {"accepted", 2, 1, 0},   {"appended", 1, 0, 0},
    {"durable", 50, 4, 2}, {"committed", 0, 0, 1},  {"applied", 2, 0, 0},
    {"framed", 3, 1, 0},   {"first_sent", 0, 0, 1}, {"last_sent", 0, 0, receivers - 1},
};

TEST_F(Trace, EachStepCostsWhatItIsKnownToCost) {
  TraceOptions options;
  options.local = options.json = true;
  options.receivers = receivers;
  // Longer than all else that is copied beside the edit.
  options.text_bytes = 3000;
  config_.log.durability = log::embedded::durability::fsync;
  // RocksDB may begin a new block, and a busy machine may put two things into one turn: what it
  // costs is the least of some.
  std::map<std::string, json> least;
  for (int i = 0; i < 4; ++i) {
    const auto outcome = run(options, thread_meter());
    ASSERT_EQ(outcome.code, 0) << outcome.problems;
    const json trace = json::parse(outcome.out);
    ASSERT_EQ(names(trace), all_steps);
    if (i == 0) std::fputs(timeline_text(outcome.out).c_str(), stdout);
    for (const auto& step : trace["steps"]) {
      json& kept = least.try_emplace(step["step"], step).first->second;
      for (const char* const what : {"allocations", "copies", "systemCalls"}) {
        if (step.contains(what)) kept[what] = std::min(kept[what], step[what]);
      }
    }
  }
  for (const Cost& cost : costs) {
    const json& step = least[cost.step];
    EXPECT_LE(step["allocations"], cost.allocations_max) << cost.step;
    EXPECT_EQ(step["copies"], cost.copies) << cost.step;
    EXPECT_EQ(step["systemCalls"], cost.system_calls) << cost.step;
  }
  EXPECT_GT(least["durable"]["allocations"], 0u) << "RocksDB is counted, too";
}

TEST_F(Trace, WhatIsWrongIsSaid) {
  const auto says = [](const Outcome& outcome, const std::string& what) {
    return outcome.out.empty() && outcome.problems.starts_with("weft: trace: ") &&
           outcome.problems.find(what) != std::string::npos;
  };
  TraceOptions options;
  auto outcome = run(options);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(says(outcome, "name a document")) << outcome.problems;
  options.document = "team/%zz";
  EXPECT_EQ(run(options).code, 2);
  options.document = "team/quiet";
  options.local = true;
  EXPECT_EQ(run(options).code, 2);
  options.local = false;
  config_.listen = "127.0.0.1:1";
  outcome = run(options);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(says(outcome, "cannot reach http://127.0.0.1:1")) << outcome.problems;

  config_.listen = "127.0.0.1:0";
  start();
  options.wait_ms = 20;
  outcome = run(options);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_TRUE(says(outcome, "no edit came within 20 ms")) << outcome.problems;

  const std::string target = "/v1/documents/team/quiet/trace";
  EXPECT_EQ(post(target + "?wait_ms=0", {}, 400)["type"], "urn:weft:problem:bad-parameter");
  TestClient proxied(static_cast<std::uint16_t>(std::stoul(port_)));
  EXPECT_EQ(proxied
                .request("POST " + target +
                         " HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1\r\n"
                         "Content-Length: 0\r\n\r\n")
                .status,
            403u);
}

}  // namespace
}  // namespace weft::app
