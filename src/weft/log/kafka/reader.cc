#include "weft/log/kafka/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weft/log/op_log.h"

namespace weft::log::kafka {
namespace {

constexpr std::size_t topic_handles_max = 1000;
/// How often a call looks whether it should end.
constexpr int look_ms = 100;
constexpr std::chrono::milliseconds retry_delay{20};
/// How often a handle that nobody uses is polled, since it keeps what it has to say.
constexpr std::chrono::seconds poll_interval{1};

struct NewTopicDeleter {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
};
struct OptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};
struct DeleteRecordsDeleter {
  void operator()(rd_kafka_DeleteRecords_t* records) const {
    rd_kafka_DeleteRecords_destroy(records);
  }
};
struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using options_ptr = std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter>;

std::string name_of(const std::string& topic, std::int32_t partition) {
  return topic + "[" + std::to_string(partition) + "]";
}

bool may_pass(const base::error& why) { return why.code == errc::unavailable; }

}  // namespace

base::result<std::unique_ptr<Reader>> Reader::open(const properties& given, base::Events* events,
                                                   std::chrono::milliseconds patience,
                                                   const std::atomic<bool>& closing) {
  std::unique_ptr<Reader> out(new Reader(patience, &closing));
  out->callbacks_.events = events;
  // A scan ends in the middle of what it could have: waiting for more would only keep the next
  // scan waiting.
  auto handle = make_consumer(out->callbacks_, given, std::chrono::milliseconds(10));
  if (!handle) return base::fail(std::move(handle.error()));
  out->handle_ = std::move(*handle);
  out->queue_.reset(rd_kafka_queue_new(out->handle_.get()));
  out->leftovers_.emplace(out->handle_.get());
  return out;
}

std::unique_ptr<Reader> Reader::refusing(base::error why) {
  std::unique_ptr<Reader> out(new Reader({}, nullptr));
  out->refusal_ = std::move(why);
  return out;
}

base::result<void> Reader::may_go_on() const {
  if (closing_ == nullptr) return base::fail(base::error(refusal_));
  if (closing_->load()) return base::fail(errc::closed, "kafka: the log is closed");
  return {};
}

void Reader::poll() {
  rd_kafka_poll(handle_.get(), 0);
  leftovers_->sweep();
}

base::result<void> Reader::ping() {
  if (auto ok = may_go_on(); !ok) return ok;
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code = rd_kafka_metadata(handle_.get(), 0, nullptr, &metadata, patience_ms());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return base::fail(to_error(code, "looking for brokers"));
  rd_kafka_metadata_destroy(metadata);
  return {};
}

base::result<std::string> Reader::cluster_id() {
  if (auto ok = may_go_on(); !ok) return base::fail(std::move(ok.error()));
  char* const id = rd_kafka_clusterid(handle_.get(), patience_ms());
  if (id == nullptr) {
    return base::fail(errc::unavailable, "kafka: no broker answered within " +
                                             std::to_string(patience_.count()) + " ms");
  }
  std::string out(id);
  rd_kafka_mem_free(handle_.get(), id);
  return out;
}

base::result<rd_kafka_topic_t*> Reader::topic_handle(const std::string& topic) {
  const auto found = topics_.find(topic);
  if (found != topics_.end()) return found->second.get();
  if (topics_.size() >= topic_handles_max) topics_.clear();
  auto made = make_topic(handle_.get(), topic);
  if (!made) return base::fail(std::move(made.error()));
  return topics_.emplace(topic, std::move(*made)).first->second.get();
}

base::result<std::optional<std::int32_t>> Reader::partitions(const std::string& topic) {
  if (auto ok = may_go_on(); !ok) return base::fail(std::move(ok.error()));
  const auto handle = topic_handle(topic);
  if (!handle) return base::fail(base::error(handle.error()));
  leftovers_->sweep();  // the answer may be that it was deleted
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code = rd_kafka_metadata(handle_.get(), 0, *handle, &raw, patience_ms());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return base::fail(to_error(code, "topic " + topic));
  const std::unique_ptr<const rd_kafka_metadata_t, void (*)(const rd_kafka_metadata_t*)> metadata(
      raw, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1) {
    return base::fail(errc::unavailable, "kafka: topic " + topic + ": no metadata came");
  }
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (says_unknown(found.err)) return std::nullopt;
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return base::fail(to_error(found.err, "topic " + topic));
  }
  return found.partition_cnt;
}

