#include "weft/app/config.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

namespace weft::app {
namespace {

std::string write_file(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("weft-config-" + std::to_string(::getpid()) + ".yaml");
  std::ofstream(path) << text;
  return path;
}

base::result<Config> from_file(const std::string& text) {
  const auto path = write_file(text);
  Config config;
  auto ok = apply_file(config, path);
  std::filesystem::remove(path);
  if (!ok) return base::fail(std::move(ok.error()));
  return config;
}

TEST(Config, WhatIsPrintedCanBeReadAgain) {
  Config config;
  ASSERT_TRUE(apply(config, "hub.ring_bytes_max", "4096"));
  ASSERT_TRUE(apply(config, "durability", "os"));
  ASSERT_TRUE(apply(config, "web", "a: b # c"));
  const auto again = from_file(print(config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), print(config));
  EXPECT_EQ(again->hub.ring_bytes_max, 4096u);
  EXPECT_EQ(again->web, "a: b # c");
}

TEST(Config, TlsNeedsCertificateAndKey) {
  Config config;
  EXPECT_TRUE(check(config));
  ASSERT_TRUE(apply(config, "tls.certificate", "/etc/weft/certificate.pem"));
  const auto half = check(config);
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().message.find("tls.key"), std::string::npos);
  ASSERT_TRUE(apply(config, "tls.key", "/etc/weft/key.pem"));
  EXPECT_TRUE(check(config));
  ASSERT_TRUE(apply(config, "tls.min_version", "1.3"));
  EXPECT_EQ(config.net.tls.version_min, net::tls_version::v1_3);
  EXPECT_FALSE(apply(config, "tls.min_version", "1.1"));
  const auto again = from_file(print(config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), print(config));
}

#ifdef WEFT_WITH_KAFKA
TEST(Config, KafkaNeedsBrokersAndATopicThatCanBe) {
  Config config;
  ASSERT_TRUE(apply(config, "log.kind", "kafka"));
  EXPECT_FALSE(apply(config, "log.kind", "paper"));
  const auto nowhere = check(config);
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("kafka.brokers"), std::string::npos);
  ASSERT_TRUE(apply(config, "kafka.brokers", "127.0.0.1:9092"));
  EXPECT_TRUE(check(config));
  ASSERT_TRUE(apply(config, "kafka.topic", "sync-{room}"));
  EXPECT_FALSE(check(config));
  ASSERT_TRUE(apply(config, "kafka.topic", "everything"));
  EXPECT_TRUE(check(config));
  ASSERT_TRUE(apply(config, "kafka.replication", "2"));
  ASSERT_TRUE(apply(config, "kafka.min_insync_replicas", "3"));
  EXPECT_FALSE(check(config));
  ASSERT_TRUE(apply(config, "kafka.min_insync_replicas", "2"));
  EXPECT_TRUE(check(config));
  ASSERT_TRUE(apply(config, "log.record_bytes_max", "1000000000"));
  EXPECT_FALSE(check(config));
}

TEST(Config, PropertiesOfKafkasClientArePassedOnAndCheckedAndSecretsNotPrinted) {
  const auto config = from_file(
      "log: {kind: kafka}\n"
      "kafka:\n"
      "  brokers: 127.0.0.1:9092\n"
      "  replication: 3\n"
      "  client:\n"
      "    security.protocol: SASL_SSL\n"
      "    sasl.mechanism: PLAIN\n"
      "    sasl.username: weft\n");
  ASSERT_TRUE(config) << config.error().message;
  Config with_secret = *config;
  const char* const environment[] = {"WEFT_KAFKA_CLIENT_SASL_PASSWORD=a_B", nullptr};
  ASSERT_TRUE(apply_environment(with_secret, environment));
  EXPECT_TRUE(check(with_secret));
  const std::map<std::string, std::string> given{{"security.protocol", "SASL_SSL"},
                                                 {"sasl.mechanism", "PLAIN"},
                                                 {"sasl.username", "weft"},
                                                 {"sasl.password", "a_B"}};
  EXPECT_EQ(with_secret.kafka.clusters.at(""), given);
  EXPECT_EQ(with_secret.kafka.topics.replication, 3);
  EXPECT_EQ(with_secret.kafka.topics.min_insync_replicas, -1);
  const std::string printed = print(with_secret);
  EXPECT_EQ(printed.find("a_B"), std::string::npos);
  EXPECT_NE(printed.find("sasl.password is set"), std::string::npos);
  const auto again = from_file(printed);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), print(*config));

  for (const auto& [property, value] :
       std::map<std::string, std::string>{{"no.such.property", "1"},
                                          {"security.protocol", "SMOKE"},
                                          {"bootstrap.servers", "b"},
                                          {"metadata.broker.list", "b"},
                                          {"transactional.id", "t"},
                                          {"acks", "1"},
                                          {"isolation.level", "read_committed"},
                                          {"ssl.ca.location", "/nowhere"}}) {
    Config wrong = with_secret;
    ASSERT_TRUE(apply(wrong, "kafka.client." + property, value));
    const auto checked = check(wrong);
    ASSERT_FALSE(checked) << property;
    EXPECT_EQ(checked.error().code, errc::config);
    EXPECT_NE(checked.error().message.find(property), std::string::npos);
    EXPECT_EQ(checked.error().message.find("SMOKE"), std::string::npos);
  }
}
#endif

