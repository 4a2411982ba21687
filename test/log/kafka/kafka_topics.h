#pragma once

#include <memory>
#include <string>

#include "log/kafka/kafka_world.h"

namespace weft::log::kafka {

/// A room of its own, and so a topic, for each test; and what tests of topics ask of a log.
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
    conformance::Listener listener;
    auto subscription = log.subscribe(to, executor_, listener);
    for (std::uint64_t seq = first; seq < end; ++seq) {
      EXPECT_TRUE(log.append(to, conformance::one(conformance::record(1, seq))));
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

}  // namespace weft::log::kafka
