// Which topic of a name it is: made again, deleted, without its beginning, with several markers.

#include "log/kafka/kafka_topics.h"
#include "weft/base/document_key.h"

namespace weft::log::kafka {
namespace {

using conformance::count_up;
using conformance::Listener;
using conformance::one;
using conformance::record;
using conformance::seqs;

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

}  // namespace
}  // namespace weft::log::kafka
