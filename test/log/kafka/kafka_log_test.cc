#include "weft/log/kafka/kafka_log.h"

#include <algorithm>

#include "log/kafka/kafka_world.h"
#include "weft/base/document_key.h"

namespace weft::log::kafka {
namespace {

using conformance::count_up;
using conformance::Listener;
using conformance::one;
using conformance::record;
using conformance::seqs;

class kafka_log : public ::testing::Test {
 protected:
  std::unique_ptr<KafkaLog> open(const KafkaLogOptions& options = test_options()) {
    auto log = KafkaLog::open(options, *resolver_);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
  base::DocumentId document(const std::string& name) const { return {room_, name, std::nullopt}; }
  std::string topic() const { return topic_of(room_); }

  base::result<ReadResult> read(OpLog& log, const base::DocumentId& of, std::uint64_t from = 0) {
    return test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
      log.read(of, log_offset{from}, 1 << 30, executor_, std::move(done));
    });
  }
  std::uint64_t end(OpLog& log, const base::DocumentId& of) {
    const auto found = test::await<base::result<log_offset>>(
        [&](callback<log_offset> done) { log.end(of, executor_, std::move(done)); });
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? found->value : ~std::uint64_t{0};
  }
  void append_and_wait(OpLog& log, const base::DocumentId& to, std::uint64_t first,
                       std::uint64_t end) {
    Listener listener;
    auto subscription = log.subscribe(to, executor_, listener);
    for (std::uint64_t seq = first; seq < end; ++seq) {
      ASSERT_TRUE(log.append(to, one(record(1, seq))));
    }
    ASSERT_EQ(listener.wait_for(end - first).size(), end - first) << broker().last_words();
    drop(subscription);
  }
  void drop(std::unique_ptr<Subscription>& subscription) {
    executor_.run_on([&] { subscription.reset(); });
  }
  /// A record as Weft writes it, with what a test makes wrong with it.
  Producer::Outgoing outgoing(const base::DocumentId& of, const std::string& source) const {
    return {topic(),
            0,
            of.doc_id,
            true,
            {{record_header, encode_record(record(9, 9))},
             {document_header, base::document_key(of)},
             {source_header, source}},
            base::shared_bytes::copy_of(base::as_bytes("{}x"))};
  }

