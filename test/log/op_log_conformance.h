#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "log/log_listener.h"
#include "support/test_executor.h"
#include "weft/log/op_log.h"

/// What every OpLog promises, as tests that each driver passes. A driver instantiates the suite
/// with a factory that makes a fresh, empty place for logs, in which the documents of one room have
/// one partition. What only the log of one process promises, which knows its documents one by one,
/// is a suite of its own.
namespace weft::log::conformance {

/// Where a driver keeps one test's log; opening it again is a restart.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<OpLog> open() = 0;
  /// The same place with this bound on what may wait.
  virtual std::unique_ptr<OpLog> open_bounded(std::size_t inflight_bytes_max) = 0;
};

using place_factory = std::function<std::unique_ptr<Place>()>;

class OpLogConformance : public ::testing::TestWithParam<place_factory> {
 protected:
  void SetUp() override {
    place_ = GetParam()();
    log_ = place_->open();
    ASSERT_NE(log_, nullptr);
  }
  void TearDown() override {
    if (log_) log_->close();
  }

  void restart() {
    log_->close();
    log_.reset();
    log_ = place_->open();
    ASSERT_NE(log_, nullptr);
  }

  base::result<ReadResult> read(const base::DocumentId& of, std::uint64_t from,
                                std::size_t bytes_max = 1 << 30) {
    return test::await<base::result<ReadResult>>([&](callback<ReadResult> done) {
      log_->read(of, log_offset{from}, bytes_max, executor_, std::move(done));
    });
  }
  base::result<PartitionReadResult> read_partition(std::uint64_t from,
                                                   std::size_t bytes_max = 1 << 30) {
    return test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
      log_->read_partition(log_->position(document("a"), log_offset{from}), bytes_max, executor_,
                           std::move(done));
    });
  }
  std::uint64_t end(const base::DocumentId& of) {
    const auto result = test::await<base::result<log_offset>>(
        [&](callback<log_offset> done) { log_->end(of, executor_, std::move(done)); });
    EXPECT_TRUE(result.has_value());
    return result ? result->value : 0;
  }
  base::result<void> trim(const base::DocumentId& of, std::uint64_t before) {
    return test::await<base::result<void>>([&](callback<void> done) {
      log_->trim(of, log_offset{before}, executor_, std::move(done));
    });
  }

  /// Appends records first..end-1 one by one and waits until the log has them.
  void append_and_wait(const base::DocumentId& to, std::uint64_t first, std::uint64_t end) {
    Listener listener;
    const auto subscription = log_->subscribe(to, executor_, listener);
    for (std::uint64_t seq = first; seq < end; ++seq) {
      ASSERT_TRUE(log_->append(to, one(record(log_->actor(), seq))));
    }
    ASSERT_EQ(listener.wait_for(end - first).size(), end - first);
    drop(subscription);
  }

  /// Ends a subscription where it must end: on its executor.
  void drop(const std::unique_ptr<Subscription>& subscription) {
    auto& owner = const_cast<std::unique_ptr<Subscription>&>(subscription);
    executor_.run_on([&] { owner.reset(); });
  }

  test::TestExecutor executor_;
  std::unique_ptr<Place> place_;
  std::unique_ptr<OpLog> log_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OpLogConformance);

class OwnLogConformance : public OpLogConformance {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnLogConformance);

TEST_P(OpLogConformance, a_new_log_is_empty) {
  EXPECT_NE(log_->id().value, 0u);
  EXPECT_NE(log_->actor(), 0u);
  EXPECT_EQ(log_->next_seq(), 1u);
  EXPECT_TRUE(log_->writable());
  const auto result = read(document("a"), 0);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->records.empty());
  EXPECT_FALSE(result->more);
  EXPECT_EQ(end(document("a")), 0u);
}

TEST_P(OpLogConformance, what_is_appended_is_delivered_and_read_back_the_same) {
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  Record original = record(7, 9, "some bytes");
  original.identity = "someone";
  original.received_at_ms = -5;
  ASSERT_TRUE(log_->append(document("a"), one(original)));
  const record_batch delivered = listener.wait_for(1);
  ASSERT_EQ(delivered.size(), 1u);
  const auto stored = read(document("a"), 0);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->records.size(), 1u);
  for (const CommittedRecord& entry : {delivered[0], stored->records[0]}) {
    EXPECT_EQ(entry.record.operation, original.operation);
    EXPECT_EQ(entry.record.received_at_ms, original.received_at_ms);
    EXPECT_EQ(entry.record.identity, original.identity);
    EXPECT_TRUE(base::equal(entry.record.envelope, original.envelope));
  }
  EXPECT_EQ(delivered[0].offset, stored->records[0].offset);
  EXPECT_EQ(end(document("a")), delivered[0].offset.value + 1);
  drop(subscription);
}

