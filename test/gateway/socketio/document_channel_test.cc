// What a client of one document hears, on the document's executor and on another one.

#include <algorithm>

#include "gateway/socketio/port_fixture.h"
#include "support/spelled_authorizer.h"

namespace weft::gateway::socketio {
namespace {

using sim::insert_update;
using testing::edit;
using testing::envelope;

constexpr const char* info = R"("roomId":"room","docId":"doc")";
constexpr const char* log_member = R"("log":"0000000000000007")";

std::string record(int version) {
  const std::string number = std::to_string(version);
  return std::string(R"("topic":"sync-room","partition":0,)") + log_member + R"(,"offset":)" +
         number + R"(,"version":)" + number;
}
std::string version(const std::string& number) {
  return std::string(log_member) + R"(,"version":)" + number;
}
std::string message(const std::string& members, const std::string& channel = "doc") {
  return std::string(R"(451-["protocol-message",{"_placeholder":true,"num":0},{)") + info +
         R"(,"channel":")" + channel + "\"" + (members.empty() ? "" : "," + members) + "}]\n";
}
std::string ack(int id, const std::string& members) {
  return "43" + std::to_string(id) + "[{" + members + "}]\n";
}
std::string refused(int id, const std::string& code) {
  return "43" + std::to_string(id) + R"([{"error":{"code":")" + code + "\"";
}

const std::string joined = message("") + "  step1\n";

/// Both kinds of channel behave the same; in simulated time one executor serves as two.
class DocumentChannelTest : public testing::ChannelTest,
                            public ::testing::WithParamInterface<bool> {
 protected:
  std::unique_ptr<DocumentChannel> open(RemoteChannelOptions options = {}) {
    if (GetParam()) return remote_channel(document_, world_, world_, maker(), *this, options);
    return local_channel(document_, world_, maker(), *this);
  }

  /// What answers a message, wherever it is refused.
  std::string ask(DocumentChannel& to, std::uint64_t ack, const base::shared_bytes& bytes) {
    auto read = read_message(ack, bytes);
    if (!read) return testing::lines_of(base::as_text(ack_error_frame(ack, read.error())));
    to.request(std::move(read->request));
    return all(to);
  }

  /// All that is sent within a while.
  std::string all(DocumentChannel& channel) {
    std::string out;
    for (int i = 0; i < 8; ++i) {
      run();
      out += sent(channel);
    }
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, DocumentChannelTest, ::testing::Bool(), [](const auto& which) {
  return which.param ? std::string("Remote") : std::string("Local");
});

TEST_P(DocumentChannelTest, AnEditIsAcknowledgedWithItsPositionAndShownToOthers) {
  const auto writer = open(), reader = open();
  EXPECT_EQ(all(*writer), joined);
  EXPECT_EQ(all(*reader), joined);
  const auto update = insert_update(1, 0);
  writer->request(edit(update, 5));
  EXPECT_EQ(all(*writer), ack(5, record(0)));
  EXPECT_EQ(all(*reader), message(record(0)) + "  update " + std::to_string(update.size()) + "\n");
  // The same again is known: acknowledged where it lies, and stored once.
  writer->request(edit(update, 6));
  EXPECT_EQ(all(*writer), ack(6, record(0)));
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_P(DocumentChannelTest, WhatComesBeforeTheDocumentIsLoadedWaits) {
  const auto writer = open();
  writer->request(edit(insert_update(1, 0), 1));
  const std::string out = all(*writer);
  EXPECT_EQ(out, joined + ack(1, record(0)));
  EXPECT_EQ(stops_, 0);
}

TEST_P(DocumentChannelTest, ASyncWithoutAVersionBringsTheWhole) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  const auto reader = open();
  reader->request({PortRequest::kind::sync, 3, {}, false});
  const std::string out = all(*reader);
  EXPECT_TRUE(out.starts_with(joined + message(version("0")) + "  step2 ")) << out;
  EXPECT_TRUE(out.ends_with(ack(3, version("0") + R"(,"recovery":"full","reason":"no-version")")))
      << out;
}

TEST_P(DocumentChannelTest, ASyncOfAnEmptyDocumentSaysThatItHasNoVersion) {
  const auto reader = open();
  reader->request({PortRequest::kind::sync, 3, {}, false});
  const std::string out = all(*reader);
  EXPECT_TRUE(
      out.ends_with(ack(3, version("null") + R"(,"recovery":"full","reason":"no-version")")))
      << out;
}

TEST_P(DocumentChannelTest, ASyncByStateVectorBringsTheDifference) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  ASSERT_TRUE(publish(insert_update(1, 1)));
  const auto reader = open();
  PortRequest request{PortRequest::kind::sync, 3, {}, true};
  request.bytes = base::shared_bytes::copy_of(base::byte_vector{1, 1, 1});  // client 1 up to 1
  reader->request(std::move(request));
  const std::string out = all(*reader);
  EXPECT_TRUE(out.starts_with(joined + message(version("1")) + "  step2 ")) << out;
  EXPECT_TRUE(out.ends_with(ack(3, version("1") + R"(,"recovery":"diff")"))) << out;
}