  const std::string room_ = fresh_room();
  const std::unique_ptr<TopicResolver> resolver_ = default_resolver();
  test::TestExecutor executor_;
};

TEST_F(kafka_log, a_record_lies_in_kafka_as_its_format_says) {
  auto options = test_options();
  options.topics.partitions = 5;
  const auto log = open(options);
  const base::DocumentId id{room_, "the doc", "part"};
  Listener listener;
  auto subscription = log->subscribe(id, executor_, listener);
  ASSERT_TRUE(log->append(id, one(record(7, 300, "{}the envelope"))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  const LogPosition position = log->position(id, listener.records()[0].offset);
  EXPECT_EQ(position.topic, topic());
  EXPECT_EQ(position.partition, partition_of("the doc", 5));
  Outsider outsider;
  const auto raw = outsider.everything_in(topic(), position.partition);
  const auto& found = raw.back();
  EXPECT_EQ(found.offset, position.offset.value);
  EXPECT_EQ(found.key, "the doc");
  EXPECT_EQ(found.value, "{}the envelope");
  ASSERT_EQ(found.headers.size(), 3u);
  EXPECT_EQ(found.headers[0].second, encode_record(record(7, 300)));
  EXPECT_EQ(found.headers[1].second, base::document_key(id));
  EXPECT_EQ(found.headers[2].second, encode_source({position.log, log->actor(), 1}));
  const auto marker = outsider.everything_in(topic(), 0).front();
  EXPECT_FALSE(marker.has_key);
  ASSERT_EQ(marker.headers.size(), 1u);
  EXPECT_EQ(marker.headers[0].second, encode_marker({position.log, 5, false}));
  drop(subscription);
}

TEST_F(kafka_log, keys_go_where_other_producers_put_them) {
  // Kafka's own vectors for its hash (murmur2 of these, positive, over 1000 partitions).
  EXPECT_EQ(partition_of("21", 1000), (-973932308 & 0x7fffffff) % 1000);
  EXPECT_EQ(partition_of("foobar", 1000), (-790332482 & 0x7fffffff) % 1000);
  EXPECT_EQ(partition_of("a-little-bit-long-string", 1000), (-985981536 & 0x7fffffff) % 1000);
  EXPECT_EQ(partition_of("", 7), partition_of(std::string_view(), 7));
}

TEST_F(kafka_log, nodes_see_one_order_and_each_record_once) {
  const auto first = open();
  const auto second = open();
  EXPECT_NE(first->actor(), second->actor());
  EXPECT_EQ(first->id(), second->id());
  const base::DocumentId id = document("a");
  Listener at_first;
  Listener at_second;
  auto one_subscription = first->subscribe(id, executor_, at_first);
  auto other_subscription = second->subscribe(id, executor_, at_second);
  // Until both follow, what the other appends may come before their subscription.
  ASSERT_TRUE(read(*first, id));
  ASSERT_TRUE(read(*second, id));
  constexpr std::uint64_t count = 500;
  std::thread writer([&] {
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
      ASSERT_TRUE(second->append(id, one(record(2, seq))));
    }
  });
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    ASSERT_TRUE(first->append(id, one(record(1, seq))));
  }
  writer.join();
  const auto heard = at_first.wait_for(2 * count);
  const auto heard_too = at_second.wait_for(2 * count);
  ASSERT_EQ(heard.size(), 2 * count);
  ASSERT_EQ(heard_too.size(), 2 * count);
  for (std::size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].offset, heard_too[i].offset);
    EXPECT_EQ(heard[i].record.operation, heard_too[i].record.operation);
  }
  EXPECT_EQ(first->position(id, {}).log, second->position(id, {}).log);
  drop(one_subscription);
  drop(other_subscription);
}

TEST_F(kafka_log, waiting_readers_share_queries_and_passes) {
  auto options = test_options();
  options.reader_threads = 1;
  const auto log = open(options);
  for (const char* name : {"a", "b", "c"}) append_and_wait(*log, document(name), 1, 51);
  const KafkaLogStats before = log->stats();
  constexpr int readers = 60;
  std::vector<std::promise<std::size_t>> results(readers);
  // The only reading thread gets no further than to begin with the first until all have come.
  broker().pause();
  for (int i = 0; i < readers; ++i) {
    log->read(document(std::string(1, static_cast<char>('a' + i % 3))), log_offset{0}, 1 << 30,
              executor_, [&results, i](base::result<ReadResult> found) {
                results[static_cast<std::size_t>(i)].set_value(found ? found->records.size() : 0);
              });
  }
  broker().go_on();
  for (auto& result : results) EXPECT_EQ(result.get_future().get(), 50u);
  const KafkaLogStats after = log->stats();
  EXPECT_LE(after.watermark_queries - before.watermark_queries, 2u);
  EXPECT_LE(after.scans - before.scans, 3u);
}

TEST_F(kafka_log, a_read_that_finds_little_gives_up_in_time_and_goes_on) {
  auto options = test_options();
  options.scan_bytes_max = 20'000;
  const auto log = open(options);
  append_and_wait(*log, document("rare"), 1, 2);
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    ASSERT_TRUE(log->append(document("busy"), one(record(1, seq, std::string(1000, 'x')))));
  }
  append_and_wait(*log, document("rare"), 2, 3);
  std::vector<std::uint64_t> found;
  int calls = 0;
  for (std::uint64_t from = 0;;) {
    const auto part = read(*log, document("rare"), from);
    ASSERT_TRUE(part);
    ++calls;
    for (const std::uint64_t seq : seqs(part->records)) found.push_back(seq);
    if (!part->more) break;
    ASSERT_GT(part->next.value, from);
    from = part->next.value;
  }
  EXPECT_EQ(found, count_up(1, 3));
  EXPECT_GT(calls, 3);
}

