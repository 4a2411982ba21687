#include "log/kafka/kafka_world.h"
#include "log/op_log_conformance.h"

namespace weft::log::kafka {
namespace {

using conformance::OpLogConformance;

/// Topics of its own on the shared broker, in a tenant's namespace.
class KafkaPlace final : public conformance::Place {
 public:
  explicit KafkaPlace(KafkaLogOptions options) : options_(std::move(options)) {
    const std::string prefix = fresh_room() + "-";
    TopicResolverOptions topics;
    topics.templates = {prefix + "sync-{roomId}", prefix + "awareness-{roomId}",
                        prefix + "control-{roomId}"};
    auto made = make_template_resolver(std::move(topics));
    EXPECT_TRUE(made);
    resolver_ = std::move(*made);
  }
  std::unique_ptr<OpLog> open() override {
    auto log = KafkaLog::open(options_, *resolver_);
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
  std::unique_ptr<OpLog> open_bounded(std::size_t inflight_bytes_max) override {
    options_.inflight_bytes_max = inflight_bytes_max;
    return open();
  }

 private:
  KafkaLogOptions options_;
  std::unique_ptr<TopicResolver> resolver_;
};

const conformance::place_factory place = [] {
  return std::make_unique<KafkaPlace>(test_options());
};
INSTANTIATE_TEST_SUITE_P(kafka, OpLogConformance, ::testing::Values(place));

}  // namespace
}  // namespace weft::log::kafka
