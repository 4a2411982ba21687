#include "weft/log/topic_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "weft/base/random.h"
#include "weft/log/op_log.h"

namespace weft::log {
namespace {

TopicName resolve(TopicResolver& resolver, const std::string& room,
                  protocol::Channel channel = protocol::Channel::doc) {
  TopicName out;
  resolver.resolve({room, "doc", std::nullopt}, channel, [&](base::result<TopicName> name) {
    ASSERT_TRUE(name);
    out = *name;
  });
  return out;
}

TEST(topic_resolver, templates_are_filled_for_each_channel) {
  const auto resolver = make_template_resolver({});
  ASSERT_TRUE(resolver);
  EXPECT_EQ(resolve(**resolver, "Team-1"), (TopicName{"", "sync-Team-1"}));
  EXPECT_EQ(resolve(**resolver, "a", protocol::Channel::awareness).topic, "awareness-a");
  EXPECT_EQ(resolve(**resolver, "a", protocol::Channel::control).topic, "control-a");
  EXPECT_EQ(resolve(**resolver, "a.b_c d").topic, "sync-a_2eb_5fc_20d");
  EXPECT_EQ(resolve(**resolver, "").topic, "sync-__");
  EXPECT_EQ(resolve(**resolver, "\xc3\xa4").topic, "sync-_c3_a4");
}

TEST(topic_resolver, tenants_have_topics_and_clusters_of_their_own) {
  TopicResolverOptions options;
  options.cluster = "main";
  options.tenants = {{"acme-", "", {"acme.sync-{roomId}", "acme.aware-{roomId}", "acme.ctl"}},
                     {"acme-eu-", "eu", {}}};
  const auto resolver = make_template_resolver(options);
  ASSERT_TRUE(resolver) << resolver.error().message;
  EXPECT_EQ(resolve(**resolver, "other"), (TopicName{"main", "sync-other"}));
  EXPECT_EQ(resolve(**resolver, "acme-1"), (TopicName{"", "acme.sync-acme-1"}));
  EXPECT_EQ(resolve(**resolver, "acme-1", protocol::Channel::control), (TopicName{"", "acme.ctl"}));
  EXPECT_EQ(resolve(**resolver, "acme-eu-1"), (TopicName{"eu", "sync-acme-eu-1"}));
}

TEST(topic_resolver, templates_that_could_clash_or_that_kafka_refuses_are_refused) {
  const auto refused = [](TopicTemplates templates) {
    TopicResolverOptions options;
    options.templates = std::move(templates);
    const auto made = make_template_resolver(options);
    if (made) return false;
    EXPECT_EQ(made.error().code, errc::unsupported);
    return true;
  };
  EXPECT_TRUE(refused({"a{roomId}", "ab{roomId}", "c{roomId}"}));
  EXPECT_TRUE(refused({"a.{roomId}", "a_{roomId}", "c{roomId}"}));
  EXPECT_TRUE(refused({"{roomId}", "awareness-{roomId}", "control-{roomId}"}));
  EXPECT_TRUE(refused({"sync", "sync", "control"}));
  EXPECT_TRUE(refused({"sync {roomId}", "awareness", "control"}));
  EXPECT_TRUE(refused({"sync-{docId}", "awareness", "control"}));
  EXPECT_TRUE(refused({"sync-{roomId}{roomId}", "awareness", "control"}));
  EXPECT_TRUE(refused({"..", "awareness", "control"}));
  EXPECT_TRUE(refused({std::string(200, 'x') + "{roomId}", "awareness", "control"}));
  EXPECT_FALSE(refused({"sync", "awareness", "control"}));
}

/// Names in which everything that could collide is likely.
std::string unlikely_name(base::random& random) {
  static const std::string bytes("ab_.-%/2ef\0\xff~ A", 16);
  std::string out;
  const std::uint64_t size = random.below(3) == 0 ? 60 + random.below(60) : random.below(6);
  // Long ones share their beginning, so that only the hash tells them apart.
  if (size >= 60) out.assign(random.below(2) == 0 ? 90 : 230, '_');
  for (std::uint64_t i = 0; i < size; ++i) out.push_back(bytes[random.below(bytes.size())]);
  return out;
}

TEST(topic_resolver, different_rooms_have_different_topics_that_kafka_takes) {
  const std::uint64_t seed = base::system_seed();
  RecordProperty("seed", std::to_string(seed));
  base::random random(seed);
  for (const std::string topic_template : {"sync-{roomId}", "{roomId}.doc", "a.{roomId}_z"}) {
    std::map<std::string, std::string> rooms;  // by topic, as Kafka compares them
    std::set<std::string> seen;
    std::size_t hashed = 0;
    for (int i = 0; i < 50'000; ++i) {
      const std::string room = unlikely_name(random);
      if (!seen.insert(room).second) continue;
      std::string topic = fill_topic_template(topic_template, room);
      ASSERT_LE(topic.size(), topic_bytes_max);
      ASSERT_TRUE(std::all_of(topic.begin(), topic.end(), [](char byte) {
        return std::isalnum(static_cast<unsigned char>(byte)) || byte == '.' || byte == '_' ||
               byte == '-';
      })) << topic;
      EXPECT_EQ(topic, fill_topic_template(topic_template, room));
      hashed += topic.size() > 200 ? 1 : 0;
      std::replace(topic.begin(), topic.end(), '.', '_');
      const auto [at, fresh] = rooms.emplace(topic, room);
      ASSERT_TRUE(fresh) << "seed " << seed << ": '" << room << "' and '" << at->second
                         << "' are both " << topic;
    }
    EXPECT_GT(hashed, 1000u);
    EXPECT_GT(rooms.size(), 10'000u);
  }
}

}  // namespace
}  // namespace weft::log