TEST_P(DocumentChannelTest, ASyncFromAVersionBringsWhatFollows) {
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  const auto reader = open();
  reader->request({PortRequest::kind::sync, 3, {}, false, hub::VersionName{{1}, {}}});
  const std::string out = all(*reader);
  EXPECT_TRUE(out.starts_with(joined + message(version("2")) + "  update ")) << out;
  EXPECT_TRUE(out.ends_with(ack(3, version("2") + R"(,"recovery":"tail")"))) << out;
  reader->request({PortRequest::kind::sync, 4, {}, false, hub::VersionName{{2}, {{7}}}});
  EXPECT_EQ(all(*reader), ack(4, version("2") + R"(,"recovery":"tail")"));
}

TEST_P(DocumentChannelTest, AVersionThatLeadsNowhereBringsTheWholeAndSaysWhy) {
  const base::DocumentId other{"room", "other", {}};
  std::optional<base::result<base::log_offset>> published;
  ASSERT_TRUE(publish(insert_update(1, 0)));
  hub_.publish(other, insert_update(1, 0), {"test", {}}, [&](auto at) { published = at; });
  run();
  ASSERT_TRUE(publish(insert_update(1, 1)));
  const auto reader = open();
  all(*reader);
  const std::pair<hub::VersionName, const char*> cases[] = {
      {{{1}, {}}, "unknown"}, {{{9}, {}}, "ahead"}, {{{0}, {{8}}}, "other-log"}};
  for (const auto& [name, reason] : cases) {
    reader->request({PortRequest::kind::sync, 3, {}, false, name});
    const std::string out = all(*reader);
    EXPECT_TRUE(out.starts_with(message(version("2")) + "  step2 ")) << out;
    EXPECT_TRUE(
        out.ends_with(ack(3, version("2") + R"(,"recovery":"full","reason":")" + reason + "\"")))
        << out;
  }
}

TEST_P(DocumentChannelTest, AStep1IsASyncToo) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  const auto reader = open();
  const auto step1 = yjs::encode_sync_step1(base::byte_vector{0});
  reader->request(testing::request_of("doc", step1, 2));
  const std::string out = all(*reader);
  EXPECT_TRUE(out.ends_with(ack(2, version("0") + R"(,"recovery":"diff")"))) << out;
}

TEST_P(DocumentChannelTest, ARefusedEditEndsTheWritingUntilTheNextSync) {
  const auto writer = open();
  all(*writer);
  writer->request(edit(base::as_bytes("garbage"), 1));
  writer->request(edit(insert_update(1, 0), 2));
  std::string out = all(*writer);
  EXPECT_TRUE(out.starts_with(refused(1, "invalid-update"))) << out;
  EXPECT_TRUE(out.contains(refused(2, "write-ended"))) << out;
  EXPECT_EQ(disk_.durable.size(), 0u);
  writer->request({PortRequest::kind::sync, 3, {}, false});
  writer->request(edit(insert_update(1, 0), 4));
  out = all(*writer);
  EXPECT_TRUE(out.ends_with(ack(4, record(0)))) << out;
}

