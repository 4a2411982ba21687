// A broker that crashes, stands still or breaks idempotence in the middle of appends: nothing
// acknowledged is lost, the order is kept, nothing is acknowledged twice.

#include <algorithm>
#include <map>
#include <set>

#include "log/kafka/kafka_world.h"

namespace weft::log::kafka {
namespace {

using conformance::Listener;
using conformance::one;
using conformance::record;

/// Appends to two documents from a thread of its own until it is stopped, as a server would: what
/// is refused at once is tried again later, what fails is not.
class Load {
 public:
  Load(KafkaLog& log, std::string room) : log_(log), room_(std::move(room)) {
    for (const char* name : {"a", "b"}) {
      listeners_.push_back(std::make_unique<Listener>());
      subscriptions_.push_back(log_.subscribe(document(name), executor_, *listeners_.back()));
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Load() {
    stop();
    executor_.run_on([&] { subscriptions_.clear(); });
  }

  void stop() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  void wait_for_acknowledged(std::size_t more) {
    const std::size_t before = listeners_[0]->records().size();
    EXPECT_GE(listeners_[0]->wait_for(before + more).size(), before + more)
        << broker().last_words();
  }

  /// After stop: until everything is answered; then looks at what was told and what is there.
  void check() {
    for (std::size_t i = 0; i < listeners_.size(); ++i) expect_one_answer_each(i);
    const auto reader = KafkaLog::open(test_options(), *resolver_);
    ASSERT_TRUE(reader);
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      const record_batch acknowledged = listeners_[i]->records();
      const auto stored = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
        (*reader)->read(document(i == 0 ? "a" : "b"), log_offset{0}, 1 << 30, executor_,
                        std::move(done));
      });
      ASSERT_TRUE(stored) << stored.error().message;
      EXPECT_FALSE(stored->more);
      // Told is what is there: each record once, at its offset, in the log's order.
      ASSERT_EQ(stored->records.size(), acknowledged.size());
      std::uint64_t last_seq = 0;
      for (std::size_t at = 0; at < acknowledged.size(); ++at) {
        EXPECT_EQ(stored->records[at].offset, acknowledged[at].offset);
        const std::uint64_t seq = acknowledged[at].record.operation.seq;
        EXPECT_EQ(stored->records[at].record.operation.seq, seq);
        EXPECT_GT(seq, last_seq);
        last_seq = seq;
      }
    }
    EXPECT_EQ(log_.stats().inflight_bytes, 0u);
  }
  std::size_t failed() const { return failed_; }

 private:
  base::DocumentId document(const std::string& name) const { return {room_, name, std::nullopt}; }

  /// Of every append one: it is committed or it failed. What was told commit_unknown may come all
  /// the same, once.
  void expect_one_answer_each(std::size_t i) {
    Listener& listener = *listeners_[i];
    EXPECT_GE(listener.wait_for_answers(appended_[i].size()), appended_[i].size())
        << broker().last_words();
    std::map<std::uint64_t, int> answers;
    for (const CommittedRecord& entry : listener.records()) ++answers[entry.record.operation.seq];
    const auto reasons = listener.reasons();
    const auto failed = listener.wait_for_failed(reasons.size());
    for (std::size_t at = 0; at < reasons.size(); ++at) {
      int& count = answers[failed[at].seq];
      count = reasons[at] == errc::commit_unknown && count == 1 ? 1 : count + 1;
    }
    failed_ += reasons.size();
    EXPECT_EQ(answers.size(), appended_[i].size());
    for (const std::uint64_t seq : appended_[i]) EXPECT_EQ(answers[seq], 1) << seq;
  }

