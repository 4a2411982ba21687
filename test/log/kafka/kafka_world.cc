#include "log/kafka/kafka_world.h"

#include <unistd.h>

#include <future>

namespace weft::log::kafka {
namespace {

constexpr std::chrono::seconds patience{20};

properties reach() { return {{"bootstrap.servers", broker().address()}}; }

}  // namespace

test::KafkaBroker& broker() {
  static test::KafkaBroker shared;
  static const bool started = shared.running();
  EXPECT_TRUE(started) << "Kafka did not start (its jars: ./dev setup test). It said:\n"
                       << shared.last_words();
  return shared;
}

std::string fresh_room() {
  static std::atomic<int> count{0};
  return "room" + std::to_string(++count);
}

std::unique_ptr<TopicResolver> default_resolver() {
  auto made = make_template_resolver({});
  EXPECT_TRUE(made);
  return std::move(*made);
}

KafkaLogOptions test_options() {
  KafkaLogOptions out;
  out.clusters[""] = reach();
  out.topics.partitions = 1;
  return out;
}

Outsider::Outsider() {
  auto reader = Reader::open(reach(), nullptr, patience, closing_);
  EXPECT_TRUE(reader);
  reader_ = std::move(*reader);
  auto producer = Producer::open(reach(), patience, 1'000'000, nullptr, [] {});
  EXPECT_TRUE(producer);
  producer_ = std::move(*producer);
  auto admin = make_producer(callbacks_, reach(), patience, 1'000'000);
  EXPECT_TRUE(admin);
  admin_ = std::move(*admin);
}

Watermarks Outsider::watermarks(const std::string& topic, std::int32_t partition) {
  const auto found = reader_->watermarks(topic, partition);
  EXPECT_TRUE(found) << (found ? "" : found.error().message);
  return found.value_or(Watermarks{});
}

std::vector<RawRecord> Outsider::everything_in(const std::string& topic, std::int32_t partition) {
  std::vector<RawRecord> out;
  const Watermarks range = watermarks(topic, partition);
  const auto scanned = reader_->scan(
      topic, partition, range.first, range.end, [&](const rd_kafka_message_t& message) {
        RawRecord record;
        record.offset = static_cast<std::uint64_t>(message.offset);
        record.has_key = message.key != nullptr;
        if (message.key != nullptr) {
          record.key.assign(static_cast<const char*>(message.key), message.key_len);
        }
        if (message.payload != nullptr) {
          record.value.assign(static_cast<const char*>(message.payload), message.len);
        }
        for (const Header& header : headers_of(message)) {
          record.headers.emplace_back(header.name, base::as_text(header.value));
        }
        out.push_back(std::move(record));
        return true;
      });
  EXPECT_TRUE(scanned) << (scanned ? "" : scanned.error().message);
  return out;
}

std::int32_t Outsider::partitions(const std::string& topic) {
  const auto found = reader_->partitions(topic);
  EXPECT_TRUE(found) << (found ? "" : found.error().message);
  return found ? found->value_or(0) : -1;
}

void Outsider::create(const std::string& topic, std::int32_t partitions) {
  TopicSettings settings;
  settings.partitions = partitions;
  const auto made = reader_->create(topic, settings, 1'000'000);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(*made);
}

void Outsider::delete_before(const std::string& topic, std::uint64_t offset) {
  const auto deleted = reader_->delete_before(topic, 0, offset);
  EXPECT_TRUE(deleted) << (deleted ? "" : deleted.error().message);
}

void Outsider::remove(const std::string& topic) {
  rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(topic.c_str());
  const queue_ptr queue(rd_kafka_queue_new(admin_.get()));
  rd_kafka_DeleteTopics(admin_.get(), &wanted, 1, nullptr, queue.get());
  rd_kafka_event_t* const event = rd_kafka_queue_poll(
      queue.get(), static_cast<int>(std::chrono::milliseconds(patience).count()));
  rd_kafka_DeleteTopic_destroy(wanted);
  ASSERT_NE(event, nullptr);
  std::size_t count = 0;
  const auto* const results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(rd_kafka_topic_result_error(results[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  ASSERT_TRUE(eventually([&] { return partitions(topic) == 0; }));
}

void Outsider::produce(Producer::Outgoing record) {
  std::promise<DeliveryReport> told;
  ASSERT_TRUE(producer_->send(std::move(record),
                              [&](const DeliveryReport& report) { told.set_value(report); }));
  const DeliveryReport report = told.get_future().get();
  EXPECT_EQ(report.what, fate::stored) << report.why.message;
}

std::string Outsider::setting(const std::string& topic, const std::string& name) {
  rd_kafka_ConfigResource_t* wanted =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  const queue_ptr queue(rd_kafka_queue_new(admin_.get()));
  rd_kafka_DescribeConfigs(admin_.get(), &wanted, 1, nullptr, queue.get());
  rd_kafka_event_t* const event = rd_kafka_queue_poll(
      queue.get(), static_cast<int>(std::chrono::milliseconds(patience).count()));
  rd_kafka_ConfigResource_destroy(wanted);
  std::string out = "(not told)";
  if (event == nullptr) return out;
  std::size_t count = 0;
  const auto** const resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event), &count);
  std::size_t entries = 0;
  const auto** const configs =
      count == 1 ? rd_kafka_ConfigResource_configs(resources[0], &entries) : nullptr;
  for (std::size_t i = 0; i < entries; ++i) {
    if (rd_kafka_ConfigEntry_name(configs[i]) == name) {
      out = rd_kafka_ConfigEntry_value(configs[i]);
    }
  }
  rd_kafka_event_destroy(event);
  return out;
}

}  // namespace weft::log::kafka
