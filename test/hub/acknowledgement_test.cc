// Edits that are acknowledged in the stream, resuming at a version, control messages.

#include <algorithm>

#include "hub/hub_fixture.h"
#include "support/text_sink.h"
#include "weft/hub/errc.h"
#include "weft/protocol/envelope.h"
#include "weft/yjs/update.h"

namespace weft::hub {
namespace {

using sim::insert_update;
using testing::framing;

/// Frames that say what they carry: "u42 " for the record at 42, "a-1 " and "s9 " for answers up to
/// a version (or without one), "c:… " for control.
class NamingFraming final : public Framing {
 public:
  std::size_t header_bytes_max() const override { return 64; }
  std::size_t write_header(const FrameInfo& info, std::uint8_t* out) const override {
    const char kind = info.record ? 'u' : info.type == yjs::sync_type::step2 ? 's' : 'a';
    const std::string text =
        kind + (info.version ? std::to_string(info.version->value) : std::string("-1")) + " ";
    std::memcpy(out, text.data(), text.size());
    return text.size();
  }
  base::shared_bytes frame_awareness(base::byte_view) const override { return {}; }
  base::shared_bytes frame_control(base::byte_view message) const override {
    return base::shared_bytes::copy_of(
        base::as_bytes("c:" + std::string(base::as_text(message)) + " "));
  }
};

class Client final : public SessionEvents {
 public:
  void on_live() override {}
  void on_output() override { ++outputs; }
  void on_resync() override { ++resyncs; }
  void on_uncongested() override {}
  void on_ended(const base::error&) override {}
  void on_acknowledged(std::uint64_t token, const Acknowledgement& what,
                       net::GatherSink& sink) override {
    whole = what.whole;
    const std::string version = what.version ? std::to_string(what.version->value) : "none";
    sink.add(base::shared_bytes::copy_of(
        base::as_bytes("A" + std::to_string(token) + "@" + version + " ")));
  }
  void on_unacknowledged(std::uint64_t token, const base::error&) override {
    failed.push_back(token);
  }

  int outputs = 0, resyncs = 0;
  bool whole = false;
  std::vector<std::uint64_t> failed;
};

class AcknowledgementTest : public testing::HubTest {
 protected:
  std::unique_ptr<Session> join(Client& client) {
    auto session = std::move(hub_.join(document_, names_, client, {"someone", {}}).value());
    run();
    return session;
  }

  /// What the session sends now, without the updates' bytes.
  static std::string sent(Session& session, std::size_t room = 1u << 20) {
    weft::testing::TextSink sink(room);
    session.collect(sink);
    std::string out;
    std::size_t at = 0;
    while (at < sink.text.size()) {
      // A name begins with one of these and goes on to its space; the updates here (insert_update)
      // begin with 1 and end with 0.
      const std::size_t end = sink.text.find(' ', at);
      out += sink.text.substr(at, end - at + 1);
      const bool update = std::string_view("uas").contains(sink.text[at]);
      at = update ? end + 1 + update_bytes_at(sink.text, end + 1) : end + 1;
    }
    if (!out.empty()) out.pop_back();
    return out;
  }

  const NamingFraming names_;

 private:
  /// The length of the update that begins there.
  static std::size_t update_bytes_at(const std::string& bytes, std::size_t at) {
    for (std::size_t size = 2; at + size <= bytes.size(); ++size) {
      if (yjs::validate(base::as_bytes(std::string_view(bytes).substr(at, size)))) return size;
    }
    ADD_FAILURE() << "no update";
    return bytes.size() - at;
  }
};

TEST_F(AcknowledgementTest, ComesOnceDurableAndAtItsPlaceInTheStream) {
  Client one, other;
  const auto writer = join(one);
  const auto reader = join(other);
  ASSERT_TRUE(reader->submit({.update = insert_update(2, 0)}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 7}));
  EXPECT_EQ(sent(*writer), "");
  run();
  ASSERT_TRUE(reader->submit({.update = insert_update(2, 1)}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 1), .token = 8}));
  run();
  EXPECT_EQ(sent(*writer), "u0 A7@1 u2 A8@3");
  EXPECT_EQ(sent(*reader), "u1 u3");
}

