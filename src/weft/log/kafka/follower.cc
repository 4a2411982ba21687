#include "weft/log/kafka/follower.h"

#include <algorithm>
#include <utility>

namespace weft::log::kafka {
namespace {

constexpr std::size_t batch_records_max = 4096;
constexpr std::size_t batch_bytes_max = std::size_t{8} << 20;
constexpr int idle_ms = 100;

}  // namespace

base::result<std::unique_ptr<Follower>> Follower::open(std::string cluster, const properties& given,
                                                       base::Events* events, Listener& listener) {
  std::unique_ptr<Follower> out(new Follower(listener));
  out->callbacks_.events = events;
  out->callbacks_.on_error = [&listener, cluster = std::move(cluster)](rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) listener.on_brokers_down(cluster);
  };
  // A partition that is new here waits for the fetch under way.
  auto handle = make_consumer(out->callbacks_, given, std::chrono::milliseconds(50));
  if (!handle) return base::fail(std::move(handle.error()));
  out->handle_ = std::move(*handle);
  out->queue_.reset(rd_kafka_queue_new(out->handle_.get()));
  out->leftovers_.emplace(out->handle_.get());
  return out;
}

void Follower::go() {
  thread_ = std::thread([this] { run(); });
}

void Follower::close() {
  stopping_.store(true);
  if (queue_) rd_kafka_queue_yield(queue_.get());
  if (thread_.joinable()) thread_.join();
}

void Follower::after(std::chrono::milliseconds delay, base::task work) {
  {
    const std::scoped_lock lock(mutex_);
    due_.emplace(clock::now() + delay, std::move(work));
  }
  rd_kafka_queue_yield(queue_.get());
}

void Follower::start(number what, std::string topic, std::int32_t partition, std::uint64_t from) {
  after({}, [this, what, topic = std::move(topic), partition, from] {
    begin(what, topic, partition, from);
  });
}

void Follower::stop(number what) {
  after({}, [this, what] { end(what); });
}

void Follower::begin(number what, const std::string& topic, std::int32_t partition,
                     std::uint64_t from) {
  auto known = topics_.find(topic);
  if (known == topics_.end()) {
    auto made = make_topic(handle_.get(), topic);
    if (!made) return listener_.on_gone(what, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
    known = topics_.emplace(topic, std::move(*made)).first;
  }
  rd_kafka_topic_t* const handle = known->second.get();
  WEFT_CHECK(numbers_.emplace(std::pair(handle, partition), what).second);
  followed_.emplace(what, Followed{topic, handle, partition});
  leftovers_->starts(topic, partition);
  listener_.on_started(what, from);
  if (rd_kafka_consume_start_queue(handle, partition, static_cast<std::int64_t>(from),
                                   queue_.get()) != 0) {
    listener_.on_gone(what, rd_kafka_last_error());
  }
}

void Follower::end(number what) {
  const auto found = followed_.extract(what);
  if (found.empty()) return;
  const Followed& followed = found.mapped();
  rd_kafka_consume_stop(followed.handle, followed.partition);
  leftovers_->stopped(followed.topic, followed.partition);
  numbers_.erase({followed.handle, followed.partition});
  const bool last = std::none_of(followed_.begin(), followed_.end(), [&](const auto& other) {
    return other.second.handle == followed.handle;
  });
  if (last) topics_.erase(followed.topic);
}

void Follower::run_due() {
  for (;;) {
    base::task work;
    {
      const std::scoped_lock lock(mutex_);
      if (due_.empty() || due_.begin()->first > clock::now()) return;
      work = std::move(due_.begin()->second);
      due_.erase(due_.begin());
    }
    work();
  }
}

int Follower::wait_ms() {
  const std::scoped_lock lock(mutex_);
  if (due_.empty()) return idle_ms;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, idle_ms));
}

void Follower::run() {
  std::vector<Arrived> arrived;
  while (!stopping_.load()) {
    run_due();
    message_ptr message(rd_kafka_consume_queue(queue_.get(), wait_ms()));
    std::size_t bytes = 0;
    for (std::size_t count = 1;
         message && count < batch_records_max && bytes + message->len < batch_bytes_max; ++count) {
      bytes += message->len;
      take(std::move(message), arrived);
      message.reset(rd_kafka_consume_queue(queue_.get(), 0));
    }
    if (message) take(std::move(message), arrived);
    for (const Arrived& one : arrived) {
      if (one.end != 0) listener_.on_records(one.what, one.messages, one.end);
    }
    arrived.clear();
    rd_kafka_poll(handle_.get(), 0);
    leftovers_->sweep();
  }
  for (const auto& [what, followed] : followed_) {
    rd_kafka_consume_stop(followed.handle, followed.partition);
    leftovers_->stopped(followed.topic, followed.partition);
  }
}

void Follower::take(message_ptr message, std::vector<Arrived>& arrived) {
  const auto found = numbers_.find({message->rkt, message->partition});
  if (found == numbers_.end()) return;
  const number what = found->second;
  const bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !is_end) {
    // Of everything else librdkafka takes care.
    if (says_unknown(message->err) || message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      listener_.on_gone(what, message->err);
    }
    return;
  }
  auto at = std::find_if(arrived.begin(), arrived.end(),
                         [what](const Arrived& one) { return one.what == what; });
  if (at == arrived.end()) at = arrived.insert(arrived.end(), Arrived{what, {}, 0});
  at->end = static_cast<std::uint64_t>(message->offset) + (is_end ? 0 : 1);
  if (!is_end) at->messages.push_back(std::move(message));
}

}  // namespace weft::log::kafka
