// Tokens as other programs make them, right ones and wrong ones. The end-to-end tests bring tokens
// of a library that was not written here.

#include <gtest/gtest.h>
#include <jwt.h>

#include <fstream>

#include "../fuzz/exercise.h"
#include "support/temporary_directory.h"
#include "weft/app/config.h"
#include "weft/hub/errc.h"

namespace weft::app {
namespace {

constexpr const char* secret = "0123456789abcdef0123456789abcdef";
constexpr const char* everything = R"({"weft":{"documents":[{"roomPrefix":""}]}})";
constexpr std::int64_t now_ms = 1'800'000'000'000;
constexpr base::monotonic_time now = std::chrono::hours(5);

class JwtAuthorizerTest : public ::testing::Test {
 protected:
  AuthorizationOptions options(const std::string& key) const {
    const auto path = directory_.path() / "key";
    std::ofstream(path, std::ios::binary) << key;
    AuthorizationOptions out;
    out.enabled = true;
    out.key_file = path.string();
    return out;
  }
  std::unique_ptr<JwtAuthorizer> open(const std::string& key = secret) const {
    return std::move(JwtAuthorizer::open(options(key)).value());
  }

  static std::string token(const std::string& claims, jwt_alg_t algorithm = JWT_ALG_HS256,
                           const std::string& key = secret) {
    jwt_t* made = nullptr;
    EXPECT_EQ(jwt_new(&made), 0);
    EXPECT_EQ(jwt_add_grants_json(made, claims.c_str()), 0);
    EXPECT_EQ(
        jwt_set_alg(made, algorithm,
                    algorithm == JWT_ALG_NONE ? nullptr
                                              : reinterpret_cast<const unsigned char*>(key.data()),
                    algorithm == JWT_ALG_NONE ? 0 : static_cast<int>(key.size())),
        0);
    char* const text = jwt_encode_str(made);
    std::string out = text;
    std::free(text);
    jwt_free(made);
    return out;
  }

