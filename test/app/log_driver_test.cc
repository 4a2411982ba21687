// A data directory stays with the log that it was begun with.

#include "weft/app/log_driver.h"

#include <filesystem>
#include <fstream>

#include "app/node_fixture.h"

namespace weft::app {
namespace {

namespace fs = std::filesystem;

class LogDriverTest : public testing::NodeFixture {
 protected:
  void expect_refused(const std::string& because) {
    const auto node = Node::start(config_);
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, errc::config);
    EXPECT_NE(node.error().message.find(because), std::string::npos) << node.error().message;
  }
};

#ifdef WEFT_WITH_KAFKA
TEST_F(LogDriverTest, ADirectoryOfTheEmbeddedLogIsNotTakenForKafka) {
  start();
  type("doc", 0, 3);
  stop();
  config_.log_kind = log_kind::kafka;
  config_.kafka_brokers = "127.0.0.1:1";
  expect_refused("log.kind = embedded");
  config_.log_kind = log_kind::embedded;
  start();
  EXPECT_EQ(typed("doc"), 3u);
}

TEST_F(LogDriverTest, ADirectoryIsNobodysBeforeItsLogCouldBeOpened) {
  config_.log_kind = log_kind::kafka;
  config_.kafka_brokers = "127.0.0.1:1";
  config_.kafka.request_timeout = std::chrono::milliseconds(200);
  const auto node = Node::start(config_);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, errc::start) << node.error().message;
  config_.log_kind = log_kind::embedded;
  start();
}
#endif

TEST_F(LogDriverTest, ADirectoryOfKafkaIsNotTakenForTheEmbeddedLog) {
  fs::create_directories(config_.data);
  std::ofstream(fs::path(config_.data) / "log-is-kafka").close();
  expect_refused("log.kind = kafka");
  EXPECT_FALSE(fs::exists(fs::path(config_.data) / "log"));
}

}  // namespace
}  // namespace weft::app