  void run() {
    for (std::uint64_t seq = 1; !stopping_.load(); ++seq) {
      for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (log_.append(document(i == 0 ? "a" : "b"), one(record(log_.actor(), seq)))) {
          appended_[i].push_back(seq);
        }
      }
      // No more than so many unanswered: a full speed would only fill the queue.
      constexpr std::size_t unanswered_max = 50;
      for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (appended_[i].size() > unanswered_max) {
          listeners_[i]->wait_for_answers(appended_[i].size() - unanswered_max);
        }
      }
    }
  }

  KafkaLog& log_;
  const std::string room_;
  const std::unique_ptr<TopicResolver> resolver_ = default_resolver();
  test::TestExecutor executor_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::vector<std::uint64_t> appended_[2];  ///< seqs
  std::size_t failed_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class kafka_faults : public ::testing::Test {
 protected:
  std::unique_ptr<KafkaLog> open(const KafkaLogOptions& options) {
    auto log = KafkaLog::open(options, *resolver_);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
  const std::unique_ptr<TopicResolver> resolver_ = default_resolver();
};

TEST_F(kafka_faults, a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing) {
  const auto log = open(test_options());
  Load load(*log, fresh_room());
  load.wait_for_acknowledged(200);
  broker().kill();
  ASSERT_TRUE(broker().start()) << broker().last_words();
  load.wait_for_acknowledged(200);
  load.stop();
  load.check();
  EXPECT_EQ(load.failed(), 0u);
  EXPECT_TRUE(eventually([&] { return log->writable(); }));
}

TEST_F(kafka_faults, a_broker_that_stands_still_makes_the_log_unwritable_until_it_goes_on) {
  auto options = test_options();
  options.stall = std::chrono::milliseconds(300);
  const auto log = open(options);
  Load load(*log, fresh_room());
  load.wait_for_acknowledged(100);
  broker().pause();
  ASSERT_TRUE(eventually([&] { return !log->writable(); }));
  broker().go_on();
  load.wait_for_acknowledged(100);
  load.stop();
  load.check();
  EXPECT_EQ(load.failed(), 0u);
  EXPECT_TRUE(eventually([&] { return log->writable(); }));
}

TEST_F(kafka_faults, appends_that_time_out_are_looked_for_before_they_are_given_up) {
  auto options = test_options();
  options.append_timeout = std::chrono::milliseconds(1000);
  const auto log = open(options);
  const std::string room = fresh_room();
  const base::DocumentId id{room, "a", std::nullopt};
  test::TestExecutor executor;
  Listener listener;
  auto subscription = log->subscribe(id, executor, listener);
  ASSERT_TRUE(log->append(id, one(record(log->actor(), 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  broker().pause();
  constexpr std::uint64_t count = 50;
  for (std::uint64_t seq = 2; seq <= count; ++seq) {
    ASSERT_TRUE(log->append(id, one(record(log->actor(), seq))));
  }
  // What hangs in the broker's socket is not given up while it stands still.
  ASSERT_TRUE(eventually(
      [&] { return log->stats().doubtful_records > 0 || log->stats().failed_records > 0; }));
  EXPECT_GT(log->stats().doubtful_records, 0u);
  EXPECT_NE(listener.why().code, errc::commit_unknown);
  broker().go_on();
  EXPECT_GE(listener.wait_for_answers(count), count) << broker().last_words();
  ASSERT_TRUE(log->append(id, one(record(log->actor(), count + 1))));
  const auto is_last = [&] {
    const auto heard = listener.records();
    return !heard.empty() && heard.back().record.operation.seq == count + 1;
  };
  ASSERT_TRUE(eventually(is_last)) << broker().last_words();
  const auto heard = listener.records();
  std::set<std::uint64_t> seqs;
  for (const CommittedRecord& entry : heard) {
    EXPECT_TRUE(seqs.insert(entry.record.operation.seq).second);
  }
  // Whatever was told, what was heard is what is there.
  const auto stored = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
    log->read(id, log_offset{0}, 1 << 30, executor, std::move(done));
  });
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->records.size(), heard.size());
  for (std::size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(stored->records[i].offset, heard[i].offset);
  }
  executor.run_on([&] { subscription.reset(); });
}

TEST_F(kafka_faults, a_producer_that_breaks_is_replaced_and_every_append_is_answered) {
  const auto log = open(test_options());
  Load load(*log, fresh_room());
  for (std::uint64_t round = 1; round <= 3; ++round) {
    load.wait_for_acknowledged(50);
    log->break_producers();
    ASSERT_TRUE(eventually([&] { return log->stats().producers_replaced >= round; }));
  }
  load.wait_for_acknowledged(50);
  load.stop();
  load.check();
  EXPECT_TRUE(eventually([&] { return log->writable(); }));
}

/// A broker that comes back without the records that it had acknowledged, the marker excepted.
class kafka_faults_power_loss : public kafka_faults {
 protected:
  static constexpr std::uint64_t count = 10;
  void SetUp() override {
    log_ = open(test_options());
    subscription_ = log_->subscribe(id_, executor_, listener_);
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
      ASSERT_TRUE(log_->append(id_, one(record(log_->actor(), seq))));
    }
    ASSERT_EQ(listener_.wait_for(count).size(), count);
    before_ = log_->position(id_, {}).log;
    broker().kill();
    ASSERT_TRUE(broker().forget_records(topic_of(id_.room_id), 0));
    ASSERT_TRUE(broker().start()) << broker().last_words();
  }
  void TearDown() override {
    executor_.run_on([&] { subscription_.reset(); });
  }
  /// It is the same topic, and goes on with what is appended from now on.
  void expect_to_go_on() {
    Listener next;
    auto subscription = log_->subscribe(id_, executor_, next);
    // The producer's sequence is lost as well: the first append may be the one to find that out.
    std::size_t appended = 0;
    while (next.records().empty() && appended < 2) {
      ASSERT_TRUE(eventually([&] { return log_->writable(); }));
      if (!log_->append(id_, one(record(log_->actor(), 100 + appended)))) continue;
      ++appended;
      ASSERT_EQ(next.wait_for_answers(appended), appended) << broker().last_words();
    }
    EXPECT_EQ(next.records().size(), 1u) << next.why().message;
    EXPECT_EQ(log_->position(id_, {}).log, before_);
    EXPECT_EQ(log_->stats().topics_lost, 0u);
    executor_.run_on([&] { subscription.reset(); });
  }

  const base::DocumentId id_{fresh_room(), "a", std::nullopt};
  test::TestExecutor executor_;
  Listener listener_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<Subscription> subscription_;
  base::log_identity before_;
};

TEST_F(kafka_faults_power_loss, ends_the_subscriptions_that_had_seen_more) {
  ASSERT_TRUE(listener_.wait_until_lost()) << broker().last_words();
  EXPECT_EQ(listener_.why().code, errc::replaced);
  EXPECT_EQ(listener_.records().size(), count);
  expect_to_go_on();
}

TEST_F(kafka_faults_power_loss, leaves_no_append_without_an_answer) {
  ASSERT_TRUE(log_->append(id_, one(record(log_->actor(), count + 1))));
  EXPECT_EQ(listener_.wait_for_failed(1).size(), 1u) << broker().last_words();
  ASSERT_TRUE(listener_.wait_until_lost());
  EXPECT_EQ(listener_.records().size(), count);
  expect_to_go_on();
}

/// The same where nobody had a subscription that could have told.
TEST_F(kafka_faults_power_loss, is_gone_on_after_by_who_subscribes_next) {
  executor_.run_on([&] { subscription_.reset(); });
  expect_to_go_on();
  const auto left = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
    log_->read(id_, log_offset{0}, 1 << 30, executor_, std::move(done));
  });
  ASSERT_TRUE(left) << left.error().message;
  ASSERT_EQ(left->records.size(), 1u);
  EXPECT_GE(left->records[0].record.operation.seq, 100u);
}

TEST_F(kafka_faults, without_a_broker_reads_say_so_and_closing_ends) {
  auto options = test_options();
  options.request_timeout = std::chrono::milliseconds(500);
  options.close_timeout = std::chrono::milliseconds(500);
  const auto log = open(options);
  const base::DocumentId id{fresh_room(), "a", std::nullopt};
  test::TestExecutor executor;
  Listener listener;
  auto subscription = log->subscribe(id, executor, listener);
  ASSERT_TRUE(log->append(id, one(record(1, 1))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  broker().kill();
  const base::DocumentId other{fresh_room(), "b", std::nullopt};
  const auto unread = test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
    log->read(other, log_offset{0}, 1 << 30, executor, std::move(done));
  });
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().code, errc::unavailable);
  ASSERT_TRUE(eventually([&] { return !log->writable(); }));
  ASSERT_TRUE(log->append(id, one(record(1, 2))));
  log->close();
  EXPECT_EQ(listener.wait_for_failed(1).size(), 1u);
  executor.run_on([&] { subscription.reset(); });
  ASSERT_TRUE(broker().start()) << broker().last_words();
}

}  // namespace
}  // namespace weft::log::kafka
