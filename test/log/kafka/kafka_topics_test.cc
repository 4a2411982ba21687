// Topics: made, shared, trimmed, resolved by somebody else.

#include <future>

#include "log/kafka/kafka_topics.h"
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
    // What is left is not all that there was; nor is it known of others that nothing was there.
    for (const char* name : {"a", "never"}) {
      const auto from_the_beginning = read(*log, document(name));
      ASSERT_FALSE(from_the_beginning) << name;
      EXPECT_EQ(from_the_beginning.error().code, errc::trimmed);
    }
    const auto never = read(*log, document("never"), records[10].offset.value);
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