TEST_P(DocumentChannelTest, WhatIsWrongWithAMessageIsSaid) {
  const auto writer = open();
  all(*writer);
  const auto update = yjs::encode_sync_update(insert_update(1, 0));
  auto longer = update;
  longer.push_back(0);
  const auto presence = yjs::encode_awareness(base::byte_vector{0});
  const base::byte_view list = base::as_bytes("[1]");
  const base::shared_bytes wrong[] = {
      base::shared_bytes::copy_of(base::byte_vector{9}),
      envelope("doc", longer),
      envelope("doc", presence),
      envelope("awareness", update),
      envelope("doc", base::byte_vector{2, 0}),
      envelope("control", list),
      envelope("nonsense", update),
      envelope("doc", update, R"(,"version":-1)"),
  };
  for (const auto& bytes : wrong) {
    const std::string out = ask(*writer, 1, bytes);
    EXPECT_TRUE(out.starts_with(refused(1, "bad-envelope"))) << out;
  }
  // Without a callback it is an event, and says which document it is about.
  writer->request({PortRequest::kind::message, {}, wrong[0]});
  const std::string out = all(*writer);
  EXPECT_TRUE(out.starts_with(R"(42["protocol-error",{"code":"bad-envelope",)")) << out;
  EXPECT_TRUE(out.contains(R"("docId":"doc")")) << out;
  // None of that was an edit: the writing goes on.
  writer->request(edit(insert_update(1, 0), 2));
  EXPECT_EQ(all(*writer), ack(2, record(0)));
}

TEST_P(DocumentChannelTest, PresenceAndControlGoToOthers) {
  const auto one = open(), two = open();
  all(*one);
  all(*two);
  const yjs::AwarenessEntry entry{1, 1, R"({"name":"A"})"};
  const auto presence = yjs::encode_awareness(yjs::encode_awareness_update({&entry, 1}));
  one->request(testing::request_of("awareness", presence, 1));
  one->request(testing::request_of("control", base::as_bytes(R"({"type":"app","x":1})"), 2));
  const std::string answers = all(*one);
  EXPECT_EQ(answers, ack(1, "") + ack(2, ""));
  const std::string heard = all(*two);
  EXPECT_TRUE(heard.contains(message("", "awareness") + "  awareness\n")) << heard;
  EXPECT_TRUE(heard.contains(message("", "control") + R"(  {"type":"app","x":1})")) << heard;
}

TEST_P(DocumentChannelTest, AFailedAppendIsRetriable) {
  const auto writer = open();
  all(*writer);
  faults_.append_fails_one_in = 1;
  writer->request(edit(insert_update(1, 0), 1));
  std::string out = all(*writer);
  EXPECT_TRUE(out.starts_with(refused(1, "unavailable"))) << out;
  EXPECT_TRUE(out.contains(R"("retry":true)")) << out;
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(2));
  out = all(*writer);
  EXPECT_TRUE(out.contains(message("", "control") + R"(  {"type":"resync"})")) << out;
  EXPECT_TRUE(out.contains(joined)) << out;
  writer->request(edit(insert_update(1, 0), 2));
  EXPECT_TRUE(all(*writer).ends_with(ack(2, record(0))));
}

TEST_P(DocumentChannelTest, ADocumentThatEndsSaysSoAndAnswersWhatWaits) {
  const auto writer = open();
  all(*writer);
  writer->request(edit(insert_update(1, 0), 1));
  bool drained = false;
  hub_.drain([&] { drained = true; });
  const std::string out = all(*writer);
  EXPECT_TRUE(out.contains(R"(42["protocol-error",{"code":"draining",)")) << out;
  EXPECT_TRUE(out.contains("431[")) << out;
  EXPECT_EQ(lost_, 1);
  EXPECT_EQ(stops_, 0);
  writer->request(edit(insert_update(1, 1), 2));
  EXPECT_TRUE(all(*writer).starts_with(refused(2, "unavailable")));
}

TEST_P(DocumentChannelTest, OneThatIsDestroyedTakesBackItsStop) {
  auto writer = open();
  all(*writer);
  for (std::uint64_t i = 0; i < 4; ++i) writer->request(edit(insert_update(1, i), i));
  world_.run_until(world_.now() + std::chrono::microseconds(1));
  EXPECT_GE(stops_, 1);  // more than inflight_bytes_max waits for the log
  writer.reset();
  EXPECT_EQ(stops_, 0);
  run();
}

TEST_P(DocumentChannelTest, ASlowReaderGetsEverythingInOrder) {
  const auto reader = open(), writer = open();
  all(*reader);
  all(*writer);
  for (std::uint64_t i = 0; i < 20; ++i) {
    writer->request(edit(insert_update(1, i), i));
    run();
    sent(*writer);
  }
  std::string bytes;
  for (int i = 0; i < 200; ++i) {
    run();
    weft::testing::TextSink sink(1);
    reader->collect(sink);
    bytes += sink.text;
  }
  // What the ring dropped comes merged; versions rise up to the last record.
  const std::string out = testing::lines_of(bytes);
  int last = -1;
  for (std::size_t at = 0; (at = out.find("\"version\":", at)) != std::string::npos; ++at) {
    const int next = std::stoi(out.substr(at + 10));
    EXPECT_GT(next, last) << out;
    last = next;
  }
  EXPECT_EQ(last, 19) << out;
}

