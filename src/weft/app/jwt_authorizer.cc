#include "weft/app/jwt_authorizer.h"

#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "weft/app/config.h"
#include "weft/hub/errc.h"

namespace weft::app {

namespace {

using nlohmann::json;

/// RFC 7518, section 3.2: an HMAC key has at least the size of the hash; SHA-256's is the least.
constexpr std::size_t secret_bytes_min = 32;
constexpr hub::Rights no_rights{
    .read = false, .write = false, .awareness = false, .control = false};

struct FreeToken {
  void operator()(jwt_t* token) const { jwt_free(token); }
};
struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

std::unexpected<base::error> refuse(const std::string& why) {
  return base::fail(hub::errc::unauthenticated, "token: " + why);
}

/// The claims of a token whose signature is right.
base::result<json> claims_of(const std::string& token, const std::string& key, int algorithm) {
  // The library reads up to the first NUL.
  if (token.find('\0') != std::string::npos) return refuse("not a JSON Web Token");
  // It copies the token's parts to the stack, whatever their length.
  if (token.size() > hub::token_bytes_max) return refuse("too long");
  jwt_t* decoded = nullptr;
  const int failed =
      jwt_decode(&decoded, token.c_str(), reinterpret_cast<const unsigned char*>(key.data()),
                 static_cast<int>(key.size()));
  const std::unique_ptr<jwt_t, FreeToken> owned(decoded);
  if (failed) return refuse("not a JSON Web Token, or not signed with this server's key");
  // The library goes by the token's own word: a public key must not pass for an HMAC secret.
  if (jwt_get_alg(decoded) != static_cast<jwt_alg_t>(algorithm)) {
    return refuse("signed with another algorithm than this server takes");
  }
  // RFC 7515, section 4.1.11: what must be understood, and is not, makes a token invalid.
  if (const std::unique_ptr<char, FreeText> critical(jwt_get_headers_json(decoded, "crit"));
      critical) {
    return refuse("its header has crit, and nothing beyond the standard is understood here");
  }
  const std::unique_ptr<char, FreeText> text(jwt_get_grants_json(decoded, nullptr));
  auto claims = text ? json::parse(text.get(), nullptr, false) : json();
  if (!claims.is_object()) return refuse("its claims are not an object");
  return claims;
}

/// Seconds of a claim; none when it is not there. RFC 7519 allows fractions.
base::result<std::optional<double>> seconds_of(const json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end()) return std::nullopt;
  if (!it->is_number()) return refuse(std::string(name) + " is not a number");
  return it->get<double>();
}

/// Whether a grant means this name: by `exact`, or by its beginning (`prefix`).
bool means(const json& grant, const char* exact, const char* prefix, std::string_view name,
           bool otherwise) {
  const auto one = grant.find(exact);
  if (one != grant.end()) return one->is_string() && name == one->get_ref<const std::string&>();
  const auto many = grant.find(prefix);
  if (many == grant.end()) return otherwise;
  return many->is_string() && name.starts_with(many->get_ref<const std::string&>());
}

/// A member that is not known here may narrow what its issuer meant.
bool understood(const json& grant) {
  constexpr std::array<std::string_view, 5> members = {"room", "roomPrefix", "document",
                                                       "documentPrefix", "rights"};
  if (!grant.is_object()) return false;
  for (const auto& [key, value] : grant.items()) {
    if (std::ranges::find(members, key) == members.end()) return false;
  }
  return true;
}

struct NamedRight {
  std::string_view name;
  bool hub::Rights::* right;
};
constexpr std::array named_rights = {
    NamedRight{"read", &hub::Rights::read},
    NamedRight{"write", &hub::Rights::write},
    NamedRight{"awareness", &hub::Rights::awareness},
    NamedRight{"control", &hub::Rights::control},
};

void add_rights(const json& grant, hub::Rights& to) {
  const auto it = grant.find("rights");
  for (const auto& [name, right] : named_rights) {
    const bool given =
        it == grant.end() || (it->is_array() && std::ranges::find(*it, json(name)) != it->end());
    to.*right = to.*right || given;
  }
}

hub::Rights rights_of(const json& claims, const std::optional<base::DocumentId>& document) {
  hub::Rights out = no_rights;
  const auto weft = claims.find("weft");
  if (weft == claims.end() || !weft->is_object()) return out;
  if (!document) {
    out.read = weft->value("list", json(false)) == json(true);
    return out;
  }
  const auto grants = weft->find("documents");
  if (grants == weft->end() || !grants->is_array()) return out;
  for (const json& grant : *grants) {
    if (understood(grant) && means(grant, "room", "roomPrefix", document->room_id, false) &&
        means(grant, "document", "documentPrefix", document->doc_id, true)) {
      add_rights(grant, out);
    }
  }
  return out;
}

/// RFC 7519, section 4.1.3.
bool is_for(const json& claims, const std::string& audience) {
  const auto said = claims.find("aud");
  if (said == claims.end()) return audience.empty();
  if (audience.empty()) return false;
  if (said->is_array()) return std::ranges::find(*said, json(audience)) != said->end();
  return *said == json(audience);
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

/// What is wrong with a key for an algorithm; empty: nothing.
std::string key_problem(const std::string& algorithm, const std::string& key) {
  if (algorithm.starts_with("HS")) {
    // Everybody has a public key, and could sign with it.
    if (key.find("-----BEGIN") != std::string::npos) {
      return "is a key in PEM form, which " + algorithm +
             " would take for a secret; set "
             "authorization.algorithm";
    }
    if (key.size() >= secret_bytes_min) return {};
    return "holds a secret of " + std::to_string(key.size()) + " bytes, which is too short; take " +
           std::to_string(secret_bytes_min) + " or more";
  }
  const std::unique_ptr<BIO, int (*)(BIO*)> input(
      BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, FreeKey> read(
      PEM_read_bio_PUBKEY(input.get(), nullptr, nullptr, nullptr));
  const int wanted = algorithm.starts_with("RS") ? EVP_PKEY_RSA : EVP_PKEY_EC;
  if (!read) return "holds no public key in PEM form (BEGIN PUBLIC KEY)";
  if (EVP_PKEY_get_base_id(read.get()) != wanted) return "holds a key that is not for " + algorithm;
  return {};
}

hub::Rights rights_of(anonymous_rights who) {
  switch (who) {
    case anonymous_rights::none:
      return no_rights;
    case anonymous_rights::read:
      return {.read = true, .write = false, .awareness = false, .control = false};
    case anonymous_rights::write:
      return {};
  }
  base::invariant_broken("unknown rights", __FILE__, __LINE__);
}

}  // namespace

base::result<std::unique_ptr<JwtAuthorizer>> JwtAuthorizer::open(
    const AuthorizationOptions& options) {
  const jwt_alg_t algorithm = jwt_str_alg(options.algorithm.c_str());
  WEFT_CHECK(algorithm != JWT_ALG_INVAL && algorithm != JWT_ALG_NONE);  // the setting allows none
  std::ifstream file(options.key_file, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    return base::fail(errc::config, "authorization.key_file: cannot read " + options.key_file);
  }
  std::string key = std::move(content).str();
  const bool hmac = options.algorithm.starts_with("HS");
  // An editor's line end is not part of a secret.
  if (hmac && key.ends_with('\n')) key.pop_back();
  if (hmac && key.ends_with('\r')) key.pop_back();
  if (const auto problem = key_problem(options.algorithm, key); !problem.empty()) {
    return base::fail(errc::config, "authorization.key_file: " + options.key_file + " " + problem);
  }
  return std::unique_ptr<JwtAuthorizer>(
      new JwtAuthorizer(std::move(key), algorithm, options.audience, rights_of(options.anonymous)));
}

void JwtAuthorizer::authorize(hub::AuthorizationRequest request, base::Executor& executor,
                              log::callback<hub::Permit> done) {
  auto permit = judge(request, executor.now(), executor.wall_clock_ms());
  executor.post(
      [permit = std::move(permit), done = std::move(done)]() mutable { done(std::move(permit)); });
}

base::result<hub::Permit> JwtAuthorizer::judge(const hub::AuthorizationRequest& request,
                                               base::monotonic_time now,
                                               std::int64_t wall_clock_ms) const {
  if (request.token.empty()) {
    // Lists are for those whose token says so.
    if (anonymous_ == no_rights || !request.document) {
      return base::fail(hub::errc::unauthenticated, "a token is needed here");
    }
    return hub::Permit{{}, anonymous_};
  }
  const auto claims = claims_of(request.token, key_, algorithm_);
  if (!claims) return base::fail(base::error(claims.error()));
  const double now_s = static_cast<double>(wall_clock_ms) / 1000;
  const auto from = seconds_of(*claims, "nbf");
  if (!from) return base::fail(base::error(from.error()));
  if (*from && **from > now_s) return refuse("it is not valid yet");
  const auto until = seconds_of(*claims, "exp");
  if (!until) return base::fail(base::error(until.error()));
  if (*until && **until <= now_s) return refuse("it has expired");

  if (!is_for(*claims, audience_)) {
    return refuse(audience_.empty() ? "it is for an audience, and this server has no name of one"
                                    : "it is not for the audience \"" + audience_ + "\"");
  }

  hub::Permit out;
  if (const auto subject = claims->find("sub"); subject != claims->end()) {
    if (!subject->is_string()) return refuse("sub is not a text");
    out.identity = subject->get<std::string>();
    if (out.identity.size() > hub::permit_identity_bytes_max) return refuse("sub is too long");
  }
  out.rights = rights_of(*claims, request.document);
  constexpr double far_s = 100.0 * 365 * 24 * 3600;  // beyond it the clock might overflow
  if (*until && **until - now_s < far_s) {
    out.expires = now + std::chrono::duration_cast<base::monotonic_time>(
                            std::chrono::duration<double>(**until - now_s));
  }
  return out;
}

}  // namespace weft::app