TEST_P(OpLogConformance, names_that_only_look_alike_are_different_documents) {
  const std::vector<base::DocumentId> ids = {{"a", "bc", std::nullopt},
                                             {"ab", "c", std::nullopt},
                                             {"a", "b", "c"},
                                             {"a", "bc", ""},
                                             {"", "abc", std::nullopt}};
  for (std::size_t i = 0; i < ids.size(); ++i) append_and_wait(ids[i], i + 1, i + 2);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto result = read(ids[i], 0);
    ASSERT_TRUE(result);
    EXPECT_EQ(seqs(result->records), count_up(i + 1, i + 2));
  }
}

TEST_P(OpLogConformance, each_threads_appends_to_a_document_keep_their_order) {
  constexpr std::uint64_t threads = 4;
  constexpr std::uint64_t each = 500;
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  std::vector<std::thread> writers;
  for (std::uint64_t t = 0; t < threads; ++t) {
    writers.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < each; ++i) {
        ASSERT_TRUE(log_->append(document("a"), one(record(100 + t, i))));
        ASSERT_TRUE(log_->append(document("other"), one(record(100 + t, i))));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const record_batch delivered = listener.wait_for(threads * each);
  ASSERT_EQ(delivered.size(), threads * each);
  std::vector<std::uint64_t> next(threads, 0);
  std::optional<log_offset> previous;
  for (const CommittedRecord& entry : delivered) {
    EXPECT_EQ(entry.record.operation.seq, next[entry.record.operation.actor - 100]++);
    if (previous) {
      EXPECT_LT(*previous, entry.offset);
    }
    previous = entry.offset;
  }
  const auto stored = read(document("a"), 0);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->records.size(), delivered.size());
  for (std::size_t i = 0; i < delivered.size(); ++i) {
    EXPECT_EQ(stored->records[i].offset, delivered[i].offset);
    EXPECT_EQ(stored->records[i].record.operation, delivered[i].record.operation);
  }
  drop(subscription);
}

TEST_P(OpLogConformance, subscribing_and_then_reading_misses_nothing_and_nothing_comes_late) {
  constexpr std::uint64_t count = 3000;
  const base::DocumentId id = document("a");
  std::thread writer([&] {
    for (std::uint64_t seq = 1; seq <= count; ++seq) {
      ASSERT_TRUE(log_->append(id, one(record(log_->actor(), seq))));
    }
  });
  // Joiners come at all times; each keeps what its read and its subscription say, by offset.
  struct Joiner final : Subscriber {
    void on_committed(const record_batch& records) override {
      const std::scoped_lock lock(mutex);
      for (const CommittedRecord& entry : records) {
        if (read_done && entry.offset < read_end) overtaken = true;
        delivered.push_back(entry.offset.value);
        seen.insert(entry.record.operation.seq);
      }
      changed.notify_all();
    }
    void on_append_failed(const std::vector<base::OperationId>&, const base::error&) override {}
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::uint64_t> seen;
    std::vector<std::uint64_t> delivered;
    bool read_done = false;
    log_offset read_end;
    bool overtaken = false;
  };
  std::vector<std::unique_ptr<Joiner>> joiners;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  const auto join = [&] {
    joiners.push_back(std::make_unique<Joiner>());
    Joiner& joiner = *joiners.back();
    subscriptions.push_back(log_->subscribe(id, executor_, joiner));
    const bool read_ok = test::await<bool>([&](std::move_only_function<void(bool)> done) {
      log_->read(id, log_offset{0}, 1 << 30, executor_,
                 [&joiner, done = std::move(done)](base::result<ReadResult> result) mutable {
                   if (result) {
                     const std::scoped_lock lock(joiner.mutex);
                     for (const CommittedRecord& entry : result->records) {
                       joiner.seen.insert(entry.record.operation.seq);
                     }
                     joiner.read_end = result->next;
                     joiner.read_done = true;
                   }
                   done(result.has_value());
                 });
    });
    EXPECT_TRUE(read_ok);
  };
  for (int i = 0; i < 20; ++i) join();
  writer.join();
  // The last one comes when everything has been told: it has only its read.
  {
    std::unique_lock lock(joiners.front()->mutex);
    joiners.front()->changed.wait_for(lock, std::chrono::seconds(20),
                                      [&] { return joiners.front()->seen.size() == count; });
  }
  join();
  for (const auto& joiner : joiners) {
    std::unique_lock lock(joiner->mutex);
    joiner->changed.wait_for(lock, std::chrono::seconds(20),
                             [&] { return joiner->seen.size() == count; });
    EXPECT_EQ(joiner->seen.size(), count);
    EXPECT_FALSE(joiner->overtaken);
    EXPECT_TRUE(std::is_sorted(joiner->delivered.begin(), joiner->delivered.end()));
  }
  executor_.run_on([&] { subscriptions.clear(); });
}

