#include "weft/app/jwt_authorizer.h"

#include <jwt.h>

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
constexpr hub::Rights no_rights{false, false, false, false};

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

/// Whether the pattern of a grant's member fits a name; a grant without the member fits all.
bool fits(const json& grant, const char* member, std::string_view name) {
  const auto it = grant.find(member);
  if (it == grant.end()) return true;
  if (!it->is_string()) return false;
  const std::string_view pattern = it->get_ref<const std::string&>();
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
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
    if (!grant.is_object() || !fits(grant, "room", document->room_id) ||
        !fits(grant, "document", document->doc_id)) {
      continue;
    }
    add_rights(grant, out);
  }
  return out;
}

hub::Rights rights_of(anonymous_rights who) {
  switch (who) {
    case anonymous_rights::none:
      return no_rights;
    case anonymous_rights::read:
      return {true, false, false, false};
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
  if (hmac && key.size() < secret_bytes_min) {
    return base::fail(errc::config, "authorization.key_file: a secret of " +
                                        std::to_string(key.size()) + " bytes is too short; take " +
                                        std::to_string(secret_bytes_min) + " or more");
  }
  if (!hmac && key.find("PUBLIC KEY-----") == std::string::npos) {
    return base::fail(errc::config, "authorization.key_file: " + options.key_file +
                                        " holds no public key in PEM form");
  }
  return std::unique_ptr<JwtAuthorizer>(
      new JwtAuthorizer(std::move(key), algorithm, rights_of(options.anonymous)));
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
    if (anonymous_ == no_rights) {
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

  hub::Permit out;
  if (const auto subject = claims->find("sub"); subject != claims->end()) {
    if (!subject->is_string()) return refuse("sub is not a text");
    out.identity = subject->get<std::string>();
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