TEST_P(DocumentChannelTest, SyncsThatOverlapAreAnsweredOneAfterTheOther) {
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  const auto reader = open();
  all(*reader);
  reader->request({PortRequest::kind::sync, 1, {}, false, hub::VersionName{{2}, {}}});
  reader->request({PortRequest::kind::sync, 2, {}, false});
  reader->request({PortRequest::kind::sync, 3, {}, false, hub::VersionName{{0}, {}}});
  const std::string out = all(*reader);
  const std::string answers[] = {
      "update", ack(1, version("3") + R"(,"recovery":"tail")"),
      "step2",  ack(2, version("3") + R"(,"recovery":"full","reason":"no-version")"),
      "update", ack(3, version("3") + R"(,"recovery":"tail")")};
  std::size_t at = 0;
  for (const auto& answer : answers) {
    at = out.find(answer, at);
    ASSERT_NE(at, std::string::npos) << answer << " in " << out;
  }
  EXPECT_EQ(stops_, 0);
}

TEST_P(DocumentChannelTest, AnswersThatNobodyTakesStopTheReading) {
  const auto writer = open();
  all(*writer);
  const auto wrong = base::shared_bytes::copy_of(base::byte_vector{9});
  std::size_t count = 0;
  for (; stops_ == 0; ++count) {
    ASSERT_LT(count, 10'000u);
    writer->request({PortRequest::kind::message, count, wrong});
    if (count % 100 == 0) run(std::chrono::milliseconds(1));
  }
  std::string out;
  for (int i = 0; i < 20; ++i) out += all(*writer);
  EXPECT_EQ(stops_, 0);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(out, '\n')), count);
}

TEST_P(DocumentChannelTest, AClientThatTakesNothingDoesNotHoldUpADrain) {
  const auto writer = open();
  all(*writer);
  faults_.append_fails_one_in = 1;
  writer->request(edit(insert_update(1, 0), 1));
  bool drained = false;
  world_.post([&] { hub_.drain([&] { drained = true; }); });
  run(std::chrono::seconds(5));
  EXPECT_TRUE(drained);
  const std::string out = all(*writer);
  EXPECT_TRUE(out.contains(R"("code":"draining")")) << out;
}