TEST_F(kafka_log, the_end_of_a_quiet_document_is_found_behind_a_busy_one) {
  const auto log = open();
  append_and_wait(*log, document("quiet"), 1, 2);
  const std::uint64_t quiet_end = end(*log, document("quiet"));
  append_and_wait(*log, document("busy"), 1, 7001);
  EXPECT_EQ(end(*log, document("quiet")), quiet_end);
  EXPECT_EQ(end(*log, document("never")), 0u);
  // While it is subscribed, what comes counts without looking again.
  Listener listener;
  auto subscription = log->subscribe(document("quiet"), executor_, listener);
  EXPECT_EQ(end(*log, document("quiet")), quiet_end);
  ASSERT_TRUE(log->append(document("quiet"), one(record(1, 2))));
  const auto heard = listener.wait_for(1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(end(*log, document("quiet")), heard[0].offset.value + 1);
  drop(subscription);
}

TEST_F(kafka_log, records_of_others_are_passed_over_and_damage_stays_with_its_document) {
  const auto log = open();
  append_and_wait(*log, document("good"), 1, 3);
  append_and_wait(*log, document("bad"), 1, 3);
  Outsider outsider;
  outsider.produce(
      {topic(), 0, "good", true, {}, base::shared_bytes::copy_of(base::as_bytes("?"))});
  Listener good;
  Listener bad;
  auto good_subscription = log->subscribe(document("good"), executor_, good);
  auto bad_subscription = log->subscribe(document("bad"), executor_, bad);
  ASSERT_TRUE(read(*log, document("good")));
  outsider.produce(outgoing(document("bad"), "no source"));
  ASSERT_TRUE(log->append(document("good"), one(record(1, 3))));
  EXPECT_EQ(seqs(good.wait_for(1)), count_up(3, 4));
  ASSERT_TRUE(bad.wait_until_lost());
  EXPECT_EQ(bad.why().code, errc::corrupt);
  const auto whole = read(*log, document("good"));
  ASSERT_TRUE(whole);
  EXPECT_EQ(seqs(whole->records), count_up(1, 4));
  // What precedes the damage is read, the damage itself says so.
  const auto before = read(*log, document("bad"));
  ASSERT_TRUE(before);
  EXPECT_EQ(seqs(before->records), count_up(1, 3));
  ASSERT_TRUE(before->more);
  const auto there = read(*log, document("bad"), before->next.value);
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().code, errc::corrupt);
  EXPECT_EQ(log->stats().foreign_records, 1u);
  drop(good_subscription);
  drop(bad_subscription);
}

TEST_F(kafka_log, those_who_follow_and_those_who_read_agree_on_what_is_damaged) {
  const auto log = open();
  const base::DocumentId good = document("good");
  append_and_wait(*log, good, 1, 2);
  Outsider outsider;
  const std::string source = encode_source({log->position(good, {}).log, 5, 1});
  auto without_envelope = outgoing(document("no envelope"), source);
  without_envelope.value = base::shared_bytes();
  auto twice = outgoing(document("twice"), source);
  twice.headers.push_back(twice.headers[0]);
  auto nobodys = outgoing(good, source);
  nobodys.headers.push_back(nobodys.headers[1]);
  Listener listeners[2];
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  subscriptions.push_back(log->subscribe(document("no envelope"), executor_, listeners[0]));
  subscriptions.push_back(log->subscribe(document("twice"), executor_, listeners[1]));
  ASSERT_TRUE(read(*log, document("no envelope")));
  ASSERT_TRUE(read(*log, document("twice")));
  outsider.produce(std::move(without_envelope));
  outsider.produce(std::move(twice));
  for (Listener& listener : listeners) {
    ASSERT_TRUE(listener.wait_until_lost());
    EXPECT_EQ(listener.why().code, errc::corrupt);
  }
  for (const char* name : {"no envelope", "twice"}) {
    const auto found = read(*log, document(name));
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, errc::corrupt);
  }
  // Whose it is cannot be told: it is nobody's.
  Listener listener;
  subscriptions.push_back(log->subscribe(good, executor_, listener));
  ASSERT_TRUE(read(*log, good));
  outsider.produce(std::move(nobodys));
  ASSERT_TRUE(log->append(good, one(record(1, 2))));
  EXPECT_EQ(seqs(listener.wait_for(1)), count_up(2, 3));
  const auto whole = read(*log, good);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(seqs(whole->records), count_up(1, 3));
  executor_.run_on([&] { subscriptions.clear(); });
}