TEST_P(OpLogConformance, nothing_comes_after_a_subscription_ended) {
  Listener ended;
  Listener lasting;
  const auto first = log_->subscribe(document("a"), executor_, ended);
  const auto second = log_->subscribe(document("a"), executor_, lasting);
  drop(first);
  ASSERT_TRUE(log_->append(document("a"), one(record(1, 1))));
  EXPECT_EQ(lasting.wait_for(1).size(), 1u);
  EXPECT_TRUE(ended.records().empty());
  drop(second);
}

TEST_P(OpLogConformance, reads_stop_at_the_budget_and_go_on_where_they_stopped) {
  const base::DocumentId id = document("a");
  std::vector<Record> records;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    records.push_back(record(1, seq, std::string(1000, 'x')));
  }
  Listener listener;
  const auto subscription = log_->subscribe(id, executor_, listener);
  ASSERT_TRUE(log_->append(id, std::move(records)));
  ASSERT_EQ(listener.wait_for(100).size(), 100u);
  std::vector<std::uint64_t> all;
  log_offset from{0};
  for (bool more = true; more;) {
    const auto result = read(id, from.value, 2500);
    ASSERT_TRUE(result);
    ASSERT_FALSE(result->records.empty());
    EXPECT_LE(result->records.size(), 2u);
    for (const std::uint64_t seq : seqs(result->records)) all.push_back(seq);
    from = result->next;
    more = result->more;
  }
  EXPECT_EQ(all, count_up(1, 101));
  const auto single = read(id, 0, 1);
  ASSERT_TRUE(single);
  EXPECT_EQ(single->records.size(), 1u);
  drop(subscription);
}

TEST_P(OpLogConformance, a_partition_reads_as_all_its_documents_in_offset_order) {
  for (std::uint64_t round = 0; round < 5; ++round) {
    append_and_wait(document("a"), 1 + round * 10, 11 + round * 10);
    append_and_wait(document("b"), 1001 + round * 10, 1011 + round * 10);
  }
  std::vector<std::uint64_t> a;
  std::vector<std::uint64_t> b;
  log_offset from{0};
  std::optional<log_offset> previous;
  for (bool more = true; more;) {
    const auto result = read_partition(from.value, 100);
    ASSERT_TRUE(result);
    for (const PartitionRecord& entry : result->records) {
      if (previous) {
        EXPECT_LT(*previous, entry.entry.offset);
      }
      previous = entry.entry.offset;
      (entry.document == document("a") ? a : b).push_back(entry.entry.record.operation.seq);
    }
    from = result->next;
    more = result->more;
  }
  EXPECT_EQ(a, count_up(1, 51));
  EXPECT_EQ(b, count_up(1001, 1051));
  EXPECT_EQ(from.value, previous->value + 1);
}

TEST_P(OpLogConformance, a_position_names_the_log_and_no_other_one_is_read) {
  append_and_wait(document("a"), 1, 11);
  LogPosition position = log_->position(document("a"), log_offset{5});
  EXPECT_NE(position.log.value, 0u);
  EXPECT_FALSE(position.topic.empty());
  EXPECT_EQ(position.offset.value, 5u);
  const auto read_there = [&] {
    return test::await<base::result<PartitionReadResult>>([&](callback<PartitionReadResult> done) {
      log_->read_partition(position, 1 << 30, executor_, std::move(done));
    });
  };
  EXPECT_TRUE(read_there());
  position.log.value ^= 1;
  const auto other_log = read_there();
  ASSERT_FALSE(other_log);
  EXPECT_EQ(other_log.error().code, errc::replaced);
  position.log = {};
  EXPECT_TRUE(read_there());
  position.partition = 1000;
  const auto nowhere = read_there();
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, errc::not_found);
}

