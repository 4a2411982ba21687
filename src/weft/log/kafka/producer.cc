#include "weft/log/kafka/producer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weft/log/op_log.h"

namespace weft::log::kafka {
namespace {

constexpr int poll_ms = 100;

/// What librdkafka gives back with a report.
struct Sent {
  base::shared_bytes value;
  Producer::report done;
};

fate fate_of(const rd_kafka_message_t& message) {
  switch (rd_kafka_message_status(&message)) {
    case RD_KAFKA_MSG_STATUS_PERSISTED:
      return fate::stored;
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED:
      return fate::refused;
    case RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED:
      break;
  }
  return fate::unknown;
}

}  // namespace

base::result<std::unique_ptr<Producer>> Producer::open(const properties& given,
                                                       std::chrono::milliseconds append_timeout,
                                                       std::size_t record_bytes_max,
                                                       base::Events* events,
                                                       std::function<void()> on_fatal) {
  // A request carries headers and framing beside the envelope.
  constexpr std::size_t overhead_bytes_max = std::size_t{64} << 10;
  std::unique_ptr<Producer> out(new Producer);
  out->on_fatal_ = std::move(on_fatal);
  out->callbacks_.events = events;
  out->callbacks_.on_error = [self = out.get()](rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR__FATAL && !self->broken_.exchange(true)) self->on_fatal_();
  };
  out->callbacks_.on_report = [self = out.get()](const rd_kafka_message_t& message) {
    self->on_report(message);
  };
  // Nor does a request that a broker took and does not answer keep its records waiting for longer;
  // a minute is librdkafka's own.
  const auto answer_timeout = std::clamp<std::chrono::milliseconds>(
      append_timeout, std::chrono::seconds(1), std::chrono::seconds(60));
  auto handle = make_handle(
      RD_KAFKA_PRODUCER, out->callbacks_, given,
      {
          {"linger.ms", "1"},
          {"reconnect.backoff.max.ms", "1000"},
          {"topic.metadata.refresh.fast.interval.ms", "50"},
          {"message.timeout.ms", std::to_string(append_timeout.count())},
          {"socket.timeout.ms", std::to_string(answer_timeout.count())},
          // The log itself bounds what waits.
          {"queue.buffering.max.messages", "10000000"},
          {"queue.buffering.max.kbytes", "2000000"},
          {"message.max.bytes", std::to_string(record_bytes_max + overhead_bytes_max)},
      },
      {{"enable.idempotence", "true"}, {"acks", "all"}, {"partitioner", "murmur2_random"}});
  if (!handle) return base::fail(std::move(handle.error()));
  out->handle_ = std::move(*handle);
  out->thread_ = std::thread([self = out.get()] { self->serve(); });
  return out;
}

Producer::~Producer() {
  if (!handle_) return;
  finish(std::chrono::milliseconds(0));
  stopping_.store(true);
  thread_.join();
}

void Producer::serve() {
  while (!stopping_.load()) rd_kafka_poll(handle_.get(), poll_ms);
}

void Producer::on_report(const rd_kafka_message_t& message) {
  const std::unique_ptr<Sent> sent(static_cast<Sent*>(message._private));
  DeliveryReport told{fate_of(message), message.offset, {}};
  if (told.what != fate::stored) told.why = to_error(message.err, "an append");
  sent->done(told);
}

base::result<void> Producer::send(Outgoing record, report done) {
  if (broken_.load()) {
    return base::fail(errc::unavailable, "kafka: the producer broke and is being replaced");
  }
  rd_kafka_headers_t* const headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  auto sent = std::make_unique<Sent>(Sent{record.value, std::move(done)});
  std::array<rd_kafka_vu_t, 7> fields{};
  std::size_t count = 0;
  const auto next = [&](rd_kafka_vtype_t type) -> auto& {
    fields[count].vtype = type;
    return fields[count++].u;
  };
  next(RD_KAFKA_VTYPE_TOPIC).cstr = record.topic.c_str();
  next(RD_KAFKA_VTYPE_PARTITION).i32 = record.partition;
  next(RD_KAFKA_VTYPE_HEADERS).headers = headers;
  next(RD_KAFKA_VTYPE_OPAQUE).ptr = sent.get();
  // The value is lent: `sent` keeps it until the report.
  next(RD_KAFKA_VTYPE_VALUE).mem = {const_cast<std::uint8_t*>(record.value.data()),
                                    record.value.size()};
  if (record.has_key) next(RD_KAFKA_VTYPE_KEY).mem = {record.key.data(), record.key.size()};
  rd_kafka_error_t* const failed = rd_kafka_produceva(handle_.get(), fields.data(), count);
  if (failed == nullptr) {
    static_cast<void>(sent.release());  // on_report takes it back
    return {};
  }
  const rd_kafka_resp_err_t code = rd_kafka_error_code(failed);
  rd_kafka_error_destroy(failed);
  rd_kafka_headers_destroy(headers);  // still ours when the record was not taken
  auto why = to_error(code, "an append");
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) why.code = make_error_code(errc::overloaded);
  if (code == RD_KAFKA_RESP_ERR__FATAL) why.code = make_error_code(errc::unavailable);
  return base::fail(std::move(why));
}

void Producer::finish(std::chrono::milliseconds patience) {
  // Reports come on the other thread; flushing waits for them.
  rd_kafka_flush(handle_.get(), static_cast<int>(patience.count()));
  while (rd_kafka_outq_len(handle_.get()) > 0) {
    rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle_.get(), poll_ms);
  }
}

void Producer::break_for_good() {
  rd_kafka_test_fatal_error(handle_.get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                            "as a test wants it");
}

}  // namespace weft::log::kafka