TEST_F(kafka_log, a_record_beyond_the_limit_is_refused_alone) {
  auto options = test_options();
  options.record_bytes_max = 3'000'000;
  const auto log = open(options);
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  const auto large = log->append(document("a"), one(record(1, 1, std::string(3'000'001, 'x'))));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, errc::too_large);
  ASSERT_TRUE(log->append(document("a"), one(record(1, 2, std::string(3'000'000, 'x')))));
  const auto heard = listener.wait_for(1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].record.envelope.size(), 3'000'000u);
  drop(subscription);
}

TEST_F(kafka_log, what_only_an_index_of_documents_could_do_is_unsupported) {
  const auto log = open();
  const auto listed = test::await<base::result<std::vector<base::DocumentId>>>(
      [&](callback<std::vector<base::DocumentId>> done) {
        log->documents(nullptr, 10, executor_, std::move(done));
      });
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, errc::unsupported);
  const auto trimmed = test::await<base::result<void>>([&](callback<void> done) {
    log->trim(document("a"), log_offset{1}, executor_, std::move(done));
  });
  ASSERT_FALSE(trimmed);
  EXPECT_EQ(trimmed.error().code, errc::unsupported);
}

TEST_F(kafka_log, it_does_not_open_without_brokers_or_with_wrong_properties) {
  auto options = test_options();
  options.request_timeout = std::chrono::milliseconds(300);
  options.clusters[""] = {{"bootstrap.servers", "127.0.0.1:1"}};
  const auto nobody = KafkaLog::open(options, *resolver_);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, errc::unavailable);
  for (const auto& [name, value] :
       {std::pair{"no.such.property", "1"}, std::pair{"acks", "1"},
        std::pair{"enable.idempotence", "false"}, std::pair{"security.protocol", "pigeon"},
        std::pair{"isolation.level", "read_committed"}}) {
    options = test_options();
    options.clusters[""][name] = value;
    const auto wrong = KafkaLog::open(options, *resolver_);
    ASSERT_FALSE(wrong) << name;
    EXPECT_EQ(wrong.error().code, errc::failed);
    EXPECT_NE(wrong.error().message.find(name), std::string::npos) << wrong.error().message;
    EXPECT_EQ(wrong.error().message.find("pigeon"), std::string::npos);
  }
  EXPECT_FALSE(KafkaLog::open(KafkaLogOptions{}, *resolver_));
}

TEST_F(kafka_log, properties_of_security_reach_the_client) {
  auto options = test_options();
  options.request_timeout = std::chrono::milliseconds(500);
  auto& given = options.clusters[""];
  given["security.protocol"] = "SASL_PLAINTEXT";
  given["sasl.mechanisms"] = "PLAIN";
  given["sasl.username"] = "weft";
  given["sasl.password"] = "secret";
  // This broker's listener speaks no SASL: it would have let a plain client in.
  const auto refused = KafkaLog::open(options, *resolver_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
}

}  // namespace
}  // namespace weft::log::kafka