TEST_P(OpLogConformance, a_restart_keeps_identity_and_records) {
  const base::log_identity id = log_->id();
  append_and_wait(document("a"), 1, 51);
  append_and_wait(document("b"), 51, 61);
  const base::log_identity of_a = log_->position(document("a"), log_offset{}).log;
  const std::uint64_t end_before = end(document("a"));
  restart();
  EXPECT_EQ(log_->id(), id);
  EXPECT_EQ(end(document("a")), end_before);
  EXPECT_EQ(log_->position(document("a"), log_offset{}).log, of_a);
  append_and_wait(document("a"), 61, 71);
  const auto result = read(document("a"), 0);
  ASSERT_TRUE(result);
  std::vector<std::uint64_t> expected = count_up(1, 51);
  for (const std::uint64_t seq : count_up(61, 71)) expected.push_back(seq);
  EXPECT_EQ(seqs(result->records), expected);
  for (std::size_t i = 1; i < result->records.size(); ++i) {
    EXPECT_LT(result->records[i - 1].offset, result->records[i].offset);
  }
}

TEST_P(OpLogConformance, operations_of_other_actors_do_not_move_the_sequence) {
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log_->append(document("a"), one(record(log_->actor() + 1, 500))));
  ASSERT_TRUE(log_->append(document("a"), one(record(log_->actor(), 3))));
  ASSERT_EQ(listener.wait_for(2).size(), 2u);
  EXPECT_EQ(log_->next_seq(), 4u);
  drop(subscription);
}

TEST_P(OpLogConformance, close_commits_what_was_accepted) {
  for (std::uint64_t seq = 1; seq <= 2000; ++seq) {
    ASSERT_TRUE(log_->append(document("a"), one(record(log_->actor(), seq))));
  }
  restart();
  const auto result = read(document("a"), 0);
  ASSERT_TRUE(result);
  EXPECT_EQ(seqs(result->records), count_up(1, 2001));
}

TEST_P(OpLogConformance, a_closed_log_says_so) {
  log_->close();
  EXPECT_FALSE(log_->writable());
  const auto appended = log_->append(document("a"), one(record(1, 1)));
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, errc::closed);
  const auto result = read(document("a"), 0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::closed);
}

TEST_P(OpLogConformance, an_overloaded_log_writes_nothing_and_recovers) {
  log_->close();
  log_.reset();
  log_ = place_->open_bounded(64 << 10);
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  std::vector<std::uint64_t> accepted;
  std::uint64_t refused = 0;
  for (std::uint64_t seq = 1; seq <= 20000 && refused < 10; ++seq) {
    const auto result = log_->append(document("a"), one(record(1, seq, std::string(30000, 'x'))));
    if (result) {
      accepted.push_back(seq);
    } else {
      EXPECT_EQ(result.error().code, errc::overloaded);
      ++refused;
    }
  }
  EXPECT_EQ(refused, 10u);
  // A refused batch stays the caller's, to be tried again.
  std::vector<Record> kept = one(record(1, 20001, std::string(30000, 'x')));
  base::result<void> again;
  for (int i = 0; i < 20000 && (again = log_->append(document("a"), std::move(kept))); ++i) {
    accepted.push_back(20001 + static_cast<std::uint64_t>(i));
    kept = one(record(1, 20002 + static_cast<std::uint64_t>(i), std::string(30000, 'x')));
  }
  ASSERT_FALSE(again);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].envelope.size(), 30000u);
  EXPECT_EQ(seqs(listener.wait_for(accepted.size())), accepted);
  // Larger than the whole bound, but alone: it must be possible at some time.
  ASSERT_TRUE(log_->append(document("a"), one(record(1, 50000, std::string(200 << 10, 'x')))));
  EXPECT_EQ(listener.wait_for(accepted.size() + 1).size(), accepted.size() + 1);
  drop(subscription);
}

TEST_P(OwnLogConformance, one_append_is_one_delivery) {
  std::vector<Record> records;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    records.push_back(record(1, seq, std::string(1000, 'x')));
  }
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log_->append(document("a"), std::move(records)));
  ASSERT_EQ(listener.wait_for(100).size(), 100u);
  EXPECT_EQ(listener.batches(), 1u);
  drop(subscription);
}

