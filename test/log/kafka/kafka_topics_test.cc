// Topics: made, shared, recreated, trimmed, resolved by somebody else.

#include <future>

#include "log/kafka/kafka_world.h"
#include "weft/base/document_key.h"

namespace weft::log::kafka {
namespace {

using conformance::count_up;
using conformance::Listener;
using conformance::one;
using conformance::record;
using conformance::seqs;

/// A resolver that answers when a test lets it, from a thread that is nobody's.
class LateResolver final : public TopicResolver {
 public:
  explicit LateResolver(TopicName name) : name_(std::move(name)) {}
  void resolve(const base::DocumentId&, protocol::Channel, answer done) override {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  void answer_all() {
    std::vector<answer> now;
    {
      const std::scoped_lock lock(mutex_);
      now.swap(waiting_);
    }
    std::thread([&] {
      for (auto& done : now) done(name_);
    }).join();
  }

 private:
  const TopicName name_;
  std::mutex mutex_;
  std::vector<answer> waiting_;
};

class kafka_topics : public ::testing::Test {
 protected:
  std::unique_ptr<KafkaLog> open(const KafkaLogOptions& options = test_options()) {
    return open(options, *resolver_);
  }
  std::unique_ptr<KafkaLog> open(const KafkaLogOptions& options, TopicResolver& resolver) {
    auto log = KafkaLog::open(options, resolver);
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
  base::result<log_offset> end(OpLog& log, const base::DocumentId& of) {
    return test::await<base::result<log_offset>>(
        [&](callback<log_offset> done) { log.end(of, executor_, std::move(done)); });
  }
  base::result<void> trim_partition(KafkaLog& log, const LogPosition& before) {
    return test::await<base::result<void>>(
        [&](callback<void> done) { log.trim_partition(before, executor_, std::move(done)); });
  }
  record_batch append_and_wait(OpLog& log, const base::DocumentId& to, std::uint64_t first,
                               std::uint64_t end) {
    Listener listener;
    auto subscription = log.subscribe(to, executor_, listener);
    for (std::uint64_t seq = first; seq < end; ++seq) {
      EXPECT_TRUE(log.append(to, one(record(1, seq))));
    }
    const auto heard = listener.wait_for(end - first);
    EXPECT_EQ(heard.size(), end - first);
    drop(subscription);
    return heard;
  }
  void drop(std::unique_ptr<Subscription>& subscription) {
    executor_.run_on([&] { subscription.reset(); });
  }

  const std::string room_ = fresh_room();
  const std::unique_ptr<TopicResolver> resolver_ = default_resolver();
  test::TestExecutor executor_;
};

TEST_F(kafka_topics, reading_makes_none_and_appending_makes_one_as_configured) {
  auto options = test_options();
  options.topics.partitions = 3;
  options.topics.more["segment.bytes"] = "20000000";
  options.record_bytes_max = 2'000'000;
  const auto log = open(options);
  Outsider outsider;
  const auto nothing = read(*log, document("a"));
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->records.empty());
  EXPECT_EQ(end(*log, document("a")), log_offset{});
  EXPECT_EQ(outsider.partitions(topic()), 0);
  append_and_wait(*log, document("a"), 1, 2);
  EXPECT_EQ(outsider.partitions(topic()), 3);
  EXPECT_EQ(outsider.setting(topic(), "retention.ms"), "-1");
  EXPECT_EQ(outsider.setting(topic(), "cleanup.policy"), "delete");
  EXPECT_EQ(outsider.setting(topic(), "min.insync.replicas"), "1");
  EXPECT_EQ(outsider.setting(topic(), "segment.bytes"), "20000000");
  EXPECT_EQ(outsider.setting(topic(), "max.message.bytes"), std::to_string(2'000'000 + 65536));
}

TEST_F(kafka_topics, nodes_that_find_a_topic_without_a_marker_agree_on_one) {
  Outsider outsider;
  outsider.create(topic(), 2);
  outsider.produce({topic(), 0, "x", true, {}, base::shared_bytes::copy_of(base::as_bytes("old"))});
  const auto first = open();
  const auto second = open();
  Listener listeners[2];
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  subscriptions.push_back(first->subscribe(document("a"), executor_, listeners[0]));
  subscriptions.push_back(second->subscribe(document("a"), executor_, listeners[1]));
  ASSERT_TRUE(read(*first, document("a")));
  ASSERT_TRUE(read(*second, document("a")));
  ASSERT_TRUE(first->append(document("a"), one(record(1, 1))));
  ASSERT_TRUE(second->append(document("a"), one(record(2, 1))));
  for (Listener& listener : listeners) EXPECT_EQ(listener.wait_for(2).size(), 2u);
  const LogPosition position = first->position(document("a"), {});
  EXPECT_NE(position.log.value, 0u);
  EXPECT_EQ(position.log, second->position(document("a"), {}).log);
  EXPECT_EQ(position.partition, partition_of("a", 2));
  executor_.run_on([&] { subscriptions.clear(); });
}

TEST_F(kafka_topics, partitions_that_are_added_later_change_nothing) {
  Outsider outsider;
  outsider.create(topic(), 3);
  // As somebody would have left it who made it with two and added one.
  outsider.produce({topic(), 0, {}, false, {{marker_header, encode_marker({{77}, 2, false})}}, {}});
  const auto log = open();
  append_and_wait(*log, document("a"), 1, 3);
  const LogPosition position = log->position(document("a"), {});
  EXPECT_EQ(position.log.value, 77u);
  EXPECT_EQ(position.partition, partition_of("a", 2));
}

TEST_F(kafka_topics, a_recreated_topic_ends_its_subscriptions_and_is_another_log) {
  const auto log = open();
  const auto old_records = append_and_wait(*log, document("a"), 1, 11);
  Listener before;
  auto subscription = log->subscribe(document("a"), executor_, before);
  ASSERT_TRUE(read(*log, document("a")));
  const LogPosition old_position = log->position(document("a"), old_records[5].offset);
  Outsider outsider;
  outsider.remove(topic());
  outsider.create(topic(), 1);
  ASSERT_TRUE(before.wait_until_lost()) << broker().last_words();
  EXPECT_EQ(before.why().code, errc::replaced);
  EXPECT_EQ(log->stats().topics_lost, 1u);
  // The lost subscription is still held when somebody begins anew.
  const auto fresh = append_and_wait(*log, document("a"), 100, 103);
  EXPECT_EQ(seqs(fresh), count_up(100, 103));
  EXPECT_LT(fresh[0].offset, old_records[5].offset);
  const LogPosition position = log->position(document("a"), {});
  EXPECT_NE(position.log, old_position.log);
  EXPECT_TRUE(before.records().empty());
  const auto whole = read(*log, document("a"));
  ASSERT_TRUE(whole);
  EXPECT_EQ(seqs(whole->records), count_up(100, 103));
  const auto from_old =
      test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
        log->read_partition(old_position, 1 << 30, executor_, std::move(done));
      });
  ASSERT_FALSE(from_old);
  EXPECT_EQ(from_old.error().code, errc::replaced);
  drop(subscription);
}

TEST_F(kafka_topics, a_topic_recreated_and_filled_beyond_what_was_read_is_noticed) {
  const auto here = open();
  Listener listener;
  auto subscription = here->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(here->append(document("a"), one(record(1, 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  Outsider outsider;
  outsider.remove(topic());
  // Another node makes it again and is ahead of where this one was before it can look.
  const auto there = open();
  append_and_wait(*there, document("a"), 1, 50);
  append_and_wait(*there, document("a"), 50, 60);
  ASSERT_TRUE(listener.wait_until_lost());
  EXPECT_EQ(listener.why().code, errc::replaced);
  EXPECT_EQ(listener.records().size(), 1u);  // nothing of the new topic
  EXPECT_EQ(here->stats().topics_lost, 1u);
  drop(subscription);
}

TEST_F(kafka_topics, what_another_topic_of_the_name_brings_is_not_taken_for_the_old_ones) {
  const auto log = open();
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log->append(document("a"), one(record(1, 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  // To whoever follows the end this looks like a topic that was made again and grew as long.
  Outsider outsider;
  const std::uint64_t end = outsider.watermarks(topic()).end;
  outsider.produce({topic(), 0, {}, false, {{marker_header, encode_marker({{77}, 1, true})}}, {}});
  outsider.delete_before(topic(), end);
  outsider.produce({topic(),
                    0,
                    "a",
                    true,
                    {{record_header, encode_record(record(2, 1))},
                     {document_header, base::document_key(document("a"))},
                     {source_header, encode_source({{77}, 5, 1})}},
                    base::shared_bytes::copy_of(base::as_bytes("{}x"))});
  ASSERT_TRUE(listener.wait_until_lost());
  EXPECT_EQ(listener.why().code, errc::replaced);
  EXPECT_EQ(listener.records().size(), 1u);
  drop(subscription);
}

TEST_F(kafka_topics, a_followed_topic_that_became_another_is_noticed_without_a_record_of_it) {
  auto options = test_options();
  options.identity_check_interval = std::chrono::milliseconds(50);
  const auto log = open(options);
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log->append(document("a"), one(record(1, 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  Outsider outsider;
  const std::uint64_t end = outsider.watermarks(topic()).end;
  outsider.produce({topic(), 0, {}, false, {{marker_header, encode_marker({{77}, 1, true})}}, {}});
  outsider.delete_before(topic(), end);
  ASSERT_TRUE(listener.wait_until_lost());
  EXPECT_EQ(listener.why().code, errc::replaced);
  EXPECT_EQ(log->stats().topics_lost, 1u);
  drop(subscription);
}

TEST_F(kafka_topics, a_record_that_lies_in_another_partition_than_its_document_is_passed_over) {
  auto options = test_options();
  options.topics.partitions = 2;
  const auto log = open(options);
  std::string other = "b";
  while (partition_of(other, 2) == partition_of("a", 2)) other += "b";
  Listener here;
  Listener there;
  auto subscription = log->subscribe(document("a"), executor_, here);
  auto other_subscription = log->subscribe(document(other), executor_, there);
  ASSERT_TRUE(log->append(document("a"), one(record(1, 1))));
  ASSERT_TRUE(log->append(document(other), one(record(1, 2))));
  ASSERT_EQ(here.wait_for(1).size(), 1u);
  ASSERT_EQ(there.wait_for(1).size(), 1u);
  Outsider outsider;
  const base::log_identity identity = log->position(document("a"), {}).log;
  outsider.produce({topic(),
                    partition_of(other, 2),
                    "a",
                    true,
                    {{record_header, encode_record(record(2, 1))},
                     {document_header, base::document_key(document("a"))},
                     {source_header, encode_source({identity, 5, 1})}},
                    base::shared_bytes::copy_of(base::as_bytes("{}x"))});
  ASSERT_TRUE(log->append(document(other), one(record(1, 3))));
  ASSERT_EQ(there.wait_for(2).size(), 2u);  // it lies before this one
  ASSERT_TRUE(log->append(document("a"), one(record(1, 4))));
  EXPECT_EQ(seqs(here.wait_for(2)), (std::vector<std::uint64_t>{1, 4}));
  EXPECT_EQ(log->stats().foreign_records, 1u);
  drop(subscription);
  drop(other_subscription);
}

TEST_F(kafka_topics, a_writer_that_is_behind_is_heard_once_it_is_clear_who_is) {
  const auto log = open();
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log->append(document("a"), one(record(1, 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  Outsider outsider;
  outsider.produce({topic(),
                    0,
                    "a",
                    true,
                    {{record_header, encode_record(record(2, 1))},
                     {document_header, base::document_key(document("a"))},
                     {source_header, encode_source({{123}, 5, 1})}},
                    base::shared_bytes::copy_of(base::as_bytes("{}x"))});
  ASSERT_TRUE(log->append(document("a"), one(record(1, 2))));
  const auto heard = listener.wait_for(3);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[1].record.operation.actor, 2u);
  EXPECT_EQ(heard[2].record.operation.actor, 1u);
  EXPECT_EQ(log->stats().topics_lost, 0u);
  drop(subscription);
}

TEST_F(kafka_topics, a_topic_recreated_while_nobody_looked_has_another_identity) {
  base::log_identity before;
  {
    const auto log = open();
    append_and_wait(*log, document("a"), 1, 5);
    before = log->position(document("a"), {}).log;
  }
  Outsider outsider;
  outsider.remove(topic());
  const auto log = open();
  append_and_wait(*log, document("a"), 1, 5);
  EXPECT_NE(log->position(document("a"), {}).log, before);
}

TEST_F(kafka_topics, a_trimmed_partition_says_so_and_the_topic_stays_what_it_is) {
  base::log_identity before;
  {
    const auto log = open();
    const auto records = append_and_wait(*log, document("a"), 1, 21);
    before = log->position(document("a"), {}).log;
    LogPosition position = log->position(document("a"), records[10].offset);
    ASSERT_TRUE(trim_partition(*log, position));
    const auto below = read(*log, document("a"), records[9].offset.value);
    ASSERT_FALSE(below);
    EXPECT_EQ(below.error().code, errc::trimmed);
    const auto above = read(*log, document("a"), records[10].offset.value);
    ASSERT_TRUE(above);
    EXPECT_EQ(seqs(above->records), count_up(11, 21));
    EXPECT_EQ(end(*log, document("a")), (log_offset{records.back().offset.value + 1}));
    // From the beginning is from where it begins now: else nobody could begin a document here.
    const auto left = read(*log, document("a"));
    ASSERT_TRUE(left) << left.error().message;
    EXPECT_EQ(seqs(left->records), count_up(11, 21));
    const auto never = read(*log, document("never"));
    ASSERT_TRUE(never) << never.error().message;
    EXPECT_TRUE(never->records.empty());
    EXPECT_FALSE(never->more);
    // Nothing of it is left: at least it is known to lie before what is.
    position.offset.value = records.back().offset.value + 1;
    ASSERT_TRUE(trim_partition(*log, position));
    EXPECT_EQ(end(*log, document("a")), position.offset);
    position.log.value ^= 1;
    const auto other = trim_partition(*log, position);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, errc::replaced);
  }
  const auto log = open();
  const auto records = append_and_wait(*log, document("a"), 21, 24);
  EXPECT_EQ(log->position(document("a"), {}).log, before);
  const auto read_again = read(*log, document("a"), records[0].offset.value);
  ASSERT_TRUE(read_again);
  EXPECT_EQ(seqs(read_again->records), count_up(21, 24));
}

/// A topic that is made again, by another node, while this one knows it and follows nothing in it.
class kafka_topics_made_again : public kafka_topics {
 protected:
  void SetUp() override {
    log_ = open();
    append_and_wait(*log_, document("a"), 1, 5);
    before_ = log_->position(document("a"), {}).log;
    outsider_.remove(topic());
    there_ = open();
    append_and_wait(*there_, document("a"), 100, 150);
  }
  void expect_now() {
    EXPECT_EQ(log_->stats().topics_lost, 1u);
    EXPECT_NE(log_->position(document("a"), {}).log, before_);
    EXPECT_EQ(log_->position(document("a"), {}).log, there_->position(document("a"), {}).log);
  }

  Outsider outsider_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<KafkaLog> there_;
  base::log_identity before_;
};

TEST_F(kafka_topics_made_again, is_not_trimmed_in_place_of_the_old_one) {
  const Watermarks there = outsider_.watermarks(topic());
  const auto trimmed = trim_partition(*log_, {"", before_, topic(), 0, {3}});
  ASSERT_FALSE(trimmed);
  EXPECT_EQ(trimmed.error().code, errc::replaced);
  const Watermarks after = outsider_.watermarks(topic());
  EXPECT_EQ(after.first, there.first);
  EXPECT_EQ(after.end, there.end);  // nor was anything written
  EXPECT_EQ(log_->stats().topics_lost, 1u);
  // It knows the new one from here on.
  ASSERT_TRUE(trim_partition(*log_, {"", {}, topic(), 0, {3}}));
  EXPECT_EQ(outsider_.watermarks(topic()).first, 3u);
  append_and_wait(*log_, document("a"), 150, 151);
  expect_now();
}

TEST_F(kafka_topics_made_again, is_read_as_what_it_is) {
  const auto found = read(*log_, document("a"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(seqs(found->records), count_up(100, 150));
  expect_now();
}

TEST_F(kafka_topics_made_again, tells_a_position_of_the_old_one_that_it_was_replaced) {
  const auto found =
      test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
        log_->read_partition({"", before_, topic(), 0, {2}}, 1 << 30, executor_, std::move(done));
      });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::replaced);
}

TEST_F(kafka_topics_made_again, ends_the_subscription_that_took_it_for_the_old_one) {
  Listener listener;
  auto subscription = log_->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(listener.wait_until_lost());
  EXPECT_EQ(listener.why().code, errc::replaced);
  EXPECT_TRUE(listener.records().empty());
  append_and_wait(*log_, document("a"), 150, 151);
  expect_now();
  drop(subscription);
}

TEST_F(kafka_topics, a_topic_deleted_while_nobody_followed_it_is_made_again_by_who_comes_next) {
  auto options = test_options();
  options.request_timeout = std::chrono::milliseconds(500);
  const auto log = open(options);
  append_and_wait(*log, document("a"), 1, 5);
  const base::log_identity before = log->position(document("a"), {}).log;
  Outsider outsider;
  outsider.remove(topic());
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(listener.wait_until_lost());
  EXPECT_EQ(listener.why().code, errc::replaced);
  append_and_wait(*log, document("a"), 5, 7);
  EXPECT_NE(log->position(document("a"), {}).log, before);
  drop(subscription);
}

TEST_F(kafka_topics, a_marker_that_came_second_stays_so_when_the_first_is_trimmed) {
  Outsider outsider;
  outsider.create(topic(), 1);
  // As two nodes that raced leave it.
  for (const std::uint64_t id : {77u, 78u}) {
    outsider.produce(
        {topic(), 0, {}, false, {{marker_header, encode_marker({{id}, 1, false})}}, {}});
  }
  {
    const auto log = open();
    append_and_wait(*log, document("a"), 1, 5);
    const LogPosition position = log->position(document("a"), log_offset{1});
    ASSERT_EQ(position.log.value, 77u);
    ASSERT_TRUE(trim_partition(*log, position));
    EXPECT_EQ(outsider.watermarks(topic()).first, 1u);  // where the second lies
  }
  const auto log = open();
  append_and_wait(*log, document("a"), 5, 7);
  EXPECT_EQ(log->position(document("a"), {}).log.value, 77u);
}

TEST_F(kafka_topics, a_topic_that_lost_its_beginning_before_it_had_a_marker_keeps_the_one_it_gets) {
  Outsider outsider;
  outsider.create(topic(), 1);
  outsider.produce({topic(), 0, "x", true, {}, base::shared_bytes::copy_of(base::as_bytes("old"))});
  outsider.delete_before(topic(), 1);
  base::log_identity before;
  {
    const auto log = open();
    append_and_wait(*log, document("a"), 1, 3);
    before = log->position(document("a"), {}).log;
  }
  const auto log = open();
  append_and_wait(*log, document("a"), 3, 5);
  EXPECT_EQ(log->position(document("a"), {}).log, before);
}

TEST_F(kafka_topics, topics_in_use_are_bounded_and_idle_ones_make_room) {
  auto options = test_options();
  options.topics_max = 2;
  const auto log = open(options);
  const std::vector<std::string> rooms = {fresh_room(), fresh_room(), fresh_room()};
  const auto in = [](const std::string& room) { return base::DocumentId{room, "a", std::nullopt}; };
  Listener listeners[2];
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (std::size_t i = 0; i < 2; ++i) {
    subscriptions.push_back(log->subscribe(in(rooms[i]), executor_, listeners[i]));
    ASSERT_TRUE(log->append(in(rooms[i]), one(record(1, 1))));
    ASSERT_EQ(listeners[i].wait_for(1).size(), 1u);
  }
  const auto full = read(*log, in(rooms[2]));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, errc::overloaded);
  executor_.run_on([&] { subscriptions.clear(); });
  append_and_wait(*log, in(rooms[2]), 1, 4);
  EXPECT_LE(log->stats().topics_open, 2u);
}

TEST_F(kafka_topics, a_resolver_may_answer_late_and_from_anywhere) {
  LateResolver resolver({"", topic()});
  const auto log = open(test_options(), resolver);
  Listener listener;
  auto subscription = log->subscribe(document("a"), executor_, listener);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    ASSERT_TRUE(log->append(document("a"), one(record(1, seq))));
  }
  std::promise<base::result<ReadResult>> found;
  log->read(document("a"), log_offset{0}, 1 << 30, executor_,
            [&](base::result<ReadResult> result) { found.set_value(std::move(result)); });
  EXPECT_TRUE(listener.records().empty());
  resolver.answer_all();
  EXPECT_EQ(seqs(listener.wait_for(20)), count_up(1, 21));
  const auto result = found.get_future().get();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->records.empty());  // they were appended behind the subscription's begin
  drop(subscription);
}

TEST_F(kafka_topics, a_cluster_that_nobody_configured_is_an_error) {
  LateResolver resolver({"elsewhere", topic()});
  const auto log = open(test_options(), resolver);
  std::promise<base::result<ReadResult>> found;
  log->read(document("a"), log_offset{0}, 1 << 30, executor_,
            [&](base::result<ReadResult> result) { found.set_value(std::move(result)); });
  resolver.answer_all();
  const auto result = found.get_future().get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::failed);
}

}  // namespace
}  // namespace weft::log::kafka