base::result<Reader::event_ptr> Reader::wait_for_admin(rd_kafka_queue_t* queue,
                                                       const std::string& doing) {
  // The request has a deadline of its own, so an answer always comes.
  for (;;) {
    event_ptr event(rd_kafka_queue_poll(queue, look_ms), rd_kafka_event_destroy);
    if (event) {
      const auto code = rd_kafka_event_error(event.get());
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return base::fail(to_error(code, doing));
      return event;
    }
    if (auto ok = may_go_on(); !ok) return base::fail(std::move(ok.error()));
  }
}

base::result<bool> Reader::create(const std::string& topic, const TopicSettings& settings,
                                  std::size_t record_bytes_max) {
  if (auto ok = may_go_on(); !ok) return base::fail(std::move(ok.error()));
  const std::string doing = "creating topic " + topic;
  std::array<char, 512> why{};
  const std::unique_ptr<rd_kafka_NewTopic_t, NewTopicDeleter> wanted(rd_kafka_NewTopic_new(
      topic.c_str(), settings.partitions, settings.replication, why.data(), why.size()));
  if (!wanted) return base::fail(errc::failed, "kafka: " + doing + ": " + why.data());
  std::map<std::string, std::string> config = settings.more;
  config.insert({
      {"retention.ms", "-1"},
      {"retention.bytes", "-1"},
      {"cleanup.policy", "delete"},
      {"max.message.bytes", std::to_string(record_bytes_max + overhead_bytes_max)},
      {"unclean.leader.election.enable", "false"},
  });
  if (settings.min_insync_replicas > 0) {
    config.emplace("min.insync.replicas", std::to_string(settings.min_insync_replicas));
  }
  for (const auto& [name, value] : config) {
    rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
  }
  const queue_ptr queue(rd_kafka_queue_new(handle_.get()));
  const options_ptr options(
      rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), patience_ms(), nullptr, 0);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), patience_ms(), nullptr, 0);
  rd_kafka_NewTopic_t* list = wanted.get();
  rd_kafka_CreateTopics(handle_.get(), &list, 1, options.get(), queue.get());
  const auto event = wait_for_admin(queue.get(), doing);
  if (!event) return base::fail(base::error(event.error()));
  std::size_t count = 0;
  const auto* const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  WEFT_CHECK(count == 1);
  const auto code = rd_kafka_topic_result_error(results[0]);
  const bool existed = code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !existed) {
    auto error = to_error(code, doing);
    if (const char* text = rd_kafka_topic_result_error_string(results[0])) {
      error.message += std::string(" (") + text + ")";
    }
    return base::fail(std::move(error));
  }
  // A new topic is not known to every broker at once.
  const auto deadline = clock::now() + patience_;
  for (;;) {
    const auto known = partitions(topic);
    if (known && *known) return !existed;
    if (!known && !may_pass(known.error())) return base::fail(base::error(known.error()));
    if (clock::now() > deadline) {
      return base::fail(errc::unavailable, "kafka: " + doing + ": it does not appear");
    }
    std::this_thread::sleep_for(retry_delay);
  }
}

base::result<Watermarks> Reader::watermarks(const std::string& topic, std::int32_t partition) {
  const auto deadline = clock::now() + patience_;
  for (;;) {
    if (auto ok = may_go_on(); !ok) return base::fail(std::move(ok.error()));
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto code = rd_kafka_query_watermark_offsets(handle_.get(), topic.c_str(), partition,
                                                       &low, &high, patience_ms());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Watermarks{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)};
    }
    auto why = to_error(code, "the end of " + name_of(topic, partition));
    if (!may_pass(why) || clock::now() > deadline) return base::fail(std::move(why));
    std::this_thread::sleep_for(retry_delay);
  }
}

base::result<void> Reader::scan(const std::string& topic, std::int32_t partition,
                                std::uint64_t from, std::uint64_t limit,
                                const std::function<bool(const rd_kafka_message_t&)>& each) {
  if (auto ok = may_go_on(); !ok) return ok;
  if (from >= limit) return {};
  const auto handle = topic_handle(topic);
  if (!handle) return base::fail(base::error(handle.error()));
  leftovers_->starts(topic, partition);
  if (rd_kafka_consume_start_queue(*handle, partition, static_cast<std::int64_t>(from),
                                   queue_.get()) != 0) {
    return base::fail(to_error(rd_kafka_last_error(), "reading " + name_of(topic, partition)));
  }
  auto out = consume(*handle, partition, from, limit, each);
  rd_kafka_consume_stop(*handle, partition);
  leftovers_->stopped(topic, partition);
  return out;
}

