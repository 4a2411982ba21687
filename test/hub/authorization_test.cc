// What the hub holds sessions and publishers to, and what it tells of persistence.

#include "hub/hub_fixture.h"
#include "support/spelled_authorizer.h"

namespace weft::hub {
namespace {

using sim::insert_update;
using testing::CountingEvents;

class AuthorizationTest : public testing::HubTest {
 protected:
  base::result<std::unique_ptr<Session>> try_join(CountingEvents& events, Permit permit) {
    auto joined = hub_.join(document_, testing::framing, events, {"test", std::move(permit)});
    run();
    return joined;
  }
  std::unique_ptr<Session> join(CountingEvents& events, Permit permit) {
    return std::move(try_join(events, std::move(permit)).value());
  }
};

TEST_F(AuthorizationTest, WhoMayNotReadDoesNotJoin) {
  CountingEvents events;
  const auto joined = try_join(events, {"ada", {.read = false}});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, errc::forbidden);
  EXPECT_NE(joined.error().message.find("ada may not read"), std::string::npos);
}

TEST_F(AuthorizationTest, WhoMayNotWriteMaySayWhatIsKnown) {
  CountingEvents events;
  const auto reader = join(events, {"ada", {.write = false}});
  const auto update = insert_update(1, 0);
  auto refused = reader->submit({.update = update});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::forbidden);
  ASSERT_TRUE(publish(update));
  // A client that answers a SyncStep1 with what it was sent has changed nothing.
  EXPECT_TRUE(reader->submit({.update = update, .from_sync = true}));
  EXPECT_EQ(reader->end().value, 1u);
}

TEST_F(AuthorizationTest, PublishersAreHeldToTheirPermitToo) {
  base::result<base::log_offset> said = base::log_offset{0};
  hub_.publish(document_, insert_update(1, 0), {"test", {"ada", {.write = false}}},
               [&](auto offset) { said = std::move(offset); });
  run();
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, errc::forbidden);
}

TEST_F(AuthorizationTest, PresenceAndControlHaveTheirOwnRights) {
  CountingEvents events;
  const auto session = join(events, {"ada", {.awareness = false, .control = false}});
  const std::uint8_t nobody[] = {0};
  EXPECT_EQ(session->apply_awareness(nobody).error().code, errc::forbidden);
  EXPECT_EQ(session->send_control(nobody).error().code, errc::forbidden);
  ASSERT_TRUE(session->renew({"ada", {}}));
  EXPECT_TRUE(session->apply_awareness(nobody));
  EXPECT_TRUE(session->send_control(nobody));
}

TEST_F(AuthorizationTest, APermitThatAllowsNoReadingIsNoRenewal) {
  CountingEvents events;
  const auto session = join(events, {"ada", {}});
  EXPECT_EQ(session->renew({"ada", {.read = false}}).error().code, errc::forbidden);
  EXPECT_EQ(session->renew({"ada", {}, world_.now()}).error().code, errc::expired);
  EXPECT_TRUE(session->permit().rights.read);
}

TEST_F(AuthorizationTest, PresenceGoesWithItsRight) {
  CountingEvents events, others;
  const auto session = join(events, {"ada", {}});
  const std::uint8_t state[] = {1, 7, 1, 2, '{', '}'};  // client 7, clock 1
  ASSERT_TRUE(session->apply_awareness(state));
  run(2 * hub_.options().awareness_tick);
  const auto other = join(others, {"grace", {}});
  ASSERT_TRUE(session->renew({"ada", {.awareness = false}}));
  run(2 * hub_.options().awareness_tick);
  testing::ToldSink sink;
  other->collect(sink);
  EXPECT_GT(sink.bytes, 0u);  // that client 7 has gone
}