  static base::result<hub::Permit> judge(
      const JwtAuthorizer& by, const std::string& shown,
      std::optional<base::DocumentId> document = base::DocumentId{"team", "notes", {}}) {
    return by.judge({std::move(document), shown, {}}, now, now_ms);
  }
  static std::error_code why(const base::result<hub::Permit>& permit) {
    return permit ? std::error_code() : permit.error().code;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(JwtAuthorizerTest, ATokenSaysWhoMayDoWhat) {
  const auto by = open();
  const auto permit = judge(*by, token(R"({"sub":"ada","exp":1800000060,"weft":{"documents":[
                     {"room":"team","documentPrefix":"n","rights":["read"]},
                     {"room":"team","document":"notes","rights":["awareness"]},
                     {"room":"other"}]}})"));
  ASSERT_TRUE(permit) << permit.error().message;
  EXPECT_EQ(permit->identity, "ada");
  EXPECT_EQ(permit->rights, (hub::Rights{true, false, true, false}));
  EXPECT_EQ(permit->expires, now + std::chrono::seconds(60));
}

TEST_F(JwtAuthorizerTest, WhatIsNotNamedIsNotGranted) {
  const auto by = open();
  const hub::Rights none{false, false, false, false};
  for (const char* claims :
       {R"({})", R"({"weft":{}})", R"({"weft":[]})", R"({"weft":{"documents":{}}})",
        R"({"weft":{"documents":[7,{"room":"teams"},{"room":"tea"},{"room":"*"},{"room":1}]}})",
        R"({"weft":{"documents":[{},{"document":"notes"},{"rooms":"team"}]}})",
        R"({"weft":{"documents":[{"room":"team","right":["read"]}]}})",
        R"({"weft":{"documents":[{"room":"team","document":"note"},{"roomPrefix":"x"}]}})",
        R"({"weft":{"documents":[{"room":"team","rights":"read"}]}})",
        R"({"weft":{"documents":[{"room":"team","rights":["everything"]}]}})"}) {
    const auto permit = judge(*by, token(claims));
    ASSERT_TRUE(permit) << claims;
    EXPECT_EQ(permit->rights, none) << claims;
  }
  EXPECT_EQ(judge(*by, token(R"({"weft":{"documents":[{"room":"team"}]}})"))->rights,
            hub::Rights{});
  EXPECT_EQ(judge(*by, token(everything))->rights, hub::Rights{});
}

TEST_F(JwtAuthorizerTest, TheListIsARightOfItsOwn) {
  const auto by = open();
  EXPECT_FALSE(judge(*by, token(everything), std::nullopt)->rights.read);
  const auto listed = token(R"({"weft":{"list":true}})");
  EXPECT_TRUE(judge(*by, listed, std::nullopt)->rights.read);
  EXPECT_FALSE(judge(*by, listed)->rights.read);
}

TEST_F(JwtAuthorizerTest, WhatIsForgedOrOldIsNoToken) {
  const auto by = open();
  const std::string grants = R"("weft":{"documents":[{"roomPrefix":""}]})";
  const auto good = token("{" + grants + "}");
  ASSERT_TRUE(judge(*by, good));
  auto tampered = good;
  tampered[tampered.find('.') + 3] ^= 1;
  std::string nul = good;
  nul.insert(nul.size() / 2, 1, '\0');
  for (const std::string& bad :
       {std::string("x"), std::string("a.b.c"), std::string(".."), tampered, nul,
        good.substr(0, good.size() - 1), good.substr(0, good.rfind('.') + 1),
        token("{" + grants + "}", JWT_ALG_NONE), token("{" + grants + "}", JWT_ALG_HS512),
        token("{" + grants + "}", JWT_ALG_HS256, std::string(32, 'x')),
        token(R"({"exp":1800000000,)" + grants + "}"), token(R"({"exp":"soon",)" + grants + "}"),
        token(R"({"nbf":1800000001,)" + grants + "}"), token(R"({"sub":7,)" + grants + "}"),
        token(R"({"sub":")" + std::string(1025, 'x') + R"(",)" + grants + "}"),
        token(R"({"aud":"somebody",)" + grants + "}"),
        // The library copies the parts of a token to the stack.
        std::string(16u << 20, 'A') + ".e30.x", "e30." + std::string(16u << 20, 'A') + ".x"}) {
    EXPECT_EQ(why(judge(*by, bad)), hub::errc::unauthenticated) << bad.substr(0, 200);
  }
  EXPECT_TRUE(judge(*by, token(R"({"exp":1800000000.5,"nbf":1800000000,)" + grants + "}")));
  EXPECT_EQ(judge(*by, token(R"({"exp":1e300,)" + grants + "}"))->expires,
            base::monotonic_time::max());
}

TEST_F(JwtAuthorizerTest, NoClaimsAndNoTokensBreakAnything) {
  static const JwtAuthorizer* by = nullptr;
  const auto owned = open();
  by = owned.get();
  const std::string claims =
      R"({"sub":"ada","exp":1800000060.5,"nbf":-1e9,"weft":{"list":true,)"
      R"("documents":[{"roomPrefix":"te","document":"notes","rights":["read"]}]}})";
  const auto judge_bytes = [](base::byte_view shown) {
    const auto permit = judge(*by, std::string(base::as_text(shown)));
    if (!permit) WEFT_CHECK(permit.error().code == hub::errc::unauthenticated);
  };
  fuzz::exercise(judge_bytes, token(claims), 5000);
  // Signed by whoever has the key, and strange all the same.
  fuzz::exercise(
      [](base::byte_view said) {
        jwt_t* made = nullptr;
        WEFT_CHECK(jwt_new(&made) == 0);
        const std::string text(base::as_text(said));
        const bool takes = jwt_add_grants_json(made, text.c_str()) == 0;
        jwt_free(made);
        if (takes) (void)judge(*by, token(text));
      },
      claims, 5000);
}

TEST_F(JwtAuthorizerTest, ThoseWithoutATokenGetWhatIsConfigured) {
  EXPECT_EQ(why(judge(*open(), "")), hub::errc::unauthenticated);
  auto with = options(secret);
  with.anonymous = anonymous_rights::read;
  const auto by = JwtAuthorizer::open(with);
  ASSERT_TRUE(by);
  EXPECT_EQ(judge(**by, "")->rights, (hub::Rights{true, false, false, false}));
  EXPECT_EQ(why(judge(**by, "x")), hub::errc::unauthenticated);
  EXPECT_EQ(why(judge(**by, "", std::nullopt)), hub::errc::unauthenticated);  // no list
}

TEST_F(JwtAuthorizerTest, ATokenForAnAudienceIsForItAlone) {
  auto with = options(secret);
  with.audience = "weft";
  const auto by = JwtAuthorizer::open(with);
  ASSERT_TRUE(by);
  EXPECT_TRUE(judge(**by, token(R"({"aud":"weft"})")));
  EXPECT_TRUE(judge(**by, token(R"({"aud":["mail","weft"]})")));
  for (const char* claims : {R"({})", R"({"aud":"mail"})", R"({"aud":[]})", R"({"aud":7})"}) {
    EXPECT_EQ(why(judge(**by, token(claims))), hub::errc::unauthenticated) << claims;
  }
}

TEST_F(JwtAuthorizerTest, APublicKeyIsNoSecret) {
  constexpr const char* pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
      "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n"
      "-----END PUBLIC KEY-----\n";
  auto with = options(pem);
  EXPECT_EQ(JwtAuthorizer::open(with).error().code, errc::config);  // HS256 by default
  with.algorithm = "RS256";
  EXPECT_EQ(JwtAuthorizer::open(with).error().code, errc::config);
  with.algorithm = "ES256";
  const auto by = JwtAuthorizer::open(with);
  ASSERT_TRUE(by) << by.error().message;
  // The classic forgery: the public key as the secret of an HMAC.
  EXPECT_EQ(why(judge(**by, token(everything, JWT_ALG_HS256, pem))), hub::errc::unauthenticated);
}

TEST_F(JwtAuthorizerTest, AKeyThatIsNoneIsRefusedAtTheStart) {
  EXPECT_EQ(JwtAuthorizer::open(options("short")).error().code, errc::config);
  auto rsa = options(secret);
  rsa.algorithm = "RS256";
  EXPECT_EQ(JwtAuthorizer::open(rsa).error().code, errc::config);
  rsa.key_file += ".missing";
  EXPECT_EQ(JwtAuthorizer::open(rsa).error().code, errc::config);
  Config config;
  config.authorization.enabled = true;
  const auto checked = check(config);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("authorization.key_file"), std::string::npos);
}

}  // namespace
}  // namespace weft::app