TEST(Config, ListsAreSequencesOrSeparatedByCommas) {
  EXPECT_EQ(Config().net.allowed_origins.entries(), std::vector<std::string>{"*"});
  const std::vector<std::string> origins{"https://a.example", "https://*.b.example"};
  for (const char* text :
       {"net:\n  allowed_origins: [https://a.example, \"https://*.b.example\"]\n",
        "net:\n  allowed_origins:\n  - https://a.example\n  - https://*.b.example\n",
        "net:\n  allowed_origins: https://a.example , https://*.b.example\n"}) {
    const auto config = from_file(text);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->net.allowed_origins.entries(), origins);
    const auto again = from_file(print(*config));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->net.allowed_origins.entries(), origins);
  }
  const auto none = from_file("net:\n  allowed_origins: []\n");
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->net.allowed_origins.entries().empty());
  const auto wrong = from_file("net:\n  trusted_proxies: [10.0.0.0/8, proxy.example]\n");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find(":2:"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("proxy.example"), std::string::npos);
  EXPECT_FALSE(from_file("net:\n  allowed_origins: [[a]]\n"));
  EXPECT_FALSE(from_file("threads: [1]\n"));
}

TEST(Config, TheWaitOfAQuarantinedDocumentMayOnlyGrow) {
  Config config;
  ASSERT_TRUE(apply(config, "quarantine.retry_min", "5000"));
  ASSERT_TRUE(apply(config, "quarantine.retry_max", "4000"));
  const auto wrong = check(config);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("quarantine.retry_max"), std::string::npos);
  ASSERT_TRUE(apply(config, "quarantine.retry_max", "5000"));
  EXPECT_TRUE(check(config));
}

TEST(Config, CompressionIsOnOrOffHoweverYamlWritesIt) {
  for (const auto& [text, on] : {std::pair("on", true), std::pair("true", true),
                                 std::pair("off", false), std::pair("false", false)}) {
    const auto config = from_file("net:\n  compression: " + std::string(text) + "\n");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->net.compression, on);
  }
  EXPECT_FALSE(from_file("net:\n  compression: maybe\n"));
}

TEST(Config, AnUnknownKeyIsAnErrorThatNamesTheRightOneAndItsLine) {
  const auto config = from_file("listen: 127.0.0.1:1\nhub:\n  ring_byte_max: 5\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":3:"), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().message.find("hub.ring_bytes_max"), std::string::npos);
}

TEST(Config, ValuesOutOfRangeAreRefusedWithTheRange) {
  Config config;
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"threads", "-1"},
                                                        {"threads", "many"},
                                                        {"threads", "1025"},
                                                        {"threads", ""},
                                                        {"durability", "always"},
                                                        {"log_level", "loud"},
                                                        {"store.kind", "files"},
                                                        {"hub.ring_bytes_max", "12"}}) {
    const auto ok = apply(config, key, value);
    ASSERT_FALSE(ok) << key << "=" << value;
    EXPECT_NE(ok.error().message.find("must be"), std::string::npos) << ok.error().message;
  }
}

TEST(Config, TheEnvironmentGoesOverTheFileAndUnknownNamesAreErrors) {
  Config config;
  const char* good[] = {"PATH=/bin", "WEFT_HUB_RING_BYTES_MAX=8192", "WEFT_CONFIG=x", nullptr};
  ASSERT_TRUE(apply_environment(config, good));
  EXPECT_EQ(config.hub.ring_bytes_max, 8192u);
  const char* bad[] = {"WEFT_LISTN=1.2.3.4:5", nullptr};
  const auto ok = apply_environment(config, bad);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("WEFT_LISTEN"), std::string::npos);
}

TEST(Config, TheAddressNeedsAHostAndAPort) {
  for (const char* listen : {"8787", ":8787", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"}) {
    Config config;
    config.listen = listen;
    EXPECT_FALSE(check(config)) << listen;
  }
}

}  // namespace
}  // namespace weft::app