TEST_P(DocumentChannelTest, ControlThatIsTooLongIsNotEvenRead) {
  const auto one = open();
  all(*one);
  const std::string deep = R"({"type":"x","a":)" + std::string(100'000, '[');
  one->request(testing::request_of("control", base::as_bytes(deep), 1));
  EXPECT_TRUE(all(*one).starts_with(refused(1, "too-large")));
}

// --- who may do what ---------------------------------------------------------------------------

class AuthorizedChannelTest : public DocumentChannelTest {
 protected:
  AuthorizedChannelTest() { authorizer_ = &spelled_; }

  static std::string permission(bool write) {
    return message("", "control") + R"(  {"type":"permission","write":)" +
           (write ? "true" : "false") + "}\n";
  }

  weft::testing::SpelledAuthorizer spelled_;
};

INSTANTIATE_TEST_SUITE_P(Both, AuthorizedChannelTest, ::testing::Bool(), [](const auto& which) {
  return which.param ? std::string("Remote") : std::string("Local");
});

TEST_P(AuthorizedChannelTest, WhoMayOnlyReadIsToldSo) {
  token_ = "ra:ada";
  const auto channel = open();
  EXPECT_EQ(all(*channel), permission(false));
  channel->request(edit(insert_update(1, 0), 1));
  EXPECT_TRUE(all(*channel).starts_with(refused(1, "forbidden")));
  // A new token opens the document for writing, and ends the refusal.
  channel->renew({"ada", {}});
  EXPECT_EQ(all(*channel), permission(true) + joined);
  channel->request(edit(insert_update(1, 0), 2));
  EXPECT_EQ(all(*channel), ack(2, record(0)));
  channel->renew({"ada", {.write = false}});
  EXPECT_EQ(all(*channel), permission(false));
}

TEST_P(AuthorizedChannelTest, WhatComesBeforeTheAnswerWaitsForIt) {
  token_ = "rw:ada";
  spelled_.hold = true;
  const auto channel = open();
  channel->request(edit(insert_update(1, 0), 1));
  EXPECT_EQ(all(*channel), "");
  EXPECT_EQ(stops_, 1);  // nothing more is read meanwhile
  spelled_.release(world_);
  EXPECT_EQ(all(*channel), joined + ack(1, record(0)));
  EXPECT_EQ(stops_, 0);
}

TEST_P(AuthorizedChannelTest, ATokenThatIsNoGoodEndsTheChannel) {
  token_ = "nonsense";
  spelled_.hold = true;
  const auto channel = open();
  channel->request(edit(insert_update(1, 0), 1));
  run();
  spelled_.release(world_);
  const std::string out = all(*channel);
  EXPECT_TRUE(out.starts_with(refused(1, "unauthenticated"))) << out;
  EXPECT_TRUE(out.contains(R"(["protocol-error",{"code":"unauthenticated")")) << out;
  EXPECT_EQ(lost_, 1);
}

TEST_P(AuthorizedChannelTest, ANewTokenMayBeQuickerThanTheFirst) {
  token_ = "r:ada";
  spelled_.hold = true;
  const auto channel = open();
  run();
  channel->renew({"ada", {}});
  EXPECT_EQ(all(*channel), joined);
  spelled_.release(world_);
  EXPECT_EQ(all(*channel), "");
  channel->request(edit(insert_update(1, 0), 1));
  EXPECT_EQ(all(*channel), ack(1, record(0)));
}

TEST_P(AuthorizedChannelTest, ATokenThatAllowsNoReadingEndsTheChannel) {
  token_ = "rwac:ada";
  const auto channel = open(), other = open();
  all(*channel);
  all(*other);
  channel->renew({"ada", {.read = false}});
  other->request(edit(insert_update(1, 0), 1));
  all(*other);
  const std::string out = all(*channel);
  EXPECT_TRUE(out.starts_with(R"(42["protocol-error",{"code":"forbidden")")) << out;
  EXPECT_FALSE(out.contains("update")) << out;
  EXPECT_EQ(lost_, 1);
}

TEST_P(AuthorizedChannelTest, ANewTokenTakesUpWhatWasRefusedWhenTheOldOneHadExpired) {
  token_ = "rwac:ada:500";
  const auto channel = open();
  all(*channel);
  run(std::chrono::seconds(1));
  channel->request(edit(insert_update(1, 0), 1));
  EXPECT_TRUE(all(*channel).starts_with(refused(1, "expired")));
  channel->renew({"ada", {}});
  EXPECT_EQ(all(*channel), joined);  // asked for again
  channel->request(edit(insert_update(1, 0), 2));
  EXPECT_EQ(all(*channel), ack(2, record(0)));
}

TEST_P(AuthorizedChannelTest, PresenceThatMayNotBeShownIsPassedOver) {
  token_ = "r:ada";
  const auto channel = open();
  all(*channel);
  const std::uint8_t nobody[] = {0};
  channel->request(testing::request_of("awareness", yjs::encode_awareness(nobody), 1));
  EXPECT_EQ(all(*channel), ack(1, ""));
  EXPECT_EQ(counters_.awareness_updates.load(), 0u);
}

TEST_P(DocumentChannelTest, TheServersOwnControlMessagesAreNotPassedOn) {
  const auto one = open(), other = open();
  all(*one);
  all(*other);
  const char* const forged = R"({"type":"permission","write":false})";
  one->request(testing::request_of("control", base::as_bytes(forged), 1));
  EXPECT_TRUE(all(*one).starts_with(refused(1, "bad-envelope")));
  EXPECT_EQ(all(*other), "");
}

class RemoteChannelTest : public testing::ChannelTest {};

TEST_F(RemoteChannelTest, StopsReadingWhileTooMuchIsOnItsWay) {
  const auto channel =
      remote_channel(document_, world_, world_, maker(), *this, {.request_bytes_max = 300});
  run();
  channel->request(edit(insert_update(1, 0), 1));
  channel->request(edit(insert_update(1, 1), 2));
  EXPECT_EQ(stops_, 1);
  run();
  EXPECT_EQ(stops_, 0);
  EXPECT_TRUE(sent(*channel).contains(joined));
}

}  // namespace
}  // namespace weft::gateway::socketio