TEST_F(AcknowledgementTest, OfALoneWriterNeedsNoFrame) {
  Client one;
  const auto writer = join(one);
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 1}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 1), .token = 2}));
  const int before = one.outputs;
  run();
  EXPECT_GT(one.outputs, before);
  EXPECT_EQ(hub_.status(document_)->ring_bytes, 0u);
  EXPECT_EQ(sent(*writer), "A1@0 A2@1");
  EXPECT_EQ(sent(*writer), "");
}

TEST_F(AcknowledgementTest, OfWhatIsKnownWaitsForAllThatIsInFlight) {
  Client one;
  const auto writer = join(one);
  // Nothing at all, in a document without a record.
  ASSERT_TRUE(writer->submit({.update = base::byte_vector{0, 0}, .token = 1}));
  EXPECT_EQ(sent(*writer), "A1@none");
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 2}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 3}));
  writer->acknowledge(4);
  EXPECT_EQ(sent(*writer), "");
  run();
  EXPECT_EQ(sent(*writer), "A2@0 A3@0 A4@0");
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 5}));
  EXPECT_EQ(sent(*writer), "A5@0");
  EXPECT_EQ(disk_.durable.size(), 1u);
}

TEST_F(AcknowledgementTest, OfWhatIsKnownStandsBeforeThatOfWhatCameLater) {
  Client one;
  const auto writer = join(one);
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 1}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 2}));
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 1), .token = 3}));
  run();
  EXPECT_EQ(sent(*writer), "A1@0 A2@0 A3@1");
}

TEST_F(AcknowledgementTest, ASmallSocketGetsThemInOrderToo) {
  Client one, other;
  const auto writer = join(one);
  const auto reader = join(other);
  std::string expected, got;
  for (std::uint64_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(reader->submit({.update = insert_update(2, i)}));
    ASSERT_TRUE(writer->submit({.update = insert_update(1, i), .token = i}));
    run();
    expected += "u" + std::to_string(2 * i) + " A" + std::to_string(i) + "@" +
                std::to_string(2 * i + 1) + " ";
  }
  for (int i = 0; i < 100; ++i) {
    const std::string some = sent(*writer, 1);
    if (!some.empty()) got += some + " ";
  }
  EXPECT_EQ(got, expected);
}

TEST_F(AcknowledgementTest, AReaderThatFellOffTheRingGetsThemBehindTheRemainder) {
  Client one, other;
  const auto writer = join(one);
  const auto reader = join(other);
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(reader->submit({.update = insert_update(2, i)}));
    ASSERT_TRUE(writer->submit({.update = insert_update(1, i), .token = i}));
    run();
  }
  EXPECT_EQ(sent(*writer), "");  // the remainder is being read
  run();
  std::string all;
  for (int i = 0; i < 5; ++i) all += sent(*writer) + " ";
  // Whole or remainder, it says up to where it goes, and the acknowledgements stand behind it.
  std::uint64_t delivered = 0, next = 0;
  std::istringstream words(all);
  for (std::string word; words >> word;) {
    if (word[0] != 'A') {
      EXPECT_GE(std::stoull(word.substr(1)), delivered) << all;
      delivered = std::stoull(word.substr(1));
      continue;
    }
    const auto at = word.find('@');
    EXPECT_EQ(std::stoull(word.substr(1, at - 1)), next++);
    const std::uint64_t version = std::stoull(word.substr(at + 1));
    EXPECT_GE(version, delivered) << all;
    delivered = version;
  }
  EXPECT_EQ(next, 50u);
}

