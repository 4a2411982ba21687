// Who may do what over HTTP.

#include "gateway/http/http_fixture.h"
#include "support/spelled_authorizer.h"

namespace weft::gateway::http {
namespace {

using testing::insert_update;

class HttpAuthorization : public testing::HttpFixture {
 protected:
  void SetUp() override {
    authorizer = &spelled_;
    start();
  }

  static std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
  }

  weft::testing::SpelledAuthorizer spelled_;
};

TEST_F(HttpAuthorization, WhoShowsNoTokenIsAskedForOne) {
  for (const std::string& target : {doc, doc + "/update", doc + "/history", doc + "/events",
                                    std::string("/v1/documents"), std::string("/v1/quarantine")}) {
    const auto reply = get(target);
    EXPECT_EQ(reply.status, 401u) << target;
    EXPECT_EQ(reply.problem(), "unauthenticated") << target;
    EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer") << target;
  }
  EXPECT_EQ(publish(insert_update(1, 0)).status, 401u);
  EXPECT_EQ(get("/v1/status").status, 200u);
  EXPECT_EQ(get("/healthz").status, 200u);
}

TEST_F(HttpAuthorization, EachRequestNeedsItsRight) {
  EXPECT_EQ(publish(insert_update(1, 0), bearer("r:ada")).problem(), "forbidden");
  EXPECT_EQ(publish(insert_update(1, 0), bearer("w:ada")).status, 201u);
  EXPECT_EQ(get(doc + "/update", bearer("w:ada")).problem(), "forbidden");
  EXPECT_EQ(get(doc + "/update", bearer("r:ada")).status, 200u);
  EXPECT_EQ(get(doc + "/update?token=r:ada").status, 200u);
  EXPECT_EQ(get("/v1/documents", "authorization: bearer r:ada\r\n").status, 200u);
}

TEST_F(HttpAuthorization, TheIdentityStandsInTheHistory) {
  ASSERT_EQ(publish(insert_update(1, 0), bearer("w:ada")).status, 201u);
  const auto history =
      get(doc + "/history?since=start", bearer("r:grace") + "Accept: application/json\r\n")
          .parsed();
  EXPECT_EQ(history["records"][0]["identity"], "ada") << history.dump();
}

TEST_F(HttpAuthorization, AStreamEndsWithItsPermission) {
  testing::EventClient stream(server->port(), doc + "/events?token=r:ada:50");
  EXPECT_EQ(stream.next().type, "start");
  const auto last = stream.next();
  EXPECT_EQ(last.type, "end");
  EXPECT_EQ(last.data["type"], "urn:weft:problem:unauthenticated");
  EXPECT_EQ(stream.next().type, "");
}

}  // namespace
}  // namespace weft::gateway::http