base::result<void> Reader::consume(rd_kafka_topic_t* topic, std::int32_t partition,
                                   std::uint64_t from, std::uint64_t limit,
                                   const std::function<bool(const rd_kafka_message_t&)>& each) {
  const std::string name = name_of(rd_kafka_topic_name(topic), partition);
  auto deadline = clock::now() + patience_;
  for (;;) {
    const message_ptr message(rd_kafka_consume_queue(queue_.get(), look_ms));
    rd_kafka_poll(handle_.get(), 0);
    if (auto ok = may_go_on(); !ok) return ok;
    // What is of another topic is left over from a scan before.
    if (!message || message->rkt != topic || message->partition != partition) {
      if (clock::now() < deadline) continue;
      return base::fail(errc::unavailable, "kafka: reading " + name + ": no answer");
    }
    const auto offset = static_cast<std::uint64_t>(message->offset);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      deadline = clock::now() + patience_;
      if (offset < from) continue;
      if (offset >= limit || !each(*message) || offset + 1 == limit) return {};
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // A new leader may not know yet how far the others had come.
      if (offset >= limit) return {};
      if (clock::now() > deadline) {
        return base::fail(errc::unavailable, "kafka: reading " + name + ": its end went back");
      }
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return base::fail(errc::trimmed, "kafka: " + name + " has no offset " + std::to_string(from));
    } else {
      auto why = to_error(message->err, "reading " + name);
      if (!may_pass(why) || clock::now() > deadline) return base::fail(std::move(why));
    }
  }
}

base::result<void> Reader::delete_before(const std::string& topic, std::int32_t partition,
                                         std::uint64_t before) {
  if (auto ok = may_go_on(); !ok) return ok;
  const std::string doing = "trimming " + name_of(topic, partition);
  const std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter> list(
      rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
      static_cast<std::int64_t>(before);
  const std::unique_ptr<rd_kafka_DeleteRecords_t, DeleteRecordsDeleter> wanted(
      rd_kafka_DeleteRecords_new(list.get()));
  const queue_ptr queue(rd_kafka_queue_new(handle_.get()));
  const options_ptr options(
      rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), patience_ms(), nullptr, 0);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), patience_ms(), nullptr, 0);
  rd_kafka_DeleteRecords_t* request = wanted.get();
  rd_kafka_DeleteRecords(handle_.get(), &request, 1, options.get(), queue.get());
  const auto event = wait_for_admin(queue.get(), doing);
  if (!event) return base::fail(base::error(event.error()));
  const auto* const result = rd_kafka_event_DeleteRecords_result(event->get());
  const auto* const done = rd_kafka_DeleteRecords_result_offsets(result);
  WEFT_CHECK(done->cnt == 1);
  if (done->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return base::fail(to_error(done->elems[0].err, doing));
  }
  return {};
}

base::result<std::unique_ptr<ReaderPool>> ReaderPool::open(const properties& given,
                                                           base::Events* events,
                                                           std::chrono::milliseconds patience,
                                                           std::size_t threads,
                                                           std::size_t queued_max) {
  std::unique_ptr<ReaderPool> out(new ReaderPool(queued_max));
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    auto reader = Reader::open(given, events, patience, out->closing_);
    if (!reader) return base::fail(std::move(reader.error()));
    out->readers_.push_back(std::move(*reader));
  }
  for (const auto& reader : out->readers_) {
    out->threads_.emplace_back([self = out.get(), &reader = *reader] { self->run(reader); });
  }
  return out;
}

ReaderPool::ReaderPool(std::size_t queued_max)
    : queued_max_(queued_max),
      full_(Reader::refusing(
          {make_error_code(errc::unavailable), "kafka: too many reads are waiting"})),
      closed_(Reader::refusing({make_error_code(errc::closed), "kafka: the log is closed"})) {}

void ReaderPool::submit(job work) {
  Reader* refusing = closed_.get();
  {
    const std::scoped_lock lock(mutex_);
    if (!closing_.load()) {
      if (queue_.size() < queued_max_) {
        queue_.push_back(std::move(work));
        wake_.notify_one();
        return;
      }
      refusing = full_.get();
    }
  }
  work(*refusing);
}

void ReaderPool::run(Reader& reader) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, poll_interval, [this] { return closing_.load() || !queue_.empty(); });
    if (queue_.empty() && closing_.load()) return;
    job work;
    if (!queue_.empty()) {
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    reader.poll();
    if (work) work(reader);
    work = nullptr;
    reader.poll();
    lock.lock();
  }
}

void ReaderPool::close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_.store(true);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace weft::log::kafka