TEST_F(AcknowledgementTest, AFailedAppendIsToldAndMayBeRepeated) {
  Client one;
  const auto writer = join(one);
  faults_.append_fails_one_in = 1;
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 1}));
  run();
  EXPECT_EQ(one.failed, std::vector<std::uint64_t>{1});
  EXPECT_EQ(sent(*writer), "");
  // While that is looked into, nothing else is taken, and that is told too.
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 2}));
  EXPECT_EQ(one.failed, (std::vector<std::uint64_t>{1, 2}));
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(2));
  EXPECT_EQ(one.resyncs, 1);
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 3}));
  run();
  const std::string after = sent(*writer);
  EXPECT_TRUE(after.ends_with("A3@0")) << after;
}

TEST_F(AcknowledgementTest, ASessionThatHasGoneIsNotTold) {
  Client one, other;
  auto writer = join(one);
  const auto stays = join(other);
  ASSERT_TRUE(writer->submit({.update = insert_update(1, 0), .token = 1}));
  writer.reset();
  run();
  EXPECT_EQ(sent(*stays), "u0");
}

// --- envelopes ----------------------------------------------------------------------------------

base::shared_bytes envelope_around(const base::byte_vector& update, yjs::sync_type type) {
  const std::string metadata =
      R"({"docId":"doc","roomId":"room","channel":"doc","senderId":"me","mine":[1,2]})";
  base::byte_vector out{static_cast<std::uint8_t>(metadata.size()), 0};
  out.insert(out.end(), metadata.begin(), metadata.end());
  std::uint8_t header[yjs::sync_header_bytes_max];
  const std::size_t header_bytes = yjs::write_sync_header(type, update.size(), header);
  out.insert(out.end(), header, header + header_bytes);
  out.insert(out.end(), update.begin(), update.end());
  return base::shared_bytes::adopt(std::move(out));
}

TEST_F(AcknowledgementTest, AnEnvelopeIsStoredAsItCame) {
  Client one;
  const auto writer = join(one);
  const auto update = insert_update(1, 0);
  const auto envelope = envelope_around(update, yjs::sync_type::update);
  ASSERT_TRUE(writer->submit({.update = update, .envelope = envelope}));
  run();
  ASSERT_EQ(disk_.durable.size(), 1u);
  const auto& stored = disk_.durable[0].entry.record.envelope;
  EXPECT_TRUE(std::ranges::equal(stored.view(), envelope.view()));
}

TEST_F(AcknowledgementTest, WhatIsCutKeepsTheMetadataOfItsEnvelope) {
  Client one;
  const auto writer = join(one);
  ASSERT_TRUE(publish(insert_update(1, 0)));
  const auto first = insert_update(1, 0), second = insert_update(1, 1);
  const auto both = yjs::merge(std::vector<base::byte_view>{first, second}).value();
  const auto envelope = envelope_around(both, yjs::sync_type::step2);
  ASSERT_TRUE(writer->submit({.update = both, .from_sync = true, .envelope = envelope}));
  run();
  ASSERT_EQ(disk_.durable.size(), 2u);
  const auto parts = protocol::split_envelope(disk_.durable[1].entry.record.envelope);
  ASSERT_TRUE(parts);
  EXPECT_TRUE(std::ranges::equal(parts->metadata, protocol::split_envelope(envelope)->metadata));
  std::size_t consumed = 0;
  const auto message = yjs::decode_message(parts->payload, consumed);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->sync, yjs::sync_type::update);
  yjs::Knowledge known;
  ASSERT_TRUE(yjs::learn(message->body, known));
  EXPECT_FALSE(known.structs.contains(1, {0, 1}));
  EXPECT_TRUE(known.structs.contains(1, {1, 2}));
}

// --- resuming -----------------------------------------------------------------------------------

TEST_F(AcknowledgementTest, ResumingInTheRingBringsEachRecordAgain) {
  Client one, behind;
  const auto reader = join(one);
  const auto keeps_the_ring = join(behind);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  EXPECT_EQ(sent(*reader), "u0 u1 u2 u3");
  reader->resume({2});
  reader->acknowledge(9);
  EXPECT_EQ(sent(*reader), "u2 u3 A9@3");
  EXPECT_FALSE(one.whole);
}