TEST_P(OwnLogConformance, a_restart_keeps_the_actor_and_its_sequence) {
  const std::uint64_t actor = log_->actor();
  append_and_wait(document("a"), 1, 51);
  Listener listener;
  const auto subscription = log_->subscribe(document("a"), executor_, listener);
  ASSERT_TRUE(log_->append(document("a"), one(record(log_->actor() + 1, 500))));
  ASSERT_EQ(listener.wait_for(1).size(), 1u);
  drop(subscription);
  restart();
  EXPECT_EQ(log_->actor(), actor);
  EXPECT_EQ(log_->next_seq(), 51u);
}

TEST_P(OwnLogConformance, trimmed_records_are_gone_and_reading_there_says_so) {
  append_and_wait(document("a"), 1, 101);
  append_and_wait(document("b"), 101, 111);
  const auto all = read(document("a"), 0);
  ASSERT_TRUE(all);
  const log_offset middle = all->records[50].offset;
  ASSERT_TRUE(trim(document("a"), middle.value));
  for (int run = 0; run < 2; ++run) {
    const auto below = read(document("a"), middle.value - 1);
    ASSERT_FALSE(below);
    EXPECT_EQ(below.error().code, errc::trimmed);
    const auto above = read(document("a"), middle.value);
    ASSERT_TRUE(above);
    EXPECT_EQ(seqs(above->records), count_up(51, 101));
    EXPECT_EQ(end(document("a")), all->next.value);
    const auto other = read(document("b"), 0);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->records.size(), 10u);
    restart();
  }
  append_and_wait(document("a"), 111, 121);
  const auto more = read(document("a"), all->next.value);
  ASSERT_TRUE(more);
  EXPECT_EQ(seqs(more->records), count_up(111, 121));
}

TEST_P(OwnLogConformance, trimming_everything_keeps_the_end_and_takes_new_records) {
  append_and_wait(document("a"), 1, 11);
  append_and_wait(document("b"), 11, 21);
  const std::uint64_t end_before = end(document("a"));
  ASSERT_TRUE(trim(document("a"), ~std::uint64_t{0}));
  EXPECT_EQ(end(document("a")), end_before);
  restart();
  EXPECT_EQ(end(document("a")), end_before);
  append_and_wait(document("a"), 21, 31);
  const auto result = read(document("a"), end_before);
  ASSERT_TRUE(result);
  EXPECT_EQ(seqs(result->records), count_up(21, 31));
  const auto partition = read_partition(0);
  ASSERT_TRUE(partition);
  EXPECT_EQ(partition->records.size(), 20u);
}

TEST_P(OwnLogConformance, trimming_goes_on_beside_appends) {
  std::uint64_t seq = 1;
  for (int round = 0; round < 6; ++round) {
    for (const char* name : {"a", "b", "c"}) {
      append_and_wait(document(name), seq, seq + 7);
      seq += 7;
      ASSERT_TRUE(trim(document(name), end(document(name)) - 2));
    }
  }
  for (const char* name : {"a", "b", "c"}) {
    const auto kept = read(document(name), end(document(name)) - 2);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->records.size(), 2u);
  }
}

TEST_P(OwnLogConformance, documents_are_listed_in_pieces) {
  std::set<base::DocumentId> expected;
  for (int i = 0; i < 25; ++i) {
    const base::DocumentId id = document("doc" + std::to_string(i));
    append_and_wait(id, static_cast<std::uint64_t>(i) + 1, static_cast<std::uint64_t>(i) + 2);
    expected.insert(id);
  }
  std::set<base::DocumentId> listed;
  std::optional<base::DocumentId> after;
  for (;;) {
    const auto part = test::await<base::result<std::vector<base::DocumentId>>>(
        [&](callback<std::vector<base::DocumentId>> done) {
          log_->documents(after ? &*after : nullptr, 10, executor_, std::move(done));
        });
    ASSERT_TRUE(part);
    if (part->empty()) break;
    EXPECT_LE(part->size(), 10u);
    for (const base::DocumentId& id : *part) EXPECT_TRUE(listed.insert(id).second);
    after = part->back();
  }
  EXPECT_EQ(listed, expected);
}

}  // namespace weft::log::conformance