TEST_F(AuthorizationTest, TheIdentityStandsInTheRecord) {
  CountingEvents events;
  const auto session = join(events, {"ada", {}});
  ASSERT_TRUE(session->submit({.update = insert_update(1, 0)}));
  run();
  ASSERT_TRUE(session->renew({"grace", {}}));
  ASSERT_TRUE(session->submit({.update = insert_update(1, 1)}));
  run();
  std::vector<std::string> identities;
  log_.read(document_, {0}, 1000, world_, [&](base::result<log::ReadResult> read) {
    for (const auto& entry : read->records) identities.push_back(entry.record.identity);
  });
  run();
  EXPECT_EQ(identities, (std::vector<std::string>{"ada", "grace"}));
}

TEST_F(AuthorizationTest, APermitThatRunsOutEndsItsSession) {
  CountingEvents events, others;
  const auto at = world_.now() + std::chrono::milliseconds(50);
  const auto session = join(events, {"ada", {}, at});
  const auto other = join(others, {"grace", {}});
  ASSERT_TRUE(session->submit({.update = insert_update(1, 0)}));
  run(std::chrono::milliseconds(50));
  // At once for what it does, at the next tick for what it hears.
  EXPECT_EQ(session->submit({.update = insert_update(1, 1)}).error().code, errc::expired);
  EXPECT_EQ(events.ended, 0);
  run(hub_.options().keepalive_interval);
  EXPECT_EQ(events.ended, 1);
  EXPECT_EQ(others.ended, 0);
}

TEST_F(AuthorizationTest, ANewPermitKeepsItsSession) {
  CountingEvents events;
  const auto session = join(events, {"ada", {}, world_.now() + std::chrono::milliseconds(50)});
  ASSERT_TRUE(session->renew({"ada", {}}));
  run(2 * hub_.options().keepalive_interval);
  EXPECT_EQ(events.ended, 0);
  EXPECT_TRUE(session->submit({.update = insert_update(1, 0)}));
}

TEST_F(AuthorizationTest, AnAuthorizerIsHeldToItsContract) {
  weft::testing::SpelledAuthorizer authorizer;
  const auto ask = [&](std::string token) {
    base::result<Permit> out = base::fail(errc::timed_out, "no answer");
    authorize(authorizer, {document_, std::move(token), {}}, world_,
              [&](auto permit) { out = std::move(permit); });
    run();
    return out;
  };
  EXPECT_EQ(ask("rw:ada")->rights, (Rights{true, true, false, false}));
  EXPECT_EQ(ask("nonsense").error().code, errc::unauthenticated);
  EXPECT_EQ(ask(":ada").error().code, errc::forbidden);
  const int asked = authorizer.asked;
  EXPECT_EQ(ask("r:" + std::string(token_bytes_max, 'x')).error().code, errc::unauthenticated);
  EXPECT_EQ(authorizer.asked, asked);
  EXPECT_EQ(ask("r:" + std::string(permit_identity_bytes_max + 1, 'x')).error().code,
            errc::unavailable);
}

class RecordedHooks final : public PersistenceHooks {
 public:
  void persist_update(const base::DocumentId&, const log::CommittedRecord& record) override {
    updates.push_back(record.offset.value);
  }
  void persist_result(const base::DocumentId&, base::log_offset version,
                      const std::string& location) override {
    results.push_back(std::to_string(version.value) + " " + location);
  }

  std::vector<std::uint64_t> updates;
  std::vector<std::string> results;
};

TEST_F(AuthorizationTest, HooksHearOfEveryEditAndSnapshot) {
  RecordedHooks hooks;
  HubParts parts{world_, world_, log_, log_, next_seq_, counters_, events_};
  parts.persistence = &hooks;
  Hub hub(parts, options());
  hub.start();
  for (std::uint64_t clock = 0; clock < 3; ++clock) {
    hub.publish(document_, insert_update(1, clock), {"test", {}},
                [](auto offset) { ASSERT_TRUE(offset); });
    run();
  }
  EXPECT_EQ(hooks.updates, (std::vector<std::uint64_t>{0, 1, 2}));
  run(4 * hub_.options().idle_evict_after);  // it is written when nobody uses the document
  EXPECT_EQ(hooks.results, (std::vector<std::string>{"2 sim:" + base::to_string(document_)}));
  world_.drop_everything();
}

}  // namespace
}  // namespace weft::hub