TEST_F(AcknowledgementTest, ResumingBehindTheRingReadsTheLog) {
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  Client one;
  const auto reader = join(one);
  reader->resume({2});
  reader->acknowledge(9);
  run();
  EXPECT_EQ(sent(*reader), "a3 A9@3");
  EXPECT_FALSE(one.whole);
  reader->resume({4});
  reader->acknowledge(10);
  EXPECT_EQ(sent(*reader), "A10@3");
}

TEST_F(AcknowledgementTest, ResumingWhereTheLogCannotBeReadBringsTheWhole) {
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  Client one;
  const auto reader = join(one);
  faults_.load_fails_one_in = 1;
  reader->resume({2});
  reader->acknowledge(9);
  run();
  EXPECT_EQ(sent(*reader), "s3 A9@3");
  EXPECT_TRUE(one.whole);
}

TEST_F(AcknowledgementTest, GoingBackWhileAReadIsUnderWaySkipsNothing) {
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(publish(insert_update(1, i)));
  Client one;
  const auto reader = join(one);
  reader->resume({6});
  reader->resume({2});
  reader->acknowledge(9);
  run();
  weft::testing::TextSink sink;
  reader->collect(sink);
  // The one remainder that comes begins where the second one asked for.
  ASSERT_TRUE(sink.text.starts_with("a7 ")) << sink.text;
  yjs::Knowledge known;
  const std::string_view body = std::string_view(sink.text).substr(3);
  ASSERT_TRUE(body.ends_with("A9@7 "));
  ASSERT_TRUE(yjs::learn(base::as_bytes(body.substr(0, body.size() - 5)), known));
  EXPECT_TRUE(known.structs.contains(1, {2, 8}));
}

TEST_F(AcknowledgementTest, ARecordThatTurnedUpIsNotMissedByWhoResumesBeforeIt) {
  ASSERT_TRUE(publish(insert_update(1, 0)));
  Client one, two;
  const auto writer = join(one);
  // The append fails, and its record is in the log all the same.
  faults_.append_fails_one_in = 1;
  for (std::uint64_t clock = 1; clock < 40 && disk_.durable.size() < 2; ++clock) {
    ASSERT_TRUE(writer->submit({.update = insert_update(2, 0)}));
    run(std::chrono::seconds(3));
  }
  faults_.append_fails_one_in = 0;
  run(std::chrono::seconds(3));
  ASSERT_GE(disk_.durable.size(), 2u);
  const auto late = join(two);
  late->resume({1});
  late->acknowledge(1);
  run();
  const std::string out = sent(*late);
  EXPECT_TRUE(out.contains("A1@")) << out;
  EXPECT_TRUE(out.starts_with("a") || out.starts_with("s")) << out;
}

// --- control ------------------------------------------------------------------------------------

TEST_F(AcknowledgementTest, ControlGoesToTheOthersWhoseProtocolHasIt) {
  Client one, two, three;
  const auto from = join(one);
  const auto to = join(two);
  const auto plain = std::move(hub_.join(document_, framing, three, {"x", {}}).value());
  run();
  ASSERT_TRUE(from->send_control(base::as_bytes(std::string_view("hello"))));
  EXPECT_EQ(sent(*from), "");
  EXPECT_EQ(sent(*to), "c:hello");
  weft::testing::TextSink sink;
  plain->collect(sink);
  EXPECT_EQ(sink.text, "");
}

TEST_F(AcknowledgementTest, ASlowReaderLosesTheOldestControlMessages) {
  Client one, two;
  const auto from = join(one);
  const auto to = join(two);
  const std::string large(options().control_message_bytes_max, 'x');
  const std::size_t many = options().control_bytes_max / large.size() + 3;
  for (std::size_t i = 0; i < many; ++i) {
    ASSERT_TRUE(from->send_control(base::as_bytes(large)));
  }
  weft::testing::TextSink sink;
  to->collect(sink);
  EXPECT_LE(sink.text.size(), options().control_bytes_max);
  EXPECT_GE(counters_.control_dropped.load(), 3u);
  const auto refused = from->send_control(base::as_bytes(large + "x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::too_large);
}

}  // namespace
}  // namespace weft::hub
